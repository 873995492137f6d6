#include "collectives/verifier/op_rules.h"

#include <limits>
#include <utility>

#include "collectives/schedule_builder.h"
#include "tests/catch.h"

namespace hvd {
namespace {

std::vector<Schedule> two_ranks(bool in_place) {
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = 8;
  params.chunk_element_count = 4;
  params.in_place = in_place;
  ScheduleBuilder first(CollectiveKind::allreduce, params);
  params.rank = Rank{1};
  ScheduleBuilder second(CollectiveKind::allreduce, params);
  for (ScheduleBuilder* builder : {&first, &second}) {
    builder->slot(4, {Rank{0}, Rank{1}});
  }
  return {first.take(), second.take()};
}

Op copy_op() {
  Op op;
  op.dst = BufferKind::output;
  op.src = BufferKind::input;
  op.count = 4;
  return op;
}
Op send_op() {
  Op op;
  op.kind = OpKind::send;
  op.src = BufferKind::input;
  op.count = 4;
  op.peer = 1;
  return op;
}

TEST_CASE("an op is refused for each thing that it gets wrong", "[op_rules]") {
  const std::vector<Schedule> schedules = two_ranks(false);
  const auto fault = [&](const Op& op) { return op_fault(schedules, 0, op); };
  Op copy = copy_op();
  Op send = send_op();
  REQUIRE(fault(copy).empty());
  REQUIRE(fault(send).empty());
  SECTION("kind") {
    copy.kind = static_cast<OpKind>(11);
    CHECK(fault(copy) == "there is no such op");
  }
  SECTION("flag") {
    copy.flags = kScalePre;
    CHECK(fault(copy) == "it has a flag that this op, or this collective, does not have");
  }
  SECTION("peer of its own") {
    send.peer = 0;
    CHECK(fault(send) == "it names its own rank as the peer");
  }
  SECTION("no such peer") {
    send.peer = 2;
    CHECK(fault(send) == "there is no rank 2");
  }
  SECTION("peer without need") {
    copy.peer = 1;
    CHECK(fault(copy) == "it names a peer and has none");
  }
  SECTION("writes input") {
    copy.dst = BufferKind::input;
    CHECK(fault(copy) == "it writes to the input");
  }
  SECTION("no source") {
    copy.src = BufferKind::none;
    CHECK(fault(copy) == "it has no source");
  }
  SECTION("a destination too much") {
    send.dst = BufferKind::output;
    CHECK(fault(send) == "it has a destination and should not");
  }
  SECTION("range") {
    copy.src_offset = 5;
    CHECK(fault(copy) == "its source ends behind the buffer's 8 elements");
    copy.src_offset = std::numeric_limits<std::uint64_t>::max() - 1;  // the sum would overflow
    CHECK_FALSE(fault(copy).empty());
  }
  SECTION("chunk") {
    send.count = 5;
    CHECK(fault(send) == "it moves more than a chunk of 4 elements");
  }
  SECTION("slot of an edge op") {
    send.src = BufferKind::slot;
    CHECK(fault(send) == "a chunk comes from or goes to a slot buffer");
  }
  SECTION("the slots of another rank are read and not written") {
    copy.src = BufferKind::slot;
    copy.peer = 1;
    CHECK(fault(copy).empty());
    copy.src_offset = 1;
    CHECK(fault(copy) == "its source ends behind the buffer's 4 elements");
    copy.src = BufferKind::input;
    copy.dst = BufferKind::slot;
    CHECK(fault(copy) == "it writes to the slots of another rank");
    copy.peer = 0;
    CHECK(fault(copy).empty());
  }
  SECTION("flag without a signal") {
    copy.aux = make_signal(0, 1);
    CHECK(fault(copy) == "it names a flag and has none");
  }
}

TEST_CASE("a signal needs a flag that there is, a value and somebody who sees it", "[op_rules]") {
  std::vector<Schedule> schedules = two_ranks(false);
  Op op;
  for (const OpKind kind : {OpKind::post, OpKind::wait, OpKind::wait_all}) {
    op.kind = kind;
    op.peer = kind == OpKind::wait ? 1 : -1;
    op.aux = make_signal(kFlagCount - 1, 1);
    CHECK(op_fault(schedules, 0, op).empty());
    op.aux = make_signal(kFlagCount, 1);
    CHECK(op_fault(schedules, 0, op) == "there is no flag 8, there are 8");
    op.aux = make_signal(0, 0);
    CHECK(op_fault(schedules, 0, op) == "flags count from 1");
    op.aux = make_signal(0, 1);
    op.flags = kStream;
    CHECK_FALSE(op_fault(schedules, 0, std::exchange(op, Op{})).empty());
  }
  op.kind = OpKind::post;
  op.aux = make_signal(0, 1);
  schedules[0].slot_ranks.clear();
  CHECK(op_fault(schedules, 0, op) == "it shares flags with nobody");
  op.kind = OpKind::wait;
  op.peer = 1;
  CHECK(op_fault(schedules, 0, op) == "it shares no memory with rank 1");
}

TEST_CASE("a reduction of slots is refused for each thing that it gets wrong", "[op_rules]") {
  std::vector<Schedule> schedules = two_ranks(false);
  const auto fault = [&](const Op& op) { return op_fault(schedules, 0, op); };
  Op op = copy_op();
  op.kind = OpKind::reduce_slots;
  REQUIRE(fault(op).empty());
  SECTION("slots") {
    op.aux = 1;
    CHECK(fault(op) == "its slot ends behind the buffer's 4 elements");
    op.flags = kFromInputs;
    CHECK(fault(op) == "it names a place in the slots and uses none");
  }
  SECTION("its own slot, at another place than it is read") {
    schedules[0].slot_element_count = schedules[1].slot_element_count = 8;
    op.src = BufferKind::slot;
    op.src_offset = 1;
    CHECK(fault(op).empty());
    op.flags = kToSlot;
    CHECK(fault(op) == "its source and destination overlap in part");
    op.src_offset = 4;
    CHECK(fault(op).empty());
  }
  SECTION("two destinations in the slots") {
    op.dst = BufferKind::slot;
    CHECK(fault(op).empty());
    op.flags = kToSlot;
    CHECK(fault(op) == "its destination does not go with its flags");
  }
  SECTION("tensors of the others, not its own") {
    op.src = BufferKind::scratch;
    schedules[0].scratch_element_count = 4;
    CHECK(fault(op).empty());
    op.flags = kFromInputs;
    CHECK(fault(op) == "what it does with the others' tensors it does not do with its own");
    op.src = BufferKind::peer_input;
    CHECK_FALSE(fault(op).empty());
  }
  SECTION("flags of others") {
    op.flags = kReverseOperands;
    CHECK(fault(op) == "it has a flag that this op, or this collective, does not have");
  }
  SECTION("a peer") {
    op.peer = 1;
    CHECK(fault(op) == "it names a peer and has none");
  }
}

Schedule adasum_of(std::uint64_t product_count) {
  Schedule schedule;
  schedule.kind = CollectiveKind::allreduce;
  schedule.rank_count = 2;
  schedule.element_count = 4;
  schedule.chunk_element_count = 4;
  schedule.scratch_element_count = 4;
  schedule.weighs = true;
  schedule.product_count = product_count;
  return schedule;
}

Op dot_op() {
  Op op;
  op.kind = OpKind::dot;
  op.dst = BufferKind::output;
  op.src = BufferKind::scratch;
  op.count = 2;
  return op;
}

Op products_op() {
  Op op;
  op.kind = OpKind::recv_reduce;
  op.dst = BufferKind::products;
  op.src = BufferKind::products;
  op.peer = 1;
  op.count = 1;
  return op;
}

TEST_CASE("what a peer has for a rank is only copied from, and only where it is offered",
          "[op_rules]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.chunk_element_count = 4;
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < 2; ++rank) {
    params.rank = Rank{rank};
    params.send_counts =
        rank == 0 ? std::vector<std::uint64_t>{1, 2} : std::vector<std::uint64_t>{3, 4};
    params.counts = rank == 0 ? std::vector<std::uint64_t>{1, 3} : std::vector<std::uint64_t>{2, 4};
    ScheduleBuilder builder(CollectiveKind::alltoall, params);
    builder.slot(0, {Rank{0}, Rank{1}}).offer_parts();
    schedules.push_back(builder.take());
  }
  const auto fault = [&](const Op& op) { return op_fault(schedules, 0, op); };
  Op copy = copy_op();
  copy.src = BufferKind::peer_part;
  copy.peer = 1;
  copy.count = 3;
  REQUIRE(fault(copy).empty());
  CHECK(memory_of(schedules, 0, copy, copy.src) == Memory{1, BufferKind::input});
  CHECK(memory_begin(schedules, 0, copy, copy.src) == 0);
  CHECK(memory_begin(schedules, 1, {.peer = 0}, BufferKind::peer_part) == 1);
  SECTION("more than there is for this rank") {
    copy.src_offset = 1;
    CHECK(fault(copy) == "its source ends behind the buffer's 3 elements");
  }
  SECTION("not offered") {
    schedules[1].offers_parts = false;
    CHECK(fault(copy) == "its source ends behind the buffer's 0 elements");
  }
  SECTION("its own") {
    copy.peer = 0;
    copy.count = 1;
    CHECK(fault(copy) == "it names its own rank as the peer");
  }
  SECTION("combined with") {
    copy.kind = OpKind::reduce;
    CHECK(fault(copy) == "its source is what a peer has for this rank, which is only copied from");
  }
  SECTION("written to") {
    copy.dst = BufferKind::peer_part;
    copy.src = BufferKind::input;
    CHECK(fault(copy) ==
          "its destination is what a peer has for this rank, which is only copied from");
  }
}

TEST_CASE("Adasum's ops are refused for each thing that they get wrong", "[op_rules]") {
  std::vector<Schedule> schedules = {adasum_of(1), adasum_of(1)};
  schedules[1].rank = Rank{1};
  const auto fault = [&](const Op& op) { return op_fault(schedules, 0, op); };
  Op dot = dot_op();
  Op add = products_op();
  REQUIRE(fault(dot).empty());
  REQUIRE(fault(add).empty());
  SECTION("in another collective") {
    schedules[0].weighs = false;
    CHECK(fault(dot) == "this collective does not combine so");
  }
  SECTION("sums in Adasum") {
    dot.kind = OpKind::reduce;
    CHECK(fault(dot) == "this collective does not combine so");
    add.dst = BufferKind::output;
    add.src = BufferKind::output;
    CHECK(fault(add) == "this collective does not combine so");
  }
  SECTION("place") {
    dot.aux = 1;
    CHECK(fault(dot) == "there is no place 1 for products, there are 1");
    add.dst_offset = 1;
    CHECK(fault(add) == "its destination ends behind the buffer's 1 elements");
  }
  SECTION("nothing to weigh") {
    Op empty = {.kind = OpKind::dot};
    CHECK(fault(empty).empty());
    empty.kind = OpKind::weigh;
    CHECK(fault(empty) == "it weighs nothing");
  }
  SECTION("products as elements") {
    add.src = BufferKind::output;
    CHECK(fault(add) == "dot products go over an edge, from their places and to them");
    dot.kind = OpKind::copy;
    dot.src = BufferKind::products;
    dot.count = 1;
    CHECK(fault(dot) == "dot products go over an edge, from their places and to them");
  }
  SECTION("a factor") {
    schedules[0].postscale = true;
    add.flags = kScalePost;
    CHECK(fault(add) == "dot products are not scaled");
    dot.flags = kScalePost;
    CHECK_FALSE(fault(dot).empty());
    dot.kind = OpKind::weigh;
    CHECK(fault(dot).empty());
  }
}

TEST_CASE("narrow chunks are for collectives that say so", "[op_rules]") {
  std::vector<Schedule> schedules = two_ranks(false);
  Op send = send_op();
  send.flags = kNarrow;
  CHECK_FALSE(op_fault(schedules, 0, send).empty());
  schedules[0].narrow = true;
  CHECK(op_fault(schedules, 0, send).empty());
}

TEST_CASE("source and destination that overlap in part are refused, also in place", "[op_rules]") {
  Op copy = copy_op();
  copy.src_offset = 3;
  CHECK(op_fault(two_ranks(false), 0, copy).empty());
  CHECK(op_fault(two_ranks(true), 0, copy) == "its source and destination overlap in part");
  copy.src_offset = 4;
  CHECK(op_fault(two_ranks(true), 0, copy).empty());
}

}  // namespace
}  // namespace hvd
