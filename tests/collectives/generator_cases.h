// tests/collectives/generator_cases.h: the parameters for which every generator is verified.
// Not here: numbers (reference_executor.h), damage (mutations.h).
// Threads: one.  Limits: up to 9 ranks; more: verify_algorithms_full.cc.
// Read next: generators/ring_allreduce_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "collectives/schedule_params.h"
#include "collectives/verifier.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {

inline constexpr int kExhaustiveRankCount = 9;
inline constexpr int kExhaustiveSlotCount = 4;

std::string params_text(const ScheduleParams& params, int edge_slot_count);

// Verifies the schedules of all ranks; fails the test with the report and the parameters.
void require_verified(Generator generator, const ScheduleParams& params, int edge_slot_count);

// Calls `use` for every rank count up to 9, edges of 1 to 4 slots, sends ahead up to that, element
// counts around 0, 1 and the rank count, counts that no chunk divides, and 1 to 2 * slots + 1
// chunks both of the vector and of a rank's block.
void for_sizes(const std::function<void(const ScheduleParams&, int edge_slot_count)>& use);

// Where the ranks are and what they share.
enum class Ground : std::uint8_t { edges, slots, hosts };

// The generator's schedules for 1 to 9 ranks: sizes as above, every slot size from one element a
// rank up, for hosts also unequal numbers of ranks on each; and with what the kind has of roots,
// unequal and empty parts, places and scale factors. Returns how many cases that were.
int verify_kind(CollectiveKind kind, Generator generator, Ground ground);

// for_sizes, in place and not, with each combination of scale factors. Returns how many that were.
int verify_allreduce(Generator generator);

}  // namespace hvd
