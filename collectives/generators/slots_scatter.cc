#include "collectives/generators/slots_scatter.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class SlotsScatter {
 public:
  explicit SlotsScatter(const ScheduleParams& params)
      : params_(params),
        parts_(blocks_of_counts(params.counts)),
        window_(params, *std::max_element(params.counts.begin(), params.counts.end()),
                params.rank_count),
        builder_(CollectiveKind::scatter, params) {}

  Schedule make() {
    const bool is_root = params_.rank == params_.root;
    if (params_.rank_count > 1) {
      builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
      for (std::uint64_t k = 0; k < window_.chunk_count(); ++k) {
        is_root ? put(k) : take(k);
      }
    }
    if (is_root) {
      copy_block(builder_, params_, 0, parts_[params_.rank.index()]);
    }
    return builder_.take();
  }

 private:
  void put(std::uint64_t k) {
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      const Rank to{(params_.rank.value + distance) % params_.rank_count};
      const Block chunk = window_.chunk(parts_[to.index()], k);
      if (chunk.count == 0) {
        continue;
      }
      if (const std::uint32_t value = window_.taken_before(k); value > 0) {
        builder_.wait(to, kTaken, value);
      }
      builder_.copy(at_slot(params_.rank, window_.offset(k, to.value)), at_input(chunk.offset),
                    chunk.count, stream_flag(params_));
    }
    builder_.post(kPublished, done_with(k));
  }

  void take(std::uint64_t k) {
    const Block own = parts_[params_.rank.index()];
    const Block chunk = window_.chunk(Block{0, own.count}, k);
    if (chunk.count == 0) {
      return;
    }
    builder_.wait(params_.root, kPublished, done_with(k));
    builder_.copy(at_output(chunk.offset),
                  at_slot(params_.root, window_.offset(k, params_.rank.value)), chunk.count);
    if (window_.is_reused(k, window_.chunk_count_of(own.count))) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const std::vector<Block> parts_;
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_slots_scatter(const ScheduleParams& params) { return SlotsScatter(params).make(); }

}  // namespace hvd
