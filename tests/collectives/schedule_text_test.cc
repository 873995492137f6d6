#include "collectives/schedule_text.h"

#include "collectives/schedule_builder.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("each op prints as a line that says what it does", "[schedule_text]") {
  ScheduleParams params;
  params.rank = Rank{1};
  params.rank_count = 3;
  params.element_count = 9;
  params.chunk_element_count = 4;
  params.in_place = true;
  params.postscale = true;
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  builder.copy(at_output(1), at_input(1), 3, kScalePre | kScalePost)
      .copy(at_slot(Rank{2}, 0), at_scratch(5), 4)
      .reduce(at_output(0), at_slot(Rank{0}, 4), 4, kReverseOperands)
      .send(Rank{2}, at_input(0), 4)
      .send(Rank{2}, Place{}, 0)
      .recv(Rank{0}, at_output(4), 4)
      .recv_reduce(Rank{0}, at_output(4), at_input(4), 4)
      .recv_reduce(Rank{0}, at_output(4), at_input(4), 4, kReverseOperands | kScalePost)
      .post(3, 7)
      .wait(Rank{2}, 3, 7);
  CHECK(schedule_text(builder.take()) ==
        "allreduce p 3 n 9 chunk 4 postscale in place\n"
        "r1   0  copy out[1:4] = in[1:4] *pre *post\n"
        "r1   1  copy slot2[0:4] = scratch[5:9]\n"
        "r1   2  reduce out[0:4] = slot0[4:8] + out[0:4]\n"
        "r1   3  send >2 in[0:4]\n"
        "r1   4  send >2 nothing\n"
        "r1   5  recv <0 out[4:8]\n"
        "r1   6  recv_reduce out[4:8] = in[4:8] + <0\n"
        "r1   7  recv_reduce out[4:8] = <0 + in[4:8] *post\n"
        "r1   8  post f3 7\n"
        "r1   9  wait <2 f3 7\n");
}

TEST_CASE("roots and gather counts are in the first line", "[schedule_text]") {
  Schedule schedule;
  schedule.kind = CollectiveKind::broadcast;
  schedule.root = Rank{2};
  CHECK(schedule_text(schedule) == "broadcast p 1 n 0 chunk 0 root 2\n");
  schedule.kind = CollectiveKind::allgather;
  schedule.counts = {3, 0};
  CHECK(schedules_text(std::vector<Schedule>{schedule}) ==
        "allgather p 1 n 0 chunk 0 counts 3 0\n");
}

TEST_CASE("ops on slots and tensors of others print with all their flags", "[schedule_text]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.chunk_element_count = 4;
  params.prescale = true;
  params.postscale = true;
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  builder.slot(8, {Rank{0}, Rank{1}})
      .scratch(2)
      .copy(at_slot(Rank{0}, 4), at_input(0), 4, kScalePre | kStream)
      .wait_all(1, 2)
      .reduce_slots(at_output(0), at_slot(Rank{0}, 4), 4, 4, kToSlot | kScalePost)
      .reduce_slots(at_output(2), at_input(2), 0, 2, kFromInputs | kToOutputs);
  Schedule schedule = builder.take();
  schedule.narrow = true;
  schedule.ops.back().flags |= kReverseOperands;
  CHECK(schedule_text(schedule) ==
        "allreduce p 2 n 0 chunk 4 prescale postscale narrow scratch 2 slots 8 of 0 1\n"
        "r0   0  copy slot0[4:8] = in[0:4] *pre stream\n"
        "r0   1  wait_all f1 2\n"
        "r0   2  reduce_slots out[0:4], slot[4:8] = slot[4:8] + all slot[4:8] *post\n"
        "r0   3  reduce_slots out[2:4], all outputs = in[2:4] + all inputs flags 1\n");
}

TEST_CASE("a rank that differs from the first has a line about it", "[schedule_text]") {
  Schedule first;
  first.kind = CollectiveKind::alltoall;
  first.element_count = 3;
  first.counts = {1, 2};
  first.send_counts = {1, 0};
  Schedule second = first;
  second.rank = Rank{1};
  second.element_count = 1;
  second.counts = {0, 1};
  CHECK(schedules_text(std::vector<Schedule>{first, second}) ==
        "alltoall p 1 n 3 chunk 0 counts 1 2 sends 1 0\n"
        "r1      alltoall n 1 counts 0 1 sends 1 0\n");
}

TEST_CASE("an op that makes no sense still prints", "[schedule_text]") {
  Op op;
  op.kind = static_cast<OpKind>(77);
  CHECK(op_text(op) == "unknown op 77");
  op.kind = OpKind::send;
  op.src = static_cast<BufferKind>(9);
  op.flags = kToOutputs;
  op.count = 2;
  CHECK(op_text(op) == "send >-1 buffer 9[0:2] flags 64");
}

}  // namespace
}  // namespace hvd
