#include "collectives/situation.h"

namespace hvd {
namespace {

// What is fused with others may be of any length and lie anywhere in it.
bool may_be_fused(const Situation& situation) {
  return (situation.kind == CollectiveKind::allreduce && !situation.is_adasum) ||
         situation.kind == CollectiveKind::reduce;
}

// The one order in which elements are combined here, whatever the size.
CombiningOrder order_of(const Situation& situation) {
  if (situation.shares() && situation.host_count == 1) {
    return CombiningOrder::ranks;
  }
  if (situation.kind == CollectiveKind::reduce) {
    return CombiningOrder::tree;
  }
  return situation.shares() && situation.host_count < situation.rank_count ? CombiningOrder::hosts
                                                                           : CombiningOrder::halves;
}

}  // namespace

Situation situation_of(const WorkShape& shape, const JobPlaces& places,
                       const SelectorSettings& settings) {
  const std::uint64_t bytes = shape.element_count * dtype_bytes(shape.dtype);
  const Lane lane = bytes <= settings.tuning.express_bytes_most ? Lane::express : Lane::bulk;
  std::uint64_t slot_bytes =
      lane == Lane::express ? settings.slot_bytes_express : settings.slot_bytes_bulk;
  if (settings.deterministic && settings.slot_bytes_express * settings.slot_bytes_bulk == 0) {
    slot_bytes = 0;  // a lane is a matter of size, and decides no order
  }
  return {shape.kind,
          reduces(shape.kind) && shape.op == ReduceOp::adasum,
          places.rank_count,
          bytes,
          lane,
          slot_bytes,
          places.host_count,
          places.ranks_per_host,
          settings.in_arena && shape.tensor_count <= slot_bytes / kTensorPlaceBytes,
          settings.reads_peers,
          shape.even_parts,
          settings.deterministic,
          reduces(shape.kind) && shape.dtype == DType::float32 && settings.narrow != WireType::own};
}

bool keeps_order(const AlgorithmRow& row, const Situation& situation) {
  return !situation.deterministic || !may_be_fused(situation) ||
         combining_order(row, situation.narrow && (row.needs & kNeedsOneHost) == 0) ==
             order_of(situation);
}

bool is_possible(const AlgorithmRow& row, const Situation& situation) {
  const auto ranks = static_cast<std::uint64_t>(situation.rank_count);
  return ((row.needs & kNeedsAdasum) != 0) == situation.is_adasum &&
         ((row.needs & kNeedsSlots) == 0 || situation.shares()) &&
         ((row.needs & kNeedsStripes) == 0 || situation.slot_bytes / kChunkBytesMin >= ranks) &&
         ((row.needs & kNeedsOneHost) == 0 || situation.host_count == 1) &&
         ((row.needs & kNeedsSeveralHosts) == 0 || situation.host_count > 1) &&
         ((row.needs & kNeedsArena) == 0 || situation.in_arena) &&
         ((row.needs & kNeedsReads) == 0 || situation.reads_peers) &&
         ((row.needs & kNeedsEqualCounts) == 0 || situation.even_parts);
}

}  // namespace hvd
