#include "backends/engine/execution.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "backends/loopback/loopback_world.h"
#include "collectives/schedule_builder.h"
#include "tests/catch.h"

namespace hvd {
namespace {

using Floats = std::vector<float>;

std::byte* bytes_of(Floats& values) { return reinterpret_cast<std::byte*>(values.data()); }

// Schedules written by hand, run by rank 0 of two.
struct OneRank {
  SteadyClock clock;
  LoopbackWorld world{2, clock};
  std::unique_ptr<LoopbackTransport> transport = world.make_transport(Rank{0});
  std::unique_ptr<LoopbackTransport> peer = world.make_transport(Rank{1});
  LaneWires wires{Edges(*transport, Lane::bulk, 2), SlotLane(*transport, Lane::bulk, Rank{0})};
  Execution execution;
  Floats input = {1, 2, 3, 4, 5, 6};
  Floats output = Floats(6, 0.0F);

  // Input and output cut in the middle, so that ranges cross a border.
  WorkItem item() {
    WorkItem item;
    item.id = 9;
    item.kind = CollectiveKind::allreduce;
    item.dtype = DType::float32;
    item.op = ReduceOp::sum;
    item.label = "by hand";
    item.prescale = 10;
    item.postscale = 0.5;
    item.segments = {{bytes_of(input), bytes_of(output), 3},
                     {bytes_of(input) + 12, bytes_of(output) + 12, 3}};
    return item;
  }
  static ScheduleBuilder builder() {
    ScheduleParams params;
    params.rank_count = 2;
    params.element_count = 6;
    params.chunk_element_count = 6;
    return ScheduleBuilder(CollectiveKind::allreduce, params);
  }
  Execution::State run(ScheduleBuilder& builder, int budget = 100) {
    auto placed = std::make_shared<PlacedSchedule>();
    placed->schedule = builder.take();
    placed->members = {Rank{0}, Rank{1}};
    for (const Rank rank : placed->schedule.slot_ranks) {
      placed->sharers.push_back(rank);
    }
    execution.begin(item(), std::shared_ptr<const PlacedSchedule>(std::move(placed)), 0, wires);
    return execution.run(wires, budget);
  }
};

TEST_CASE("a copy moves a range and multiplies it by the factors of its flags", "[engine]") {
  OneRank rank;
  ScheduleBuilder builder = rank.builder();
  SECTION("none") {
    builder.copy(at_output(1), at_input(2), 3);
    CHECK(rank.run(builder) == Execution::State::done);
    CHECK(rank.output == Floats{0, 3, 4, 5, 0, 0});
  }
  SECTION("the prescale") {
    builder.copy(at_output(1), at_input(2), 3, kScalePre);
    CHECK(rank.run(builder) == Execution::State::done);
    CHECK(rank.output == Floats{0, 30, 40, 50, 0, 0});
  }
  SECTION("both") {
    builder.copy(at_output(1), at_input(2), 3, kScalePre | kScalePost);
    CHECK(rank.run(builder) == Execution::State::done);
    CHECK(rank.output == Floats{0, 15, 20, 25, 0, 0});
  }
}

TEST_CASE("scratch keeps what was put there and reduces with it", "[engine]") {
  OneRank rank;
  ScheduleBuilder builder = rank.builder();
  builder.scratch(4)
      .copy(at_scratch(1), at_input(0), 3)
      .copy(at_output(2), at_input(2), 4)
      .reduce(at_output(2), at_scratch(1), 3);
  CHECK(rank.run(builder) == Execution::State::done);
  CHECK(rank.output == Floats{0, 0, 3 + 1, 4 + 2, 5 + 3, 6});
}

TEST_CASE("a send gathers, waits for a slot and goes on where it stopped", "[engine]") {
  OneRank rank;
  ScheduleBuilder builder = rank.builder();
  const int slot_count = rank.transport->slot_count(Lane::bulk);
  for (int i = 0; i <= slot_count; ++i) {
    builder.send(Rank{1}, at_input(1), 4);
  }
  CHECK(rank.run(builder) == Execution::State::blocked);
  CHECK_FALSE(rank.execution.ready(rank.wires));
  const auto chunk = rank.peer->peek(kRoot, Lane::bulk);
  REQUIRE(chunk.has_value());
  CHECK(chunk->header == ChunkHeader{0, 16, 9});
  const Floats expected = {2, 3, 4, 5};
  CHECK(std::ranges::equal(chunk->data, std::as_bytes(std::span(expected))));
  rank.peer->release(kRoot, Lane::bulk);
  CHECK(rank.execution.ready(rank.wires));
  int budget = 100;
  CHECK(rank.execution.run(rank.wires, budget) == Execution::State::done);
  CHECK(budget == 99);
}

TEST_CASE("a chunk is combined in the order that the op asks for and then scaled", "[engine]") {
  OneRank rank;
  const Floats incoming = {100, 200, 300, 400};
  const auto slot = rank.peer->begin_send(kRoot, Lane::bulk);
  std::memcpy(slot.data(), incoming.data(), 16);
  rank.peer->commit_send(kRoot, Lane::bulk, {.sequence = 0, .byte_count = 16, .work_id = 9});
  ScheduleBuilder builder = rank.builder();
  SECTION("recv") {
    builder.recv(Rank{1}, at_output(1), 4);
    CHECK(rank.run(builder) == Execution::State::done);
    CHECK(rank.output == Floats{0, 100, 200, 300, 400, 0});
  }
  SECTION("recv_reduce") {
    builder.recv_reduce(Rank{1}, at_output(1), at_input(2), 4, kReverseOperands | kScalePost);
    CHECK(rank.run(builder) == Execution::State::done);
    CHECK(rank.output == Floats{0, 51.5, 102, 152.5, 203, 0});
  }
  CHECK(rank.input == Floats{1, 2, 3, 4, 5, 6});
  CHECK_FALSE(rank.transport->peek(Rank{1}, Lane::bulk).has_value());
}

TEST_CASE("a run stops when its budget is spent", "[engine]") {
  OneRank rank;
  ScheduleBuilder builder = rank.builder();
  for (std::uint64_t i = 0; i < 5; ++i) {
    builder.copy(at_output(i), at_input(i), 1);
  }
  CHECK(rank.run(builder, 2) == Execution::State::moving);
  CHECK(rank.output == Floats{1, 2, 0, 0, 0, 0});
  int budget = 3;
  CHECK(rank.execution.run(rank.wires, budget) == Execution::State::done);
  CHECK(rank.output == Floats{1, 2, 3, 4, 5, 0});
}

// The other rank of OneRank, by hand.
struct Neighbour {
  explicit Neighbour(OneRank& rank) : lane(*rank.peer, Lane::bulk, Rank{1}) {
    lane.begin(9, 0, sharers);
    REQUIRE(lane.open_bank());
  }
  std::vector<Rank> sharers = {Rank{0}, Rank{1}};
  SlotLane lane;
  float* slots(int of) { return reinterpret_cast<float*>(lane.slots_of(Rank{of})); }
};

TEST_CASE("what a rank puts into its slots and posts is there for the others", "[engine]") {
  OneRank rank;
  Neighbour peer(rank);
  ScheduleBuilder builder = rank.builder();
  builder.slot(6, peer.sharers).copy(at_slot(Rank{0}, 1), at_input(2), 3, kScalePre).post(3, 2);
  CHECK_FALSE(peer.lane.has_reached(Rank{0}, 3, 1));
  CHECK(rank.run(builder) == Execution::State::done);
  CHECK(peer.lane.has_reached(Rank{0}, 3, 2));
  CHECK_FALSE(peer.lane.has_reached(Rank{0}, 3, 3));
  CHECK(Floats(peer.slots(0) + 1, peer.slots(0) + 4) == Floats{30, 40, 50});
}

TEST_CASE("a wait stands still until the flag has its value", "[engine]") {
  OneRank rank;
  Neighbour peer(rank);
  ScheduleBuilder builder = rank.builder();
  builder.slot(6, peer.sharers);
  SECTION("of one rank") { builder.wait(Rank{1}, 2, 5); }
  SECTION("of all") { builder.wait_all(2, 5); }
  CHECK(rank.run(builder) == Execution::State::blocked);
  peer.lane.post(2, 4);
  CHECK_FALSE(rank.execution.ready(rank.wires));
  peer.lane.post(2, 5);
  CHECK(rank.execution.ready(rank.wires));
  int budget = 10;
  CHECK(rank.execution.run(rank.wires, budget) == Execution::State::done);
}

TEST_CASE("slots are combined in the order of ranks, into both destinations", "[engine]") {
  OneRank rank;
  Neighbour peer(rank);
  std::fill_n(peer.slots(1), 6, 100.0F);
  ScheduleBuilder builder = rank.builder();
  builder.slot(6, peer.sharers).reduce_slots(at_output(1), at_input(1), 0, 4, kToSlot | kScalePost);
  CHECK(rank.run(builder) == Execution::State::done);
  CHECK(rank.output == Floats{0, 51, 51.5, 52, 52.5, 0});
  CHECK(Floats(peer.slots(0), peer.slots(0) + 4) == Floats{51, 51.5, 52, 52.5});
}

TEST_CASE("a long copy is cut, so that a budget is kept within it", "[engine]") {
  OneRank rank;
  const std::size_t count = 3 * Execution::kSliceBytes / sizeof(float);
  rank.input = Floats(count, 7.0F);
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = count;
  params.chunk_element_count = count;
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  builder.scratch(count).copy(at_scratch(0), at_input(0), count);
  WorkItem item = rank.item();
  item.segments = {{bytes_of(rank.input), bytes_of(rank.input), count}};
  auto placed =
      std::make_shared<PlacedSchedule>(PlacedSchedule{builder.take(), {Rank{0}, Rank{1}}, {}});
  rank.execution.begin(std::move(item), std::shared_ptr<const PlacedSchedule>(placed), 0,
                       rank.wires);
  int runs = 0;
  Execution::State state = Execution::State::moving;
  while (state == Execution::State::moving) {
    int budget = 1;
    state = rank.execution.run(rank.wires, budget);
    ++runs;
  }
  CHECK(state == Execution::State::done);
  CHECK(runs == 3);
}

}  // namespace
}  // namespace hvd
