#include "collectives/schedule_builder.h"

#include <numeric>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

std::uint64_t output_element_count(CollectiveKind kind, const ScheduleParams& params) {
  switch (kind) {
    case CollectiveKind::allgather:
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::alltoall:
    case CollectiveKind::gather:
    case CollectiveKind::scatter:
      return std::accumulate(params.counts.begin(), params.counts.end(), std::uint64_t{0});
    case CollectiveKind::allreduce:
    case CollectiveKind::broadcast:
    case CollectiveKind::reduce:
    case CollectiveKind::send:
    case CollectiveKind::recv:
      return params.element_count;
    case CollectiveKind::barrier:
      return 0;
  }
  return 0;
}

// Ops without elements name no buffer, so that printed schedules and the engine see a pure signal.
Place place_of(Place place, std::uint64_t count) { return count == 0 ? Place{} : place; }

bool has_owner(Place place) {
  return place.buffer == BufferKind::slot || place.buffer == BufferKind::peer_part;
}

Op local_op(OpKind kind, Place dst, Place src, std::uint64_t count, unsigned flags) {
  Op op;
  op.kind = kind;
  op.flags = static_cast<std::uint8_t>(flags);
  op.dst = place_of(dst, count).buffer;
  op.dst_offset = place_of(dst, count).offset;
  op.src = place_of(src, count).buffer;
  op.src_offset = place_of(src, count).offset;
  op.count = count;
  op.peer = count == 0       ? -1
            : has_owner(dst) ? dst.owner.value
            : has_owner(src) ? src.owner.value
                             : -1;
  return op;
}

Op edge_op(OpKind kind, Rank peer, Place dst, Place src, std::uint64_t count, unsigned flags) {
  Op op = local_op(kind, dst, src, count, flags);
  op.peer = peer.value;
  return op;
}

// Chunks with elements are narrow on the wire where that was asked for.
unsigned wire_flag(const Schedule& schedule, std::uint64_t count) {
  return schedule.narrow && count > 0 ? unsigned{kNarrow} : 0U;
}

}  // namespace

ScheduleBuilder::ScheduleBuilder(CollectiveKind kind, const ScheduleParams& params) {
  schedule_.kind = kind;
  schedule_.rank = params.rank;
  schedule_.rank_count = params.rank_count;
  schedule_.root = params.root;
  schedule_.element_count = output_element_count(kind, params);
  if (has_counts(kind)) {
    schedule_.counts = params.counts;
  }
  if (kind == CollectiveKind::alltoall) {
    schedule_.send_counts = params.send_counts;
  }
  schedule_.chunk_element_count = params.chunk_element_count;
  schedule_.in_place = params.in_place;
  schedule_.prescale = params.prescale;
  schedule_.postscale = params.postscale;
  schedule_.narrow = params.narrow;
}

ScheduleBuilder& ScheduleBuilder::add(const Op& op) {
  schedule_.ops.push_back(op);
  return *this;
}

ScheduleBuilder& ScheduleBuilder::copy(Place dst, Place src, std::uint64_t count, unsigned flags) {
  return add(local_op(OpKind::copy, dst, src, count, flags));
}

ScheduleBuilder& ScheduleBuilder::reduce(Place dst, Place src, std::uint64_t count,
                                         unsigned flags) {
  return add(local_op(OpKind::reduce, dst, src, count, flags));
}

ScheduleBuilder& ScheduleBuilder::send(Rank to, Place src, std::uint64_t count) {
  return add(edge_op(OpKind::send, to, Place{}, src, count, wire_flag(schedule_, count)));
}

ScheduleBuilder& ScheduleBuilder::recv(Rank from, Place dst, std::uint64_t count, unsigned flags) {
  return add(edge_op(OpKind::recv, from, dst, Place{}, count, flags | wire_flag(schedule_, count)));
}

ScheduleBuilder& ScheduleBuilder::recv_reduce(Rank from, Place dst, Place src, std::uint64_t count,
                                              unsigned flags) {
  return add(
      edge_op(OpKind::recv_reduce, from, dst, src, count, flags | wire_flag(schedule_, count)));
}

ScheduleBuilder& ScheduleBuilder::post(std::uint32_t flag, std::uint32_t value) {
  Op op;
  op.kind = OpKind::post;
  op.aux = make_signal(flag, value);
  return add(op);
}

ScheduleBuilder& ScheduleBuilder::wait(Rank whose, std::uint32_t flag, std::uint32_t value) {
  Op op;
  op.kind = OpKind::wait;
  op.peer = whose.value;
  op.aux = make_signal(flag, value);
  return add(op);
}

ScheduleBuilder& ScheduleBuilder::wait_all(std::uint32_t flag, std::uint32_t value) {
  Op op;
  op.kind = OpKind::wait_all;
  op.aux = make_signal(flag, value);
  return add(op);
}

ScheduleBuilder& ScheduleBuilder::reduce_slots(Place dst, Place src, std::uint64_t slot_offset,
                                               std::uint64_t count, unsigned flags) {
  Op op = local_op(OpKind::reduce_slots, dst, src, count, flags);
  op.peer = -1;
  op.aux = count == 0 ? 0 : slot_offset;
  return add(op);
}

ScheduleBuilder& ScheduleBuilder::dot(std::uint64_t place, Place dst, Place src,
                                      std::uint64_t count, unsigned flags) {
  Op op = local_op(OpKind::dot, dst, src, count, flags);
  op.aux = place;
  return add(op);
}

ScheduleBuilder& ScheduleBuilder::weigh(std::uint64_t place, Place dst, Place src,
                                        std::uint64_t count, unsigned flags) {
  Op op = local_op(OpKind::weigh, dst, src, count, flags);
  op.aux = place;
  return add(op);
}

ScheduleBuilder& ScheduleBuilder::products(std::uint64_t place_count) {
  schedule_.weighs = true;
  schedule_.product_count = place_count;
  return *this;
}

ScheduleBuilder& ScheduleBuilder::scratch(std::uint64_t element_count) {
  schedule_.scratch_element_count = element_count;
  return *this;
}

ScheduleBuilder& ScheduleBuilder::slot(std::uint64_t element_count, std::vector<Rank> slot_ranks) {
  schedule_.slot_element_count = element_count;
  schedule_.slot_ranks = std::move(slot_ranks);
  return *this;
}

ScheduleBuilder& ScheduleBuilder::offer_parts() {
  schedule_.offers_parts = true;
  return *this;
}

ScheduleBuilder& ScheduleBuilder::embed(const Schedule& inner, const std::vector<Rank>& ranks,
                                        std::uint64_t output_offset) {
  HVD_CHECK(inner.in_place && inner.scratch_element_count == 0 && inner.slot_ranks.empty());
  for (Op op : inner.ops) {
    if (op.dst != BufferKind::none) {
      op.dst = BufferKind::output;
      op.dst_offset += output_offset;
    }
    if (op.src != BufferKind::none) {
      op.src = BufferKind::output;
      op.src_offset += output_offset;
    }
    if (op.peer >= 0) {
      op.peer = ranks[static_cast<std::size_t>(op.peer)].value;
    }
    add(op);
  }
  return *this;
}

}  // namespace hvd
