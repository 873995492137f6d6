#include "backends/engine/item_memory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "backends/net/no_memory.h"
#include "collectives/kernels/copy.h"
#include "collectives/kernels/reduce.h"
#include "collectives/kernels/reduce_many.h"
#include "collectives/kernels/scale.h"
#include "core/base/check.h"

namespace hvd {
namespace {

bool aliases(const WorkSegment& segment) {
  return segment.element_count > 0 && segment.input == segment.output;
}

// The lists are of writable memory; an input is only ever read through them.
std::byte* as_piece(const std::byte* memory) { return const_cast<std::byte*>(memory); }

std::size_t sum(std::span<const std::size_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

// Elements of the two sides of an item whose parts may differ from rank to rank.
struct SideCounts {
  std::size_t input = 0;
  std::size_t output = 0;
};
SideCounts side_counts(const WorkItem& item, Rank rank) {
  const std::size_t all = sum(item.counts);
  const std::size_t own = item.counts[rank.index()];
  switch (item.kind) {
    case CollectiveKind::allgather:
      return {own, all};
    case CollectiveKind::gather:
      return {own, rank == item.root ? all : 0};
    case CollectiveKind::reduce_scatter:
      return {all, own};
    case CollectiveKind::scatter:
      return {rank == item.root ? all : 0, own};
    case CollectiveKind::alltoall:
      return {sum(item.send_counts), all};
    default:
      HVD_CHECK(!"a kind with counts");
  }
}

}  // namespace

bool runs_in_place(const WorkItem& item, Rank group_rank) {
  if (item.kind == CollectiveKind::allgather) {
    const WorkSegment& segment = item.segments.front();
    const std::size_t before = sum(std::span(item.counts).first(group_rank.index()));
    return segment.output != nullptr &&
           segment.input == segment.output + before * dtype_bytes(item.dtype);
  }
  return !has_counts(item.kind) && std::any_of(item.segments.begin(), item.segments.end(), aliases);
}

// As long as it has to be, and no longer: it may be as long as all that is reduced together.
Status ItemMemory::make_scratch(std::size_t bytes) {
  if (scratch_bytes_ >= bytes) {
    return ok_status();
  }
  scratch_.reset();
  scratch_bytes_ = 0;
  scratch_ = try_bytes(bytes);
  if (scratch_ == nullptr) {
    return no_memory("taking", bytes, "scratch memory", ENOMEM,
                     "lower HVD_FUSION_BYTES_MAX so that less is reduced together")
        .in_context(str(collective_name(item_->kind), " '", item_->label, "'"));
  }
  scratch_bytes_ = bytes;
  return ok_status();
}

Status ItemMemory::bind(const WorkItem& item, const Schedule& schedule, DType wire) {
  item_ = &item;
  wire_ = wire;
  element_bytes_ = dtype_bytes(item.dtype);
  HVD_TRY(make_scratch(schedule.scratch_element_count * element_bytes_));
  products_.assign(schedule.product_count, {});
  input_.clear(element_bytes_);
  output_.clear(element_bytes_);
  if (has_counts(item.kind)) {
    const WorkSegment& segment = item.segments.front();
    const SideCounts counts = side_counts(item, schedule.rank);
    input_.append(as_piece(segment.input), schedule.in_place ? 0 : counts.input);
    output_.append(segment.output, counts.output);
    return ok_status();
  }
  for (const WorkSegment& segment : item.segments) {
    if (schedule.in_place && !aliases(segment) && segment.element_count > 0) {
      std::memcpy(segment.output, segment.input, segment.element_count * element_bytes_);
    }
    input_.append(schedule.in_place ? segment.output : as_piece(segment.input),
                  segment.element_count);
    output_.append(segment.output, segment.element_count);
  }
  return ok_status();
}

PieceCursor ItemMemory::contiguous(const std::byte* memory) const {
  return PieceCursor(as_piece(memory), element_bytes_);
}

PieceCursor ItemMemory::at(BufferKind buffer, std::uint64_t offset, std::uint64_t count) const {
  switch (buffer) {
    case BufferKind::input:
      return input_.at(offset, count);
    case BufferKind::output:
      return output_.at(offset, count);
    case BufferKind::scratch:
      HVD_CHECK((offset + count) * element_bytes_ <= scratch_bytes_);
      return contiguous(scratch_.get() + offset * element_bytes_);
    default:
      HVD_CHECK(!"an op with elements names a buffer of its own rank");
  }
}

void ItemMemory::copy(PieceCursor dst, PieceCursor src, std::size_t count, unsigned flags) const {
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* from, std::size_t n) {
        const bool scaled = scale_piece(to, from, n, flags);
        if ((flags & kNarrow) != 0) {
          narrow_round(to, scaled ? to : from, n, wire_cast());
          return;
        }
        if (scaled || to == from) {
          return;
        }
        if ((flags & kStream) != 0) {
          copy_stream(to, from, n * element_bytes_);
        } else {
          std::memcpy(to, from, n * element_bytes_);
        }
      },
      dst, src);
}

