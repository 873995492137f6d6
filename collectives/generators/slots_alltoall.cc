#include "collectives/generators/slots_alltoall.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kPublished: chunk k lies there for all to whom this rank sends that many. kTaken: this rank has
// fetched chunk k from all who send it that many.
enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class SlotsAlltoall {
 public:
  explicit SlotsAlltoall(const ScheduleParams& params)
      : params_(params),
        sent_(blocks_of_counts(params.send_counts)),
        received_(blocks_of_counts(params.counts)),
        window_(params, kAnyLength, params.rank_count),
        send_count_(most_chunks(params.send_counts)),
        receive_count_(most_chunks(params.counts)),
        builder_(CollectiveKind::alltoall, params) {}

  Schedule make() {
    if (params_.rank_count > 1) {
      builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
      pass_through(
          window_, std::max(send_count_, receive_count_), [&](std::uint64_t k) { put(k); },
          [&](std::uint64_t k) { take(k); });
    }
    const std::size_t me = params_.rank.index();
    copy_block(builder_, params_, received_[me].offset, sent_[me]);  // nobody waits for it
    return builder_.take();
  }

 private:
  // The window must be the same on all ranks, whatever they send.
  static constexpr std::uint64_t kAnyLength = std::numeric_limits<std::uint64_t>::max() / 2;

  Rank other(int distance) const {
    return Rank{(params_.rank.value + distance) % params_.rank_count};
  }
  std::uint64_t most_chunks(const std::vector<std::uint64_t>& counts) const {
    std::uint64_t most = 0;
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      most = std::max(most, window_.chunk_count_of(counts[other(distance).index()]));
    }
    return most;
  }

  void put(std::uint64_t k) {
    if (k >= send_count_) {
      return;
    }
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      const Rank to = other(distance);
      const Block chunk = window_.chunk(sent_[to.index()], k);
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
    if (k >= receive_count_) {
      return;
    }
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      const Rank from = other(distance);
      const Block chunk = window_.chunk(received_[from.index()], k);
      if (chunk.count > 0) {
        builder_.wait(from, kPublished, done_with(k));
        builder_.copy(at_output(chunk.offset), at_slot(from, window_.offset(k, params_.rank.value)),
                      chunk.count);
      }
    }
    if (window_.is_reused(k, receive_count_)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const std::vector<Block> sent_;
  const std::vector<Block> received_;
  const SlotWindow window_;
  const std::uint64_t send_count_;
  const std::uint64_t receive_count_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_slots_alltoall(const ScheduleParams& params) { return SlotsAlltoall(params).make(); }

}  // namespace hvd
