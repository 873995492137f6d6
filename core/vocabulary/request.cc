#include "core/vocabulary/request.h"

#include "core/base/str.h"

namespace hvd {

std::int64_t even_share(std::int64_t rows, Rank rank, int rank_count) {
  return rows / rank_count + (rank.value < rows % rank_count ? 1 : 0);
}

std::int64_t split_of(const Request& request, Rank rank, int rank_count) {
  return request.splits.empty() ? even_share(request.input.shape[0], rank, rank_count)
                                : request.splits[rank.index()];
}

std::string point_to_point_name(Rank source, Rank destination, std::int32_t tag,
                                std::uint64_t sequence) {
  return str(kPointToPointPrefix, source, ">", destination, " tag ", tag, " #", sequence);
}

}  // namespace hvd
