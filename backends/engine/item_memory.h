// backends/engine/item_memory.h: the memory of one WorkItem as its schedule names it, and the
// arithmetic over it. Not here: in which order (execution.h), the kernels (collectives/kernels).
// Threads: baton holder only.  Limits: none.
// Read next: scatter_list.h, then execution.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backends/engine/scatter_list.h"
#include "collectives/kernels/adasum.h"
#include "collectives/kernels/cast.h"
#include "collectives/schedule.h"
#include "core/base/status.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// True if the item is to be run in place: some segment's output is its input. If only some are, the
// inputs of the others are copied to their outputs first, and then all of it runs in place. An
// allgather is in place if its input lies in its own part of the output.
bool runs_in_place(const WorkItem& item, Rank group_rank);

class ItemMemory {
 public:
  // `item` stays where it is as long as this is used. Copies what has to be before an item runs in
  // place. `wire` is what kNarrow stands for. Fails if there is no memory for the scratch.
  Status bind(const WorkItem& item, const Schedule& schedule, DType wire = DType::bfloat16);

  std::size_t element_bytes() const { return element_bytes_; }
  // Input, output or scratch.
  PieceCursor at(BufferKind buffer, std::uint64_t offset, std::uint64_t count) const;
  PieceCursor contiguous(const std::byte* memory) const;

  // Of `count` elements in a chunk.
  std::size_t chunk_bytes(std::size_t count, unsigned flags) const;

  // dst = src, scaled as the flags say, then rounded with kNarrow; past the caches with kStream.
  void copy(PieceCursor dst, PieceCursor src, std::size_t count, unsigned flags) const;
  // dst = local (op) incoming or the other way round, scaled as the flags say.
  void combine(PieceCursor dst, PieceCursor local, PieceCursor incoming, std::size_t count,
               unsigned flags) const;
  // A chunk out of what is here, and what is here out of a chunk; narrow on the wire with kNarrow.
  void to_chunk(std::byte* chunk, PieceCursor src, std::size_t count, unsigned flags) const;
  void from_chunk(PieceCursor dst, const std::byte* chunk, std::size_t count, unsigned flags) const;
  void combine_chunk(PieceCursor dst, PieceCursor local, const std::byte* chunk, std::size_t count,
                     unsigned flags) const;
  // A place of the dot products, which `dot` adds to.
  AdasumProducts& products(std::uint64_t place);
  void dot(std::uint64_t place, PieceCursor dst, PieceCursor src, std::size_t count,
           unsigned flags);
  void weigh(std::uint64_t place, PieceCursor dst, PieceCursor src, std::size_t count,
             unsigned flags) const;
  // dst, and slot if there is one, = all sources combined from left to right. The one at `own` is
  // null and stands for what `local` walks over.
  void combine_all(PieceCursor dst, std::byte* slot, PieceCursor local,
                   std::span<const std::byte*> sources, std::size_t own, std::size_t count,
                   unsigned flags) const;

 private:
  Status make_scratch(std::size_t bytes);
  bool scale_piece(std::byte* to, const std::byte* from, std::size_t count, unsigned flags) const;

  WireCast wire_cast() const { return {.wide = item_->dtype, .wire = wire_}; }
  void combine_narrow(std::byte* to, const std::byte* mine, const std::byte* wire,
                      std::size_t count, unsigned flags) const;

  const WorkItem* item_ = nullptr;
  DType wire_ = DType::bfloat16;
  std::size_t element_bytes_ = 1;
  ScatterList input_;
  ScatterList output_;
  std::vector<AdasumProducts> products_;
  // Kept from item to item, so that it stops allocating.
  std::unique_ptr<std::byte[]> scratch_;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace hvd
