#include "collectives/generators/single_copy_allgather.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kCome: this rank's part can be read. kDone: this rank has read all others'.
enum Flag : std::uint32_t { kCome = 0, kDone = 1 };

}  // namespace

Schedule make_single_copy_allgather(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allgather, params);
  const std::vector<Block> parts = blocks_of_counts(params.counts);
  const bool is_alone = params.rank_count == 1;
  if (!is_alone) {
    builder.slot(0, slot_ranks_of(params)).offer_parts().post(kCome, 1);
  }
  if (!params.in_place) {  // while the others come
    const Block own = parts[params.rank.index()];
    copy_block(builder, params, own.offset, Block{0, own.count});
  }
  if (is_alone) {
    return builder.take();
  }
  // From the next rank on, so that not all read the same rank's part at once.
  for (int distance = 1; distance < params.rank_count; ++distance) {
    const Rank other{(params.rank.value + distance) % params.rank_count};
    if (const Block part = parts[other.index()]; part.count > 0) {
      builder.wait(other, kCome, 1).copy(at_output(part.offset), at_part(other, 0), part.count);
    }
  }
  builder.post(kDone, 1).wait_all(kDone, 1);
  return builder.take();
}

}  // namespace hvd
