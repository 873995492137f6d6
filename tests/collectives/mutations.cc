#include "tests/collectives/mutations.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hvd {
namespace {

std::size_t draw(Random& random, std::size_t bound) {
  return static_cast<std::size_t>(random.below(bound));
}

bool is_signal(const Op& op) {
  return op.kind == OpKind::post || op.kind == OpKind::wait || op.kind == OpKind::wait_all;
}
bool is_wait(const Op& op) { return op.kind == OpKind::wait || op.kind == OpKind::wait_all; }
bool has_order(const Op& op) {
  return op.kind == OpKind::reduce || op.kind == OpKind::recv_reduce || op.kind == OpKind::dot ||
         op.kind == OpKind::weigh;
}
bool has_peer(const Op& op) { return op.peer >= 0; }

void shift(std::uint64_t& offset, Random& random) {
  offset = offset > 0 && random.below(2) == 0 ? offset - 1 : offset + 1;
}

OpKind other_kind(OpKind kind) {
  switch (kind) {
    case OpKind::copy:
      return OpKind::reduce;
    case OpKind::reduce:
      return OpKind::copy;
    case OpKind::send:
      return OpKind::recv;
    case OpKind::recv:
      return OpKind::recv_reduce;
    case OpKind::recv_reduce:
      return OpKind::recv;
    case OpKind::post:
      return OpKind::wait;
    case OpKind::wait:
      return OpKind::wait_all;
    case OpKind::wait_all:
      return OpKind::post;
    case OpKind::reduce_slots:
      return OpKind::reduce;
    case OpKind::dot:
      return OpKind::weigh;
    case OpKind::weigh:
      return OpKind::dot;
  }
  return kind;
}

// Those of other ranks only where there are some already: drawing more of them changes what each
// seed gives.
BufferKind other_buffer(BufferKind buffer, Random& random) {
  if (buffer == BufferKind::peer_part) {
    return random.below(2) == 0 ? BufferKind::peer_input : BufferKind::slot;
  }
  const auto drawn = static_cast<BufferKind>(random.below(4) + 1);
  return drawn == buffer ? BufferKind::none : drawn;
}

// Makes another source of a receive that becomes a reduction, so that the damage is not only form.
void change_kind(Op& op) {
  op.kind = other_kind(op.kind);
  if (op.kind == OpKind::recv_reduce) {
    op.src = op.dst;
    op.src_offset = op.dst_offset;
  } else if (op.kind == OpKind::recv) {
    std::swap(op.dst, op.src);
    if (op.dst == BufferKind::none || op.dst == BufferKind::input) {
      op.dst = BufferKind::output;
    }
    op.src = BufferKind::none;
    op.dst_offset = std::max(op.dst_offset, op.src_offset);
    op.src_offset = 0;
    op.flags = 0;
  }
}

void change_op(Op& op, Damage damage, int rank_count, Random& random) {
  switch (damage) {
    case Damage::change_peer:
      op.peer = has_peer(op) ? static_cast<int>(draw(random, static_cast<std::size_t>(rank_count)))
                             : op.peer;
      return;
    case Damage::shift_destination:
      return op.dst != BufferKind::none ? shift(op.dst_offset, random) : void();
    case Damage::shift_source:
      return op.src != BufferKind::none ? shift(op.src_offset, random) : void();
    case Damage::change_count:
      return is_signal(op) ? void() : shift(op.count, random);
    case Damage::swap_operands:
      op.flags ^= has_order(op) ? kReverseOperands : 0;
      return;
    case Damage::toggle_prescale:
      op.flags ^= op.kind == OpKind::copy ? kScalePre : 0;
      return;
    case Damage::toggle_postscale:
      op.flags ^=
          is_signal(op) || op.kind == OpKind::send || op.kind == OpKind::dot ? 0 : kScalePost;
      return;
    case Damage::change_kind:
      return change_kind(op);
    case Damage::change_destination_buffer:
      op.dst = op.dst == BufferKind::none ? op.dst : other_buffer(op.dst, random);
      return;
    case Damage::change_source_buffer:
      op.src = op.src == BufferKind::none ? op.src : other_buffer(op.src, random);
      return;
    case Damage::change_flag:
      op.aux ^= is_signal(op) ? make_signal(1, 0) : 0U;
      return;
    case Damage::lower_wait:
      op.aux -= is_wait(op) && value_of(op) > 0 ? 1U : 0U;
      return;
    case Damage::toggle_to_slot:
      op.flags ^= op.kind == OpKind::reduce_slots ? kToSlot : 0;
      return;
    case Damage::shift_aux:
      return op.kind == OpKind::reduce_slots && op.count > 0 ? shift(op.aux, random) : void();
    case Damage::toggle_narrow:
      op.flags ^= is_signal(op) || op.kind == OpKind::reduce ? 0 : kNarrow;
      return;
    case Damage::change_value:
      if (is_signal(op)) {
        const std::uint32_t value = value_of(op);
        const bool lower = random.below(2) == 0 && value > 0;
        op.aux = make_signal(flag_of(op), lower ? value - 1 : value + 1);
      }
      return;
    default:
      return;
  }
}

void change_list(std::vector<Op>& ops, std::size_t at, Damage damage, Random& random) {
  const auto place = ops.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t other = draw(random, ops.size());
  switch (damage) {
    case Damage::drop_op:
      ops.erase(place);
      return;
    case Damage::drop_flag_op:
      if (is_signal(*place)) {
        ops.erase(place);
      }
      return;
    case Damage::delay_wait:  // a place in the slots is used again too early
      return at + 1 < ops.size() && is_wait(ops[at]) ? std::swap(ops[at], ops[at + 1]) : void();
    case Damage::hasten_post:
      return at > 0 && ops[at].kind == OpKind::post ? std::swap(ops[at], ops[at - 1]) : void();
    case Damage::duplicate_op:
      ops.insert(place, Op(*place));
      return;
    case Damage::swap_neighbours:
      return at + 1 < ops.size() ? std::swap(ops[at], ops[at + 1]) : void();
    case Damage::move_op: {
      const Op op = *place;
      ops.erase(place);
      ops.insert(ops.begin() + static_cast<std::ptrdiff_t>(other), op);
      return;
    }
    case Damage::swap_two_peers:
      return has_peer(ops[at]) && has_peer(ops[other]) ? std::swap(ops[at].peer, ops[other].peer)
                                                       : void();
    default:
      return;
  }
}

bool equal_ops(const std::vector<Op>& a, const std::vector<Op>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(Op)) == 0;  // an Op has no padding
}

}  // namespace

