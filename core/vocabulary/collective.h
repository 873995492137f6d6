// core/vocabulary/collective.h: the operations that ranks do together.
// Not here: how they are done (collectives/), what a user asked for (request.h).
// Threads: pure functions.  Limits: the numbers are part of the wire.
// Read next: request.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace hvd {

// The numbers are part of the wire. send and recv are one operation of two ranks, the others one of
// all ranks of the group.
enum class CollectiveKind : std::uint8_t {
  allreduce = 0,
  allgather = 1,
  broadcast = 2,
  barrier = 3,
  reduce = 4,          // to the root
  reduce_scatter = 5,  // rank r keeps the r-th part
  alltoall = 6,
  gather = 7,   // to the root
  scatter = 8,  // from the root
  send = 9,
  recv = 10,
};

inline constexpr int kCollectiveKindCount = 11;

constexpr bool valid_collective(int value) { return value >= 0 && value < kCollectiveKindCount; }

constexpr std::string_view collective_name(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::allreduce:
      return "allreduce";
    case CollectiveKind::allgather:
      return "allgather";
    case CollectiveKind::broadcast:
      return "broadcast";
    case CollectiveKind::barrier:
      return "barrier";
    case CollectiveKind::reduce:
      return "reduce";
    case CollectiveKind::reduce_scatter:
      return "reduce-scatter";
    case CollectiveKind::alltoall:
      return "alltoall";
    case CollectiveKind::gather:
      return "gather";
    case CollectiveKind::scatter:
      return "scatter";
    case CollectiveKind::send:
      return "send";
    case CollectiveKind::recv:
      return "recv";
  }
  return "unknown";
}

// Whether it combines elements of several ranks, so that it has a ReduceOp.
constexpr bool reduces(CollectiveKind kind) {
  return kind == CollectiveKind::allreduce || kind == CollectiveKind::reduce ||
         kind == CollectiveKind::reduce_scatter;
}
// Whether its parts may differ in size from rank to rank.
constexpr bool has_counts(CollectiveKind kind) {
  return kind == CollectiveKind::allgather || kind == CollectiveKind::reduce_scatter ||
         kind == CollectiveKind::alltoall || kind == CollectiveKind::gather ||
         kind == CollectiveKind::scatter;
}
constexpr bool has_root(CollectiveKind kind) {
  return kind == CollectiveKind::broadcast || kind == CollectiveKind::reduce ||
         kind == CollectiveKind::gather || kind == CollectiveKind::scatter;
}

constexpr bool is_point_to_point(CollectiveKind kind) {
  return kind == CollectiveKind::send || kind == CollectiveKind::recv;
}
// Whether a rank may say how many rows go to each rank.
constexpr bool has_splits(CollectiveKind kind) {
  return kind == CollectiveKind::reduce_scatter || kind == CollectiveKind::alltoall ||
         kind == CollectiveKind::scatter;
}
// Whether many tensors may be one operation.
constexpr bool may_be_grouped(CollectiveKind kind) {
  return kind == CollectiveKind::allreduce || kind == CollectiveKind::allgather ||
         kind == CollectiveKind::reduce_scatter;
}
// Whether the runtime makes the memory of the result, because its size depends on other ranks.
constexpr bool makes_result(CollectiveKind kind) {
  return kind == CollectiveKind::allgather || kind == CollectiveKind::alltoall ||
         kind == CollectiveKind::gather || kind == CollectiveKind::scatter;
}

}  // namespace hvd
