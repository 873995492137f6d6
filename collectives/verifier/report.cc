#include "collectives/verifier/report.h"

#include "collectives/schedule_text.h"

namespace hvd {

VerifierReport fault_report(std::span<const Schedule> schedules, VerifierRule rule,
                            const FaultPlace& place, const std::string& text) {
  const Schedule& schedule = schedules[place.rank];
  std::string where = str("schedule of ", collective_name(schedule.kind), " on ", schedules.size(),
                          " ranks: rank ", place.rank);
  if (place.op_index < schedule.ops.size()) {
    where += str(", op ", place.op_index, " '", op_text(schedule.ops[place.op_index]), "'");
  }
  if (place.element_end > place.element_begin) {
    where += str(", elements ", place.element_begin, " to ", place.element_end - 1);
  }
  VerifierReport report;
  report.status =
      error(StatusCode::internal, where, ": ", text, ". broken rule: ", verifier_rule_name(rule));
  report.rule = rule;
  report.rank = Rank{place.rank};
  report.op_index = place.op_index;
  report.element_begin = place.element_begin;
  report.element_end = place.element_end;
  return report;
}

}  // namespace hvd
