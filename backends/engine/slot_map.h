// backends/engine/slot_map.h: where the slots and flags lie that the ranks of a host share.
// Not here: the memory (backends/shm/domain_layout.h), what is written there and when
// (slot_lane.h). Threads: constant once made.  Limits: one lane each.
// Read next: slot_lane.h.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectives/schedule.h"

namespace hvd {

// Neighbouring 64-byte lines are fetched in pairs, so that words of two writers stand 128 apart.
inline constexpr std::size_t kLineBytes = 128;
inline constexpr std::size_t kBankCount = 2;

// A flag that only its rank writes; on a line of its own.
struct FlagLine {
  alignas(kLineBytes) std::atomic<std::uint64_t> value;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// A bank starts with flag 0, and its slots follow `slot_skip` bytes behind the bank's start: in the
// express lane at once, so that whoever waits for the flag has the payload of a small message with
// the same line.
struct SlotMap {
  struct Member {
    std::array<std::byte*, kBankCount> banks{};  // null: this rank is on another host
    FlagLine* flags = nullptr;                   // kFlagCount of them, of which flag 0 is unused
    FlagLine* done = nullptr;
    FlagLine* stopped = nullptr;  // not 0: its rank touches no other's tensors any more
    FlagLine* word = nullptr;     // how far its rank is committed to a plan (plan_words.h)
    bool reached() const { return banks[0] != nullptr; }
  };
  std::size_t bank_bytes = 0;  // of slots, without what stands before them
  std::size_t slot_skip = 0;
  std::vector<Member> members;  // by world rank

  std::byte* slots(Rank rank, unsigned bank) const {
    return members[rank.index()].banks[bank] + slot_skip;
  }
  std::atomic<std::uint64_t>& flag(Rank rank, unsigned bank, std::uint32_t flag) const {
    const Member& member = members[rank.index()];
    return flag == 0 ? *reinterpret_cast<std::atomic<std::uint64_t>*>(member.banks[bank])
                     : member.flags[flag].value;
  }
};

}  // namespace hvd
