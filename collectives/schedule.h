// collectives/schedule.h: a Schedule is what one rank does in one collective: ops over buffers.
// Not here: making one (schedule_builder.h, generators/), proving it (verifier.h), running it
// (backends/engine).
// Threads: values, constant once built.  Limits: see Op.  Read next: schedule_builder.h,
// verifier.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/vocabulary/collective.h"
#include "core/vocabulary/rank.h"

namespace hvd {

enum class OpKind : std::uint8_t {
  copy = 0,         // dst[i] = src[i]
  reduce = 1,       // dst[i] = dst[i] (op) src[i], or reversed
  send = 2,         // the next chunk on the edge to `peer` is src
  recv = 3,         // dst = the next chunk on the edge from `peer`
  recv_reduce = 4,  // dst[i] = src[i] (op) chunk[i], or reversed; src is local and may equal dst
  post = 5,         // raises a flag of this rank: flag_of(op) to value_of(op)
  wait = 6,         // until that flag of `peer` has reached the value
  wait_all = 7,     // until that flag of every other rank of slot_ranks has reached the value
  // dst[i] = the contributions of all slot_ranks, combined from left to right in their order: of
  // this rank src[i], of each other rank its slot at aux + i (or as kFromInputs says).
  reduce_slots = 8,
  // Adasum of a and b: a is dst[i] and b is src[i], or reversed.
  dot = 9,     // products[aux] = their dot products a.b, a.a and b.b; a and b are only read
  weigh = 10,  // dst[i] = a[i] and b[i] weighed by what follows from products[aux]
};

enum class BufferKind : std::uint8_t {
  none = 0,
  input = 1,    // the item's input segments as one vector; never written
  output = 2,   // the item's output segments as one vector; is the input's memory when in place
  scratch = 3,  // private to the rank, Schedule::scratch_element_count long
  slot = 4,     // shared memory of rank `peer`, visible to all slot_ranks; its own slots only are
                // written by a rank, those of others read
  peer_input = 5,   // input of rank `peer`, where the schedule is for tensors in the arena
  peer_output = 6,  // output of rank `peer`, likewise
  // The rank's dot products, Schedule::product_count places of three fp64. In send, recv and
  // recv_reduce, which adds them.
  products = 7,
  // What rank `peer` has for this rank, in its input (or in place, in its output): of a broadcast
  // all that the root has, of an allgather that rank's part, of an alltoall what it sends to this
  // rank, of the other kinds nothing; where Schedule::offers_parts. Source of a copy only.
  peer_part = 8,
};

enum OpFlags : std::uint8_t {
  kReverseOperands = 1,  // reduce: dst = src (op) dst; recv_reduce: dst = chunk (op) src; dot,
                         // weigh: a is src[i] and b is dst[i]
  kScalePre = 2,         // copy only: the result is multiplied by the item's prescale
  kScalePost = 4,        // copy, reduce, recv, recv_reduce, reduce_slots, weigh: what is written is
                         // multiplied by the item's postscale; after prescale and reduction
  kStream = 8,           // copy, reduce_slots: what goes into a slot bypasses this core's caches
  kToSlot = 16,          // reduce_slots: the result is written to the own slot at aux as well
  kFromInputs = 32,      // reduce_slots: the others contribute their peer_input at src_offset
  kToOutputs = 64,       // reduce_slots: the result goes to peer_output of all others as well, at
                         // dst_offset
  kNarrow = 128,         // send, recv, recv_reduce: the chunk is on the wire in the item's narrow
                         // type; copy: dst is src, rounded to that type and back
};

// Offsets and counts are in elements. A send, recv or recv_reduce moves at most one chunk
// (Schedule::chunk_element_count) and takes one slot of its edge from send until the receiver has
// consumed it; an edge has `edge_slot_count` of them and a send waits while none is free. Ops of a
// rank run in order: a send is over when its src may be written again. dst and src of one op are
// the same elements or share none. count 0 is allowed: an empty chunk, a pure signal, without
// buffers. A slot buffer is only allowed in copy and reduce, where `peer` is the rank that it
// belongs to, and in reduce_slots, where it is this rank's own.
struct Op {
  OpKind kind = OpKind::copy;
  std::uint8_t flags = 0;
  BufferKind dst = BufferKind::none;
  BufferKind src = BufferKind::none;
  std::int32_t peer = -1;
  std::uint64_t dst_offset = 0;
  std::uint64_t src_offset = 0;
  std::uint64_t count = 0;
  // post, wait, wait_all: make_signal(); reduce_slots: offset in the slots; dot, weigh: place of
  // the products
  std::uint64_t aux = 0;
};

inline constexpr std::uint32_t kFlagCount = 8;  // per rank

// A value counts from the start of the schedule, upwards from 1: flags never reset.
constexpr std::uint64_t make_signal(std::uint32_t flag, std::uint32_t value) {
  return std::uint64_t{flag} << 32 | value;
}
constexpr std::uint32_t flag_of(const Op& op) { return static_cast<std::uint32_t>(op.aux >> 32); }
constexpr std::uint32_t value_of(const Op& op) { return static_cast<std::uint32_t>(op.aux); }
static_assert(sizeof(Op) <= 40, "op lists are streamed; see docs/decisions/0001-op-size.md");

struct Schedule {
  CollectiveKind kind = CollectiveKind::barrier;
  Rank rank;
  int rank_count = 1;
  Rank root = kRoot;  // where the kind has one
  // Of the whole vector: the output of an allreduce, broadcast or allgather, the input of a
  // reduce-scatter, what the root of a gather or scatter holds.
  std::uint64_t element_count = 0;
  // Elements per rank, as core/vocabulary/work_item.h says; empty where the kind has none.
  std::vector<std::uint64_t> counts;
  std::vector<std::uint64_t> send_counts;
  std::uint64_t chunk_element_count = 0;  // most elements that one send moves
  std::uint64_t scratch_element_count = 0;
  // Input and output are the same memory. An allgather in place has no input: the rank's own part
  // lies in its place in the output already.
  bool in_place = false;
  std::vector<Op> ops;
  bool prescale = false;   // each contribution is to be multiplied by the prescale,
  bool postscale = false;  // each result by the postscale: exactly once
  bool narrow = false;     // reductions only: kNarrow may be used
  // Adasum, an allreduce: contributions are combined by weigh and by nothing else.
  bool weighs = false;
  std::uint64_t product_count = 0;       // places for dot products
  std::uint64_t slot_element_count = 0;  // of shared memory that this rank offers to the others
  // Others may read what this rank has for them, which it tells in its slots before its first op.
  bool offers_parts = false;
  std::vector<Rank> slot_ranks;  // that share slots and flags, this one included, in order
};

}  // namespace hvd
