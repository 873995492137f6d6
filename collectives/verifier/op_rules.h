// collectives/verifier/op_rules.h: what can be said about an op without running it.
// Not here: order, values (execution.h).
// Threads: pure functions.  Limits: none.
// Read next: execution.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "collectives/schedule.h"

namespace hvd {

// Elements of a buffer of one rank; of a slot buffer, of the rank that owns it.
std::uint64_t buffer_element_count(const Schedule& owner, BufferKind buffer);

// In place, the input is the output's memory.
BufferKind storage_of(const Schedule& schedule, BufferKind buffer);

// Why the schedules are not about one collective, or "".
std::string collective_fault(std::span<const Schedule> schedules, std::size_t rank);

// Why an op of schedules[rank] is not allowed, or "".
std::string op_fault(std::span<const Schedule> schedules, std::size_t rank, const Op& op);

}  // namespace hvd
