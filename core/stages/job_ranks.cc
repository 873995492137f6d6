#include "core/stages/job_ranks.h"

#include <algorithm>

#include "core/base/str.h"

namespace hvd {

std::string JobRanks::text(Rank rank) const {
  if (rank.value < 0 || rank.value >= count()) {
    return str("rank ", rank);
  }
  const RankAddress& address = addresses_[rank.index()];
  return str("rank ", rank, " (host ", address.host, ", pid ", address.pid, ")");
}

std::string ranks_text(const std::vector<Rank>& ranks, std::size_t named_max) {
  std::string text = ranks.size() == 1 ? "rank" : "ranks";
  for (std::size_t i = 0; i < std::min(ranks.size(), named_max); ++i) {
    text += str(" ", ranks[i]);
  }
  if (ranks.size() > named_max) {
    text += str(" and ", ranks.size() - named_max, " more");
  }
  return text;
}

}  // namespace hvd
