// backends/engine/slot_lane.h: a rank's flags and slots in one lane, from item to item.
// Not here: what is put into the slots (execution.h), where they lie (slot_map.h).
// Threads: baton holder only.  Limits: 2^24 values of a flag an item, 2^39 items apart.
// Read next: slot_map.h, then execution.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/transport.h"

namespace hvd {

// A flag never goes back: it holds the item's number and the value within that item, so that
// whoever has posted for an item has said as well that it is done with all items before.
// An item uses one of two banks, in turn within its group, and writes to it once those who read the
// item that had the bank before have gone on. In a group whose ranks all wait for each other that
// is known without looking: each of them has posted for the item in between.
class SlotLane {
 public:
  SlotLane(Transport& transport, Lane lane, Rank self);

  bool available() const { return map_ != nullptr; }
  std::size_t bank_bytes() const { return map_ == nullptr ? 0 : map_->bank_bytes; }

  // An item begins that shares slots among `sharers`, world ranks, this one included.
  void begin(std::uint64_t work_id, unsigned bank, std::span<const Rank> sharers);
  // Whether this rank may write to its bank. Asked before each write: the first yes opens it.
  bool open_bank() { return bank_is_open_ || bank_is_free(); }
  // Whom open_bank() waits for.
  Rank bank_reader() const { return waits_for_; }
  void end();
  // Tells the others that this rank is done with the items that have ended. Only needed where the
  // next item does not say so at once: before waiting.
  void tell_done();
  // Tells the others that this rank runs nothing any more, in no lane: it touches no tensors but
  // its own. They need not wait for it to have gone on from anything.
  void tell_stopped();
  // Whether `peer` has said so, or is done with the item at hand.
  bool has_let_go(Rank peer) const;
  // Rings those who sleep, for all flags that were raised since the last time. A flag is raised by
  // a plain store, and only here comes the fence that keeps it before the look at who sleeps: a
  // fence for each flag would wait for the stores of a whole chunk, 0.2 us of the 8 of 64 KiB. Must
  // come before this rank stops running the lane for however short a time.
  void ring_sleepers() {
    if (unrung_) {
      ring_unrung();
    }
  }

  void post(std::uint32_t flag, std::uint32_t value);
  bool has_reached(Rank peer, std::uint32_t flag, std::uint32_t value);
  std::byte* slots_of(Rank rank) const { return map_->slots(rank, bank_); }

 private:
  struct BankUse {
    std::uint64_t done_signal = 0;  // of those who are done with it
    std::vector<Rank> readers;      // who may not have gone on yet
  };
  bool bank_is_free();
  void ring_unrung();
  bool has_gone_on(Rank peer, std::uint64_t done_signal);

  Transport& transport_;
  const SlotMap* const map_;
  const Rank self_;
  std::uint64_t item_signal_ = 0;
  unsigned bank_ = 0;
  std::span<const Rank> sharers_;  // of the item at hand; its schedule owns them
  Rank waits_for_;
  std::array<BankUse, kBankCount> uses_;
  std::vector<std::uint64_t> seen_;  // by rank: the highest of its signals
  bool bank_is_open_ = false;
  std::uint64_t done_ = 0;  // what this rank would tell
  bool done_untold_ = false;
  bool unrung_ = false;           // a flag was raised, and somebody may sleep on it
  std::vector<Rank> neighbours_;  // all ranks of the host but this one
};

}  // namespace hvd
