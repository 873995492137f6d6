// collectives/schedule_text.h: schedules for people: one line an op.
// Not here: reading them back; nothing needs it.
// Threads: pure functions.  Limits: none.
// Read next: tests/golden/ for examples.
#pragma once

#include <span>
#include <string>

#include "collectives/schedule.h"

namespace hvd {

// in[0:4] is elements 0 to 3 of the input; >1 goes to rank 1, <1 comes from there.
//   send >1 in[0:4]                    recv <1 out[0:4]
//   copy out[0:4] = in[0:4] *pre       recv_reduce out[0:4] = in[0:4] + <1
//   post f0 3                          wait <1 f0 3          wait_all f0 3
//   copy slot2[0:4] = in[4:8] stream   reduce_slots out[0:4], slot[0:4] = in[0:4] + all slot[0:4]
// The + stands for whatever operation is reduced with; left and right are as computed.
std::string op_text(const Op& op);
std::string_view op_kind_name(OpKind kind);

// A line about the collective, then "r0   3  <op>" for rank 0's op 3. A rank for which the first
// line is not true has a line of its own.
std::string schedule_text(const Schedule& schedule);
std::string schedules_text(std::span<const Schedule> schedules);

}  // namespace hvd
