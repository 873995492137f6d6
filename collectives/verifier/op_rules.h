// collectives/verifier/op_rules.h: what can be said about an op without running it.
// Not here: whole schedules (collective_rules.h), order and values (execution.h).
// Threads: pure functions.  Limits: schedules that collective_fault accepts.
// Read next: execution.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "collectives/schedule.h"

namespace hvd {

// Elements of a buffer of one rank: of input and output what core/vocabulary/work_item.h promises,
// of a slot buffer, what the rank that owns it offers.
std::uint64_t buffer_element_count(const Schedule& owner, BufferKind buffer);

// Memory of one rank: input, output, scratch, slot or products.
struct Memory {
  std::size_t owner = 0;
  BufferKind buffer = BufferKind::none;
  friend bool operator==(const Memory&, const Memory&) = default;
};
// What a buffer of an op of schedules[rank] is: whose it is, and in place, the input is the
// output's memory.
Memory memory_of(std::span<const Schedule> schedules, std::size_t rank, const Op& op,
                 BufferKind buffer);
// Where in that memory the buffer begins; 0 of all but what a peer has for this rank.
std::uint64_t memory_begin(std::span<const Schedule> schedules, std::size_t rank, const Op& op,
                           BufferKind buffer);
Memory input_of(std::span<const Schedule> schedules, std::size_t rank);

// Why an op of schedules[rank] is not allowed, or "".
std::string op_fault(std::span<const Schedule> schedules, std::size_t rank, const Op& op);

}  // namespace hvd
