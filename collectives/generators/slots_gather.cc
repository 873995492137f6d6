#include "collectives/generators/slots_gather.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class SlotsGather {
 public:
  explicit SlotsGather(const ScheduleParams& params)
      : params_(params),
        parts_(blocks_of_counts(params.counts)),
        own_(parts_[params.rank.index()]),
        window_(params, *std::max_element(params.counts.begin(), params.counts.end())),
        builder_(CollectiveKind::gather, params) {}

  Schedule make() {
    const bool is_root = params_.rank == params_.root;
    if (params_.rank_count > 1) {
      builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
      for (std::uint64_t k = 0; k < window_.chunk_count(); ++k) {
        is_root ? take(k) : put(k);
      }
    }
    if (is_root) {
      copy_block(builder_, params_, own_.offset, Block{0, own_.count});
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
      builder_.wait(params_.root, kTaken, value);
    }
    builder_.copy(at_slot(params_.rank, window_.offset(k)), at_input(chunk.offset), chunk.count,
                  stream_flag(params_));
    builder_.post(kPublished, done_with(k));
  }

  void take(std::uint64_t k) {
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      const Rank from{(params_.rank.value + distance) % params_.rank_count};
      if (const Block chunk = window_.chunk(parts_[from.index()], k); chunk.count > 0) {
        builder_.wait(from, kPublished, done_with(k));
        builder_.copy(at_output(chunk.offset), at_slot(from, window_.offset(k)), chunk.count);
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

Schedule make_slots_gather(const ScheduleParams& params) { return SlotsGather(params).make(); }

}  // namespace hvd
