#include "tests/collectives/one_shot_allreduce.h"

#include "collectives/generators/blocks.h"

namespace hvd {
namespace {

void wait_for_others(ScheduleBuilder& builder, const ScheduleParams& params, std::uint32_t flag,
                     std::uint32_t value) {
  for (int other = 0; other < params.rank_count; ++other) {
    if (other != params.rank.value && value > 0) {
      builder.wait(Rank{other}, flag, value);
    }
  }
}

}  // namespace

Schedule make_one_shot_allreduce(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  builder.slot(params.chunk_element_count, {});
  const Block all{0, params.element_count};
  const std::uint64_t chunk_count = chunk_count_of(all, params.chunk_element_count);
  for (std::uint64_t k = 0; k < chunk_count; ++k) {
    const Block chunk = chunk_of(all, params.chunk_element_count, k);
    const auto turn = static_cast<std::uint32_t>(k);
    wait_for_others(builder, params, 1, turn);
    builder.copy(at_slot(params.rank, 0), at_input(chunk.offset), chunk.count, pre_flag(params));
    builder.post(0, turn + 1);
    wait_for_others(builder, params, 0, turn + 1);
    const int last = params.rank_count - 1;
    builder.copy(at_output(chunk.offset), at_slot(Rank{0}, 0), chunk.count,
                 last == 0 ? post_flag(params) : 0U);
    for (int other = 1; other <= last; ++other) {
      builder.reduce(at_output(chunk.offset), at_slot(Rank{other}, 0), chunk.count,
                     other == last ? post_flag(params) : 0U);
    }
    if (k + 1 < chunk_count) {
      builder.post(1, turn + 1);
    }
  }
  return builder.take();
}

}  // namespace hvd
