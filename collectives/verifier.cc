#include "collectives/verifier.h"

#include <array>

#include "collectives/verifier/collective_rules.h"
#include "collectives/verifier/execution.h"
#include "collectives/verifier/post_condition.h"

namespace hvd {

std::string_view verifier_rule_name(VerifierRule rule) {
  constexpr std::array<std::string_view, 10> names = {
      "none",
      "all ranks' schedules are about one collective",
      "an op is well formed",
      "what is sent is received, in the same pieces",
      "no deadlock in any interleaving",
      "conflicting accesses to shared memory are ordered",
      "nothing is read that nobody wrote",
      "the same element of each rank once, each factor once",
      "the outputs are what the collective promises",
      "the same reduction tree on all ranks"};
  const auto index = static_cast<std::size_t>(rule);
  return index < names.size() ? names[index] : "unknown";
}

VerifierReport verify_schedules(std::span<const Schedule> schedules, int edge_slot_count) {
  VerifierReport report;
  if (schedules.empty() || schedules.size() > std::size_t{kVerifierRankCountMax} ||
      edge_slot_count < 1) {
    report.rule = VerifierRule::same_collective;
    report.status = error(StatusCode::invalid_argument, "verifier: ", schedules.size(),
                          " schedules and ", edge_slot_count, " slots an edge; allowed are 1 to ",
                          kVerifierRankCountMax, " schedules and at least 1 slot");
    return report;
  }
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    if (const std::string text = collective_fault(schedules, rank); !text.empty()) {
      return fault_report(schedules, VerifierRule::same_collective,
                          {rank, VerifierReport::npos, 0, 0}, text);
    }
  }
  Execution execution(schedules, edge_slot_count, Look::order_and_values);
  report = execution.run();
  if (report.ok()) {
    return check_post_condition(schedules, execution);
  }
  if (execution.shares_memory()) {
    const VerifierReport order = Execution(schedules, edge_slot_count, Look::order_only).run();
    return order.ok() ? report : order;
  }
  return report;
}

}  // namespace hvd
