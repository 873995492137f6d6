#include "tests/collectives/golden_decisions.h"

#include <array>
#include <utility>

#include "collectives/decision_text.h"
#include "core/base/str.h"
#include "tests/collectives/table_jobs.h"

namespace hvd {

std::vector<GoldenFile> golden_decisions() {
  constexpr std::array<std::pair<int, int>, 4> kJobs = {{{1, 4}, {2, 1}, {4, 1}, {2, 4}}};
  std::vector<GoldenFile> files;
  for (const auto& [host_count, ranks_per_host] : kJobs) {
    const TableJob job(host_count, ranks_per_host);
    DecisionTable table = job.table();
    std::string text = str("hosts ", host_count, ", ranks of each ", ranks_per_host, "\n");
    for (const CollectiveKind kind :
         {CollectiveKind::allreduce, CollectiveKind::reduce, CollectiveKind::broadcast,
          CollectiveKind::allgather, CollectiveKind::reduce_scatter, CollectiveKind::alltoall,
          CollectiveKind::barrier}) {
      text += str("\n", collective_name(kind), "\n", decisions_text(table, kind));
    }
    files.push_back({str("decisions_", host_count, "x", ranks_per_host, ".txt"), text});
  }
  return files;
}

}  // namespace hvd
