#include "backends/engine/slot_lane.h"

namespace hvd {
namespace {

constexpr unsigned kValueBits = 24;  // kOpCountMax ops, so not more values

constexpr std::uint64_t signal_of(std::uint64_t work_id, std::uint32_t value) {
  return (work_id << kValueBits) + value;
}
// Numbers of items may wrap around; they are never half of the way apart.
constexpr bool at_least(std::uint64_t signal, std::uint64_t wanted) {
  return static_cast<std::int64_t>(signal - wanted) >= 0;
}

}  // namespace

SlotLane::SlotLane(Transport& transport, Lane lane, Rank self)
    : transport_(transport), map_(transport.slot_map(lane)), self_(self) {
  if (map_ != nullptr) {
    seen_.resize(map_->members.size());
    for (std::size_t rank = 0; rank < map_->members.size(); ++rank) {
      if (map_->members[rank].reached() && Rank(rank) != self_) {
        neighbours_.emplace_back(rank);
      }
    }
  }
}

void SlotLane::begin(std::uint64_t work_id, unsigned bank, std::span<const Rank> sharers) {
  item_signal_ = signal_of(work_id + 1, 0);  // so that a flag of 0 is older than any item
  bank_ = bank;
  sharers_ = sharers;
  bank_is_open_ = false;
}

bool SlotLane::has_gone_on(Rank peer, std::uint64_t done_signal) {
  std::uint64_t& seen = seen_[peer.index()];
  if (at_least(seen, done_signal)) {
    return true;
  }
  const std::uint64_t done = map_->members[peer.index()].done->value.load();
  if (at_least(done, seen)) {
    seen = done;
  }
  return at_least(seen, done_signal);
}

bool SlotLane::bank_is_free() {
  BankUse& use = uses_[bank_];
  while (!use.readers.empty()) {
    if (!has_gone_on(use.readers.back(), use.done_signal)) {
      waits_for_ = use.readers.back();
      return false;
    }
    use.readers.pop_back();
  }
  bank_is_open_ = true;
  return true;
}

void SlotLane::end() {
  done_ = item_signal_ + signal_of(1, 0);
  done_untold_ = true;
  if (bank_is_open_) {
    BankUse& use = uses_[bank_];
    use.done_signal = done_;
    for (const Rank rank : sharers_) {
      if (rank != self_) {
        use.readers.push_back(rank);
      }
    }
  }
  sharers_ = {};
}

void SlotLane::tell_done() {
  if (!done_untold_) {
    return;
  }
  done_untold_ = false;
  map_->members[self_.index()].done->value.store(done_, std::memory_order_release);
  unrung_ = true;
}

void SlotLane::tell_stopped() {
  if (map_ != nullptr) {
    map_->members[self_.index()].stopped->value.store(1, std::memory_order_release);
    unrung_ = true;
  }
}

bool SlotLane::has_let_go(Rank peer) const {
  const SlotMap::Member& member = map_->members[peer.index()];
  return member.stopped->value.load() != 0 ||
         at_least(member.done->value.load(), item_signal_ + signal_of(1, 0));
}

void SlotLane::ring_unrung() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (const Rank rank : neighbours_) {
    transport_.notify(rank);
  }
  unrung_ = false;
}

void SlotLane::post(std::uint32_t flag, std::uint32_t value) {
  map_->flag(self_, bank_, flag).store(item_signal_ + value, std::memory_order_release);
  unrung_ = true;
}

bool SlotLane::has_reached(Rank peer, std::uint32_t flag, std::uint32_t value) {
  const std::uint64_t wanted = item_signal_ + value;
  const std::uint64_t signal = map_->flag(peer, bank_, flag).load();
  if (!at_least(signal, wanted)) {
    return false;
  }
  // Whoever is far ahead may have posted for a later item of another group, which says as much.
  std::uint64_t& seen = seen_[peer.index()];
  seen = at_least(signal, seen) ? signal : seen;
  return true;
}

}  // namespace hvd
