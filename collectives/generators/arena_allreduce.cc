#include "collectives/generators/arena_allreduce.h"

#include "collectives/generators/slot_window.h"
#include "collectives/generators/two_shot_allreduce.h"

namespace hvd {
namespace {

// kCome: the tensors are there. kDone: nobody's share that this rank combines is missing.
enum Flag : std::uint32_t { kCome = 0, kDone = 1 };

}  // namespace

Schedule make_arena_allreduce(const ScheduleParams& params) {
  if (params.prescale || params.rank_count == 1) {
    return make_two_shot_allreduce(params);
  }
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  builder.slot(0, slot_ranks_of(params)).post(kCome, 1).wait_all(kCome, 1);
  const Block share = aligned_share(params.element_count, params.rank_count, params.rank.value);
  for (std::uint64_t k = 0; k < chunk_count_of(share, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(share, params.chunk_element_count, k);
    builder.reduce_slots(at_output(chunk.offset), at_input(chunk.offset), 0, chunk.count,
                         kFromInputs | kToOutputs | stream_flag(params) | post_flag(params));
  }
  builder.post(kDone, 1).wait_all(kDone, 1);
  return builder.take();
}

}  // namespace hvd
