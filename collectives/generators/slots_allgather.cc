#include "collectives/generators/slots_allgather.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class SlotsAllgather {
 public:
  explicit SlotsAllgather(const ScheduleParams& params)
      : params_(params),
        parts_(blocks_of_counts(params.counts)),
        own_(parts_[params.rank.index()]),
        window_(params, *std::max_element(params.counts.begin(), params.counts.end())),
        builder_(CollectiveKind::allgather, params) {}

  Schedule make() {
    if (params_.rank_count > 1) {
      builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
      pass_through(
          window_, window_.chunk_count(), [&](std::uint64_t k) { put(k); },
          [&](std::uint64_t k) { take(k); });
    }
    if (!params_.in_place) {
      copy_block(builder_, params_, own_.offset, Block{0, own_.count});  // nobody waits for it
    }
    return builder_.take();
  }

 private:
  void put(std::uint64_t k) {
    const Block chunk = window_.chunk(Block{0, own_.count}, k);
    if (chunk.count == 0) {
      return;
    }
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    builder_.copy(at_slot(params_.rank, window_.offset(k)),
                  params_.in_place ? at_output(own_.offset + chunk.offset) : at_input(chunk.offset),
                  chunk.count, stream_flag(params_));
    builder_.post(kPublished, done_with(k));
  }

  // From the next rank on, so that not all read the same rank's slots at once.
  void take(std::uint64_t k) {
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      const Rank other{(params_.rank.value + distance) % params_.rank_count};
      if (const Block chunk = window_.chunk(parts_[other.index()], k); chunk.count > 0) {
        builder_.wait(other, kPublished, done_with(k));
        builder_.copy(at_output(chunk.offset), at_slot(other, window_.offset(k)), chunk.count);
      }
    }
    if (window_.is_reused(k)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const std::vector<Block> parts_;
  const Block own_;
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_slots_allgather(const ScheduleParams& params) {
  return SlotsAllgather(params).make();
}

}  // namespace hvd
