#include "collectives/schedule_params.h"

#include <limits>

namespace hvd {
namespace {

Status check_counts(const ScheduleParams& params, const std::vector<std::uint64_t>& counts) {
  if (counts.size() != static_cast<std::size_t>(params.rank_count)) {
    return error(StatusCode::invalid_argument, "schedule parameters: ", counts.size(),
                 " counts for ", params.rank_count, " ranks");
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    if (count > std::numeric_limits<std::uint64_t>::max() - sum) {
      return error(StatusCode::invalid_argument,
                   "schedule parameters: the sum of the counts does not fit in 64 bits");
    }
    sum += count;
  }
  return ok_status();
}

// Of what belongs to some kinds only.
Status check_of_kind(CollectiveKind kind, const ScheduleParams& params) {
  if (has_counts(kind)) {
    HVD_TRY(check_counts(params, params.counts));
  }
  if (kind == CollectiveKind::alltoall) {
    HVD_TRY(check_counts(params, params.send_counts));
    if (params.counts[params.rank.index()] != params.send_counts[params.rank.index()]) {
      return error(StatusCode::invalid_argument, "schedule parameters: rank ", params.rank,
                   " sends itself ", params.send_counts[params.rank.index()],
                   " elements and takes ", params.counts[params.rank.index()]);
    }
  }
  if ((kind == CollectiveKind::send || kind == CollectiveKind::recv) &&
      (params.peer.value < 0 || params.peer.value >= params.rank_count ||
       params.peer == params.rank)) {
    return error(StatusCode::invalid_argument, "schedule parameters: rank ", params.rank, " of ",
                 params.rank_count, " has rank ", params.peer, " as its peer");
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
  return check_of_kind(kind, params);
}

}  // namespace hvd
