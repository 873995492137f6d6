#include "tests/collectives/order_claims.h"

#include "collectives/verifier/execution.h"
#include "core/base/check.h"
#include "core/base/str.h"

namespace hvd {
namespace {

std::string key_of(const AlgorithmCase& one, CombiningOrder order) {
  const ScheduleParams& params = one.params;
  std::string key = str(collective_name(one.row->kind), " order ", static_cast<int>(order), " p ",
                        params.rank_count, " root ", params.root, " pre ", params.prescale,
                        " post ", params.postscale, " narrow ", params.narrow, " hosts");
  for (const int host : params.host_of_rank) {
    key += str(" ", host);
  }
  return key;
}

}  // namespace

std::set<std::string> output_formulas(const std::vector<Schedule>& schedules, int edge_slot_count) {
  Execution execution(schedules, edge_slot_count, Look::order_and_values);
  HVD_CHECK(execution.run().ok());
  std::set<TermId> terms;
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    const PieceMap<Value>& pieces = execution.output(rank).pieces();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      terms.insert(pieces[i].value.term);
    }
  }
  std::set<std::string> formulas;
  for (const TermId term : terms) {
    formulas.insert(execution.terms().text(term));
  }
  return formulas;
}

std::string OrderClaims::fault_of(const AlgorithmCase& one,
                                  const std::vector<Schedule>& schedules) {
  const CombiningOrder order = combining_order(*one.row, one.params.narrow);
  if (order == CombiningOrder::any || !one.params.fixed_order) {
    return "";
  }
  for (const std::string& formula : output_formulas(schedules, one.edge_slot_count)) {
    const auto known = formulas_.emplace(key_of(one, order), formula).first;
    if (known->second != formula) {
      return str("an element is ", formula, ", elsewhere it is ", known->second);
    }
  }
  return "";
}

}  // namespace hvd
