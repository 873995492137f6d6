#include "collectives/generators/single_copy_alltoall.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kCome: this rank's input can be read. kDone: this rank has read what all others have for it.
enum Flag : std::uint32_t { kCome = 0, kDone = 1 };

}  // namespace

Schedule make_single_copy_alltoall(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::alltoall, params);
  const std::vector<Block> sent = blocks_of_counts(params.send_counts);
  const std::vector<Block> received = blocks_of_counts(params.counts);
  const std::size_t me = params.rank.index();
  const bool is_alone = params.rank_count == 1;
  if (!is_alone) {
    builder.slot(0, slot_ranks_of(params)).offer_parts().post(kCome, 1);
  }
  copy_block(builder, params, received[me].offset, sent[me]);  // while the others come
  if (is_alone) {
    return builder.take();
  }
  // From the next rank on, so that not all read the same rank's input at once.
  for (int distance = 1; distance < params.rank_count; ++distance) {
    const Rank other{(params.rank.value + distance) % params.rank_count};
    if (const Block part = received[other.index()]; part.count > 0) {
      builder.wait(other, kCome, 1).copy(at_output(part.offset), at_part(other, 0), part.count);
    }
  }
  builder.post(kDone, 1).wait_all(kDone, 1);
  return builder.take();
}

}  // namespace hvd
