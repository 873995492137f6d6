#include "collectives/verifier/op_rules.h"

#include <limits>

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
  second.slot(4, {});
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
    copy.kind = static_cast<OpKind>(7);
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
  SECTION("another rank's slot is as long as that rank says") {
    copy.src = BufferKind::slot;
    copy.peer = 1;
    CHECK(fault(copy).empty());
    copy.peer = 0;
    CHECK(fault(copy) == "its source ends behind the buffer's 0 elements");
  }
  SECTION("flag without a signal") {
    copy.aux = make_signal(0, 1);
    CHECK(fault(copy) == "it names a flag and has none");
  }
}

TEST_CASE("source and destination that overlap in part are refused, also in place", "[op_rules]") {
  Op copy = copy_op();
  copy.src_offset = 3;
  CHECK(op_fault(two_ranks(false), 0, copy).empty());
  CHECK(op_fault(two_ranks(true), 0, copy) == "its source and destination overlap in part");
  copy.src_offset = 4;
  CHECK(op_fault(two_ranks(true), 0, copy).empty());
}

TEST_CASE("schedules with parameters that contradict one another are refused", "[op_rules]") {
  std::vector<Schedule> schedules = two_ranks(false);
  CHECK(collective_fault(schedules, 1).empty());
  for (Schedule& schedule : schedules) {
    schedule.counts = {4, 4};
  }
  CHECK(collective_fault(schedules, 0) == "its parameters contradict one another");
  for (Schedule& schedule : schedules) {
    schedule.kind = CollectiveKind::allgather;
  }
  CHECK(collective_fault(schedules, 0).empty());
  for (Schedule& schedule : schedules) {
    schedule.counts = {4, 5};
  }
  CHECK(collective_fault(schedules, 0) == "its parameters contradict one another");
}

}  // namespace
}  // namespace hvd
