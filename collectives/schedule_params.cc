#include "collectives/schedule_params.h"

#include <limits>

namespace hvd {
namespace {

Status check_counts(const ScheduleParams& params) {
  if (params.counts.size() != static_cast<std::size_t>(params.rank_count)) {
    return error(StatusCode::invalid_argument, "schedule parameters: ", params.counts.size(),
                 " gather counts for ", params.rank_count, " ranks");
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t count : params.counts) {
    if (count > std::numeric_limits<std::uint64_t>::max() - sum) {
      return error(StatusCode::invalid_argument,
                   "schedule parameters: the gather counts' sum does not fit in 64 bits");
    }
    sum += count;
  }
  return ok_status();
}

}  // namespace

Status check_params(CollectiveKind kind, const ScheduleParams& params) {
  if (params.rank_count < 1 || params.rank_count > kRankCountMax) {
    return error(StatusCode::invalid_argument, "schedule parameters: rank count ",
                 params.rank_count, ", allowed is 1 to ", kRankCountMax);
  }
  if (params.rank.value < 0 || params.rank.value >= params.rank_count) {
    return error(StatusCode::invalid_argument, "schedule parameters: rank ", params.rank, " of ",
                 params.rank_count);
  }
  if (params.root.value < 0 || params.root.value >= params.rank_count) {
    return error(StatusCode::invalid_argument, "schedule parameters: root ", params.root, " of ",
                 params.rank_count, " ranks");
  }
  if (params.chunk_element_count < 1 || params.send_ahead < 1) {
    return error(StatusCode::invalid_argument, "schedule parameters: chunk of ",
                 params.chunk_element_count, " elements, ", params.send_ahead,
                 " sends ahead; both are at least 1");
  }
  if (!params.host_of_rank.empty() &&
      params.host_of_rank.size() != static_cast<std::size_t>(params.rank_count)) {
    return error(StatusCode::invalid_argument, "schedule parameters: hosts of ",
                 params.host_of_rank.size(), " ranks for ", params.rank_count);
  }
  if (!reduces(kind) && (params.prescale || params.postscale)) {
    return error(StatusCode::invalid_argument, "schedule parameters: scaling in ",
                 collective_name(kind), "; only a reduction scales");
  }
  return has_counts(kind) ? check_counts(params) : ok_status();
}

}  // namespace hvd
