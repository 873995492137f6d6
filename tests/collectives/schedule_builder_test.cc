#include "collectives/schedule_builder.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a builder takes over what the parameters say about the collective",
          "[schedule_builder]") {
  ScheduleParams params;
  params.rank = Rank{1};
  params.rank_count = 2;
  params.element_count = 99;  // not of an allgather
  params.counts = {3, 4};
  params.chunk_element_count = 5;
  params.in_place = true;
  const Schedule gather = ScheduleBuilder(CollectiveKind::allgather, params).take();
  CHECK(gather.kind == CollectiveKind::allgather);
  CHECK(gather.rank == Rank{1});
  CHECK(gather.rank_count == 2);
  CHECK(gather.element_count == 7);
  CHECK(gather.counts == params.counts);
  CHECK(gather.chunk_element_count == 5);
  CHECK(gather.in_place);
  CHECK(ScheduleBuilder(CollectiveKind::allreduce, params).take().element_count == 99);
  CHECK(ScheduleBuilder(CollectiveKind::barrier, params).take().element_count == 0);
}

TEST_CASE("an op without elements names no buffer, one with a slot buffer its owner",
          "[schedule_builder]") {
  ScheduleBuilder builder(CollectiveKind::allreduce, ScheduleParams{});
  builder.send(Rank{3}, at_output(7), 0).copy(at_slot(Rank{2}, 1), at_input(4), 6);
  builder.slot(8, {}).scratch(9);
  const Schedule schedule = builder.take();
  CHECK(schedule.ops[0].src == BufferKind::none);
  CHECK(schedule.ops[0].src_offset == 0);
  CHECK(schedule.ops[0].peer == 3);
  CHECK(schedule.ops[1].peer == 2);
  CHECK(schedule.ops[1].dst_offset == 1);
  CHECK(schedule.ops[1].src_offset == 4);
  CHECK(schedule.ops[1].count == 6);
  CHECK(schedule.slot_element_count == 8);
  CHECK(schedule.scratch_element_count == 9);
}

TEST_CASE("an embedded schedule is about other ranks and another part of the output",
          "[schedule_builder]") {
  ScheduleParams params;
  params.in_place = true;
  ScheduleBuilder inner(CollectiveKind::allreduce, params);
  inner.send(Rank{1}, at_input(2), 3).recv(Rank{0}, Place{}, 0);
  ScheduleBuilder outer(CollectiveKind::allreduce, params);
  const Schedule schedule = outer.embed(inner.take(), {Rank{4}, Rank{6}}, 100).take();
  REQUIRE(schedule.ops.size() == 2);
  CHECK(schedule.ops[0].peer == 6);
  CHECK(schedule.ops[0].src == BufferKind::output);
  CHECK(schedule.ops[0].src_offset == 102);
  CHECK(schedule.ops[1].peer == 4);
  CHECK(schedule.ops[1].dst == BufferKind::none);
  CHECK(schedule.ops[1].dst_offset == 0);
}

}  // namespace
}  // namespace hvd
