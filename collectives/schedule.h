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
  post = 5,         // raises this rank's flag `flag` to `value`
  wait = 6,         // until flag `flag` of `peer` has reached `value`
};

enum class BufferKind : std::uint8_t {
  none = 0,
  input = 1,    // the item's input segments as one vector; never written
  output = 2,   // the item's output segments as one vector; is the input's memory when in place
  scratch = 3,  // private to the rank, Schedule::scratch_element_count long
  slot = 4,     // shared memory of rank `peer`, visible to all ranks of the domain
};

enum OpFlags : std::uint8_t {
  kReverseOperands = 1,  // reduce: dst = src (op) dst; recv_reduce: dst = chunk (op) src
  kScalePre = 2,         // copy only: the result is multiplied by the item's prescale
  kScalePost = 4,        // copy, reduce, recv, recv_reduce: what is written to dst is multiplied by
                         // the item's postscale; after the prescale and after the reduction
};

// Offsets and counts are in elements. A send, recv or recv_reduce moves at most one chunk
// (Schedule::chunk_element_count) and takes one slot of its edge from send until the receiver has
// consumed it; an edge has `edge_slot_count` of them and a send waits while none is free. Ops of a
// rank run in order: a send is over when its src may be written again. dst and src of one op are
// the same elements or share none. count 0 is allowed: an empty chunk, a pure signal, without
// buffers. A slot buffer is only allowed in copy and reduce, where `peer` is the rank that it
// belongs to.
struct Op {
  OpKind kind = OpKind::copy;
  std::uint8_t flags = 0;
  BufferKind dst = BufferKind::none;
  BufferKind src = BufferKind::none;
  std::int32_t peer = -1;
  std::uint64_t dst_offset = 0;
  std::uint64_t src_offset = 0;
  std::uint64_t count = 0;
  std::uint32_t flag = 0;   // post, wait
  std::uint32_t value = 0;  // post, wait: counts from the start of this schedule; flags never reset
};
static_assert(sizeof(Op) <= 40, "op lists are streamed; see docs/decisions/0001-op-size.md");

struct Schedule {
  CollectiveKind kind = CollectiveKind::barrier;
  Rank rank;
  int rank_count = 1;
  Rank root = kRoot;                         // broadcast only
  std::uint64_t element_count = 0;           // of the output vector
  std::vector<std::uint64_t> gather_counts;  // allgather only: elements per rank
  std::uint64_t chunk_element_count = 0;     // most elements that one send moves
  std::uint64_t scratch_element_count = 0;
  // Input and output are the same memory. An allgather in place has no input: the rank's own part
  // lies in its place in the output already.
  bool in_place = false;
  std::vector<Op> ops;
  bool prescale = false;                 // each contribution is to be multiplied by the prescale,
  bool postscale = false;                // each result by the postscale: exactly once
  std::uint64_t slot_element_count = 0;  // of shared memory that this rank offers to the others
};

}  // namespace hvd
