#include "collectives/generators/slots_reduce_scatter.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class SlotsReduceScatter {
 public:
  explicit SlotsReduceScatter(const ScheduleParams& params)
      : params_(params),
        parts_(blocks_of_counts(params.counts)),
        own_(parts_[params.rank.index()]),
        window_(params, *std::max_element(params.counts.begin(), params.counts.end()),
                params.rank_count),
        builder_(CollectiveKind::reduce_scatter, params) {}

  Schedule make() {
    if (params_.rank_count == 1) {
      copy_block(builder_, params_, 0, own_, pre_flag(params_) | post_flag(params_));
      return builder_.take();
    }
    builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
    pass_through(
        window_, window_.chunk_count(), [&](std::uint64_t k) { put(k); },
        [&](std::uint64_t k) { combine(k); });
    return builder_.take();
  }

 private:
  // With a prescale the own part goes there too: that is where it is scaled.
  void put(std::uint64_t k) {
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    for (int rank = 0; rank < params_.rank_count; ++rank) {
      const Block chunk = window_.chunk(parts_[static_cast<std::size_t>(rank)], k);
      const bool is_needed = rank != params_.rank.value || params_.prescale;
      if (chunk.count > 0 && is_needed) {
        builder_.copy(at_slot(params_.rank, window_.offset(k, rank)), at_input(chunk.offset),
                      chunk.count, pre_flag(params_) | stream_flag(params_));
      }
    }
    builder_.post(kPublished, done_with(k));
  }

  void combine(std::uint64_t k) {
    const Block chunk = window_.chunk(own_, k);
    if (chunk.count > 0) {
      const std::uint64_t at = window_.offset(k, params_.rank.value);
      builder_.wait_all(kPublished, done_with(k));
      builder_.reduce_slots(at_output(chunk.offset - own_.offset),
                            params_.prescale ? at_slot(params_.rank, at) : at_input(chunk.offset),
                            at, chunk.count, post_flag(params_));
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

Schedule make_slots_reduce_scatter(const ScheduleParams& params) {
  return SlotsReduceScatter(params).make();
}

}  // namespace hvd