std::string_view damage_name(Damage damage) {
  constexpr std::array<std::string_view, kDamageCount> names = {"drop op",
                                                                "duplicate op",
                                                                "swap neighbours",
                                                                "move op",
                                                                "change peer",
                                                                "shift destination",
                                                                "shift source",
                                                                "change count",
                                                                "swap operands",
                                                                "toggle prescale",
                                                                "toggle postscale",
                                                                "change kind",
                                                                "change destination buffer",
                                                                "change source buffer",
                                                                "change flag",
                                                                "change value",
                                                                "swap two peers",
                                                                "drop flag op",
                                                                "lower wait",
                                                                "delay wait",
                                                                "hasten post",
                                                                "toggle to-slot",
                                                                "shift slot place",
                                                                "toggle narrow"};
  return names[static_cast<std::size_t>(damage)];
}

bool damage_schedules(std::vector<Schedule>& schedules, Damage damage, Random& random) {
  Schedule& schedule = schedules[draw(random, schedules.size())];
  if (schedule.ops.empty()) {
    return false;
  }
  const std::vector<Op> before = schedule.ops;
  const std::size_t at = draw(random, schedule.ops.size());
  change_op(schedule.ops[at], damage, schedule.rank_count, random);
  change_list(schedule.ops, at, damage, random);
  return !equal_ops(before, schedule.ops);
}

}  // namespace hvd
