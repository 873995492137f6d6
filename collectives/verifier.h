// collectives/verifier.h: proves that Schedules compute their collective under every interleaving.
// Not here: cost, execution (backends/engine), which schedule to take (selector.h).
// Threads: pure functions.  Limits: kVerifierRankCountMax; memory grows with ranks squared.
// Read next: verifier/execution.h, tests/collectives/verifier_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "collectives/schedule.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr int kVerifierRankCountMax = 1024;

enum class VerifierRule : std::uint8_t {
  none = 0,
  same_collective,   // all ranks' schedules are about one and the same collective
  well_formed_op,    // buffers, ranges, peers, flags and chunk sizes are allowed
  matching_chunk,    // a receive takes as many elements as were sent; nothing is left in an edge
  no_deadlock,       // in no interleaving do ranks wait for one another for ever
  ordered_accesses,  // two accesses to an element of shared memory, one writing, are ordered
  defined_read,      // nothing is read that nobody wrote
  sound_reduction,   // same element of every rank, each rank once, factors exactly once
  post_condition,    // each output element is what the collective promises
  same_tree,         // an element is reduced in the same order on all ranks: equal to the bit
};
std::string_view verifier_rule_name(VerifierRule rule);

// What is wrong and where; the status has it as text. An op index of npos means the end of the
// schedule, or all of it.
struct VerifierReport {
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  Status status;
  VerifierRule rule = VerifierRule::none;
  Rank rank;
  std::size_t op_index = npos;
  std::uint64_t element_begin = 0;  // the elements concerned, where it is about elements
  std::uint64_t element_end = 0;
  bool ok() const { return status.ok(); }
};

// One schedule for each rank, in order. `edge_slot_count` is how many chunks an edge holds; if it
// suffices, so does every larger number.
//
// Why one run stands for all interleavings: an op waits only for things that stay true once they
// are (a chunk has come, a slot is free, a flag is high enough), each edge has one sender and one
// receiver, and each flag one writer. So whatever the order, the same ops run, and each receive
// gets the same chunk; if the run here stops short, every run does. What could differ is shared
// memory, and there every conflicting pair must be ordered by program order, chunks and flags alone
// (a free slot is not counted: with more slots there would be no wait).
VerifierReport verify_schedules(std::span<const Schedule> schedules, int edge_slot_count);

}  // namespace hvd