void ItemMemory::combine(PieceCursor dst, PieceCursor local, PieceCursor incoming,
                         std::size_t count, unsigned flags) const {
  const bool reverse = (flags & kReverseOperands) != 0;
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* mine, const std::byte* theirs, std::size_t n) {
        reduce(to, reverse ? theirs : mine, reverse ? mine : theirs, n, item_->dtype, item_->op);
        scale_piece(to, to, n, flags);
      },
      dst, local, incoming);
}

std::size_t ItemMemory::chunk_bytes(std::size_t count, unsigned flags) const {
  return count * ((flags & kNarrow) != 0 ? dtype_bytes(wire_) : element_bytes_);
}

void ItemMemory::to_chunk(std::byte* chunk, PieceCursor src, std::size_t count,
                          unsigned flags) const {
  if ((flags & kNarrow) == 0) {
    copy(contiguous(chunk), src, count, flags);
    return;
  }
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* from, std::size_t n) {
        narrow(to, from, n, wire_cast());
      },
      PieceCursor(chunk, dtype_bytes(wire_)), src);
}

void ItemMemory::from_chunk(PieceCursor dst, const std::byte* chunk, std::size_t count,
                            unsigned flags) const {
  if ((flags & kNarrow) == 0) {
    copy(dst, contiguous(chunk), count, flags);
    return;
  }
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* from, std::size_t n) {
        widen(to, from, n, wire_cast());
        scale_piece(to, to, n, flags);
      },
      dst, PieceCursor(as_piece(chunk), dtype_bytes(wire_)));
}

void ItemMemory::combine_chunk(PieceCursor dst, PieceCursor local, const std::byte* chunk,
                               std::size_t count, unsigned flags) const {
  if ((flags & kNarrow) == 0) {
    combine(dst, local, contiguous(chunk), count, flags);
    return;
  }
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* mine, const std::byte* theirs, std::size_t n) {
        combine_narrow(to, mine, theirs, n, flags);
        scale_piece(to, to, n, flags);
      },
      dst, local, PieceCursor(as_piece(chunk), dtype_bytes(wire_)));
}

// The kernel has the local operand on the left. Where it is on the right, the chunk is made wide
// block by block: the order shows in zeros and NaN.
void ItemMemory::combine_narrow(std::byte* to, const std::byte* mine, const std::byte* wire,
                                std::size_t count, unsigned flags) const {
  if ((flags & kReverseOperands) == 0) {
    narrow_reduce(to, mine, wire, count, wire_cast(), item_->op);
    return;
  }
  alignas(64) std::array<std::byte, 4096> wide;  // NOLINT: filled below
  const std::size_t most = wide.size() / element_bytes_;
  for (std::size_t at = 0; at < count; at += most) {
    const std::size_t n = std::min(most, count - at);
    const std::size_t skip = at * element_bytes_;
    widen(wide.data(), wire + at * dtype_bytes(wire_), n, wire_cast());
    reduce(to + skip, wide.data(), mine + skip, n, item_->dtype, item_->op);
  }
}

AdasumProducts& ItemMemory::products(std::uint64_t place) {
  HVD_CHECK(place < products_.size());
  return products_[place];
}

void ItemMemory::dot(std::uint64_t place, PieceCursor dst, PieceCursor src, std::size_t count,
                     unsigned flags) {
  const bool reverse = (flags & kReverseOperands) != 0;
  AdasumProducts& sum = products(place);
  walk_pieces(
      count,
      [&](const std::byte* mine, const std::byte* other, std::size_t n) {
        sum =
            sum + adasum_products(reverse ? other : mine, reverse ? mine : other, n, item_->dtype);
      },
      dst, src);
}

void ItemMemory::weigh(std::uint64_t place, PieceCursor dst, PieceCursor src, std::size_t count,
                       unsigned flags) const {
  const bool reverse = (flags & kReverseOperands) != 0;
  HVD_CHECK(place < products_.size());
  const AdasumFactors factors = adasum_factors(products_[place]);
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* other, std::size_t n) {
        adasum_combine(to, reverse ? other : to, reverse ? to : other, factors, n, item_->dtype);
        scale_piece(to, to, n, flags);
      },
      dst, src);
}

void ItemMemory::combine_all(PieceCursor dst, std::byte* slot, PieceCursor local,
                             std::span<const std::byte*> sources, std::size_t own,
                             std::size_t count, unsigned flags) const {
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* mine, std::size_t n) {
        sources[own] = mine;
        reduce_many(to, slot, sources, n, item_->dtype, item_->op,
                    {.stream_dst2 = (flags & kStream) != 0,
                     .postscale = (flags & kScalePost) != 0 ? item_->postscale : 1.0});
        for (const std::byte*& source : sources) {
          source += n * element_bytes_;
        }
        slot = slot == nullptr ? nullptr : slot + n * element_bytes_;
      },
      dst, local);
}

bool ItemMemory::scale_piece(std::byte* to, const std::byte* from, std::size_t count,
                             unsigned flags) const {
  if ((flags & kScalePre) != 0) {
    scale(to, from, item_->prescale, count, item_->dtype);
    from = to;
  }
  if ((flags & kScalePost) != 0) {
    scale(to, from, item_->postscale, count, item_->dtype);
  }
  return (flags & (kScalePre | kScalePost)) != 0;
}

}  // namespace hvd
