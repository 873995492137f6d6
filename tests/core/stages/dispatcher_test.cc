#include "core/stages/dispatcher.h"

#include <array>

#include "tests/catch.h"
#include "tests/core/stages/fake_data_plane.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::FakeDataPlane;
using test::operation_of;
using test::request_of;
using test::shape_of;

// An answered group that has its answer.
struct Group {
  AnsweredGroup answer;
  std::vector<OperationPtr> operations;
};

Group group_of(const std::vector<Request>& requests, std::vector<std::int64_t> rows = {}) {
  Group group;
  group.answer.choice = 42;
  group.answer.rows = std::move(rows);
  for (const Request& request : requests) {
    group.operations.push_back(operation_of(request));
  }
  return group;
}

struct Desk {
  FakeDataPlane plane;
  Dispatcher dispatcher{plane, Rank(1), 4};
  std::uint64_t item_count = 0;

  Status start(Group& group) {
    AgreedGroup agreed{
        .answer = &group.answer, .item = item_count++, .operations = group.operations};
    return dispatcher.start(agreed);
  }
};

TEST_CASE("a fused group becomes one item with its segments in order", "[dispatcher]") {
  Desk desk;
  Request x = request_of("x");
  Request y = request_of("y", CollectiveKind::allreduce, shape_of({5}));
  x.prescale = y.prescale = 2;
  Group group = group_of({x, y});
  REQUIRE(desk.start(group).ok());
  REQUIRE(desk.plane.items.size() == 1);
  const WorkItem& item = desk.plane.items[0];
  CHECK(item.id == 0);
  CHECK(item.kind == CollectiveKind::allreduce);
  CHECK(item.choice == 42);
  CHECK(item.label == "x");
  CHECK(item.prescale == 2);
  REQUIRE(item.segments.size() == 2);
  CHECK(item.segments[0].element_count == 6);
  CHECK(item.segments[1].element_count == 5);
  CHECK(item.segments[1].input == y.input.data);
  CHECK(desk.dispatcher.busy());
}

TEST_CASE("an average is a sum that is divided by the number of ranks at the end", "[dispatcher]") {
  Desk desk;
  Request request = request_of("x");
  request.op = ReduceOp::average;
  request.postscale = 3;
  Group group = group_of({request});
  REQUIRE(desk.start(group).ok());
  CHECK(desk.plane.items[0].op == ReduceOp::sum);
  CHECK(desk.plane.items[0].postscale == Approx(0.75));
}

TEST_CASE("an item's fields do not depend on arguments that its operation ignores",
          "[dispatcher]") {
  Desk desk;
  Request request = request_of("x");
  request.root = Rank(3);  // of an allreduce: may differ between ranks
  Group group = group_of({request});
  REQUIRE(desk.start(group).ok());
  CHECK(desk.plane.items[0].root == kRoot);
  request.kind = CollectiveKind::broadcast;
  Group broadcast = group_of({request});
  REQUIRE(desk.start(broadcast).ok());
  CHECK(desk.plane.items[1].root == Rank(3));
  CHECK(desk.plane.items[1].id == 1);
}

TEST_CASE("a group whose members do not go together is refused before memory is touched",
          "[dispatcher]") {
  Desk desk;
  const Request x = request_of("x");
  Request other = request_of("y");
  SECTION("another dtype") { other.input.dtype = DType::uint8; }
  SECTION("another reduction") { other.op = ReduceOp::max; }
  SECTION("another scale") { other.postscale = 3; }
  SECTION("another kind") { other.kind = CollectiveKind::barrier; }
  Group group = group_of({x, other});
  CHECK(desk.start(group).code() == StatusCode::internal);
  Group barriers = group_of(
      {request_of("b", CollectiveKind::barrier), request_of("c", CollectiveKind::barrier)});
  CHECK(desk.start(barriers).code() == StatusCode::internal);
  CHECK(desk.plane.items.empty());
}

TEST_CASE("a barrier has no segments", "[dispatcher]") {
  Desk desk;
  Group group = group_of({request_of("b", CollectiveKind::barrier)});
  REQUIRE(desk.start(group).ok());
  CHECK(desk.plane.items[0].segments.empty());
}

TEST_CASE("an allgather gets memory for the rows of all ranks", "[dispatcher]") {
  Desk desk;
  Group group =
      group_of({request_of("g", CollectiveKind::allgather, shape_of({2, 3}))}, {1, 2, 0, 4});
  const OperationPtr operation = group.operations[0];
  REQUIRE(desk.start(group).ok());
  const WorkItem& item = desk.plane.items[0];
  CHECK(item.counts == std::vector<std::size_t>{3, 6, 0, 12});
  REQUIRE(item.segments.size() == 1);
  CHECK(item.segments[0].output == operation->result.get());
  CHECK(operation->result != nullptr);
  CHECK(operation->result_shape == shape_of({7, 3}));
}

// This rank, 1 of 4, has rows 1 and 2 of 7.
Request gathering_to(std::byte* output, const Shape& shape) {
  Request request = request_of("g", CollectiveKind::allgather, shape_of({2, 3}));
  request.output = output;
  request.output_shape = shape;
  request.output_dtype = DType::float32;
  return request;
}

TEST_CASE("a result goes to the memory that was given for it", "[dispatcher]") {
  Desk desk;
  std::array<std::byte, 84> memory{};
  Group group = group_of({gathering_to(memory.data(), shape_of({7, 3}))}, {1, 2, 0, 4});
  const OperationPtr operation = group.operations[0];
  REQUIRE(desk.start(group).ok());
  CHECK(desk.plane.items[0].segments[0].output == memory.data());
  CHECK(operation->result == nullptr);
  CHECK(operation->output_fault.ok());
}

TEST_CASE("an output of other rows than come fails its rank alone and keeps the result",
          "[dispatcher]") {
  for (const Shape& shape : {shape_of({6, 3}), shape_of({8, 3}), shape_of({0, 3})}) {
    Desk desk;
    std::array<std::byte, 96> memory{};
    Group group = group_of({gathering_to(memory.data(), shape)}, {1, 2, 0, 4});
    const OperationPtr operation = group.operations[0];
    REQUIRE(desk.start(group).ok());
    REQUIRE(operation->result != nullptr);
    CHECK(desk.plane.items[0].segments[0].output == operation->result.get());
    desk.plane.completions.push_back({.work_id = 0, .status = ok_status(), .spent = {}});
    std::vector<Outcome> finished;
    REQUIRE(desk.dispatcher.take_finished(finished));
    CHECK(finished[0].status.code() == StatusCode::mismatch);
    CHECK_THAT(finished[0].status.message(), Catch::Contains("what came is float32 [7 3]"));
    CHECK(operation->result_is_whole);
  }
}

TEST_CASE("what fails otherwise has no result, whatever was given for it", "[dispatcher]") {
  Desk desk;
  std::array<std::byte, 96> memory{};
  Group group = group_of({gathering_to(memory.data(), shape_of({6, 3}))}, {1, 2, 0, 4});
  const OperationPtr operation = group.operations[0];
  REQUIRE(desk.start(group).ok());
  desk.plane.completions.push_back(
      {.work_id = 0, .status = error(StatusCode::aborted, "rank 2 died"), .spent = {}});
  std::vector<Outcome> finished;
  REQUIRE(desk.dispatcher.take_finished(finished));
  CHECK(finished[0].status.code() == StatusCode::aborted);
  CHECK_FALSE(operation->result_is_whole);
}

TEST_CASE("an allgather's input may lie in the output at its own rows and nowhere else",
          "[dispatcher]") {
  for (const std::size_t place : {12, 24}) {
    Desk desk;
    std::array<std::byte, 84> memory{};
    Request request = gathering_to(memory.data(), shape_of({7, 3}));
    request.input.data = memory.data() + place;
    Group group = group_of({request}, {1, 2, 0, 4});
    const OperationPtr operation = group.operations[0];
    REQUIRE(desk.start(group).ok());
    CHECK(operation->output_fault.ok() == (place == 12));
    CHECK((desk.plane.items[0].segments[0].output == memory.data()) == (place == 12));
  }
}

TEST_CASE("an allgather that cannot start keeps its operations", "[dispatcher]") {
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  const std::vector<std::vector<std::int64_t>> wrong = {
      {},                                // no rows at all
      {1, 3, 0, 4},                      // not this rank's
      {huge, 2, huge, 0},                // overflows
      {std::int64_t{1} << 57, 2, 0, 0},  // more than can be counted
      {std::int64_t{1} << 53, 2, 0, 0},  // more than any memory
  };
  for (const std::vector<std::int64_t>& rows : wrong) {
    Desk desk;
    Group group = group_of({request_of("g", CollectiveKind::allgather, shape_of({2, 3}))}, rows);
    const Status status = desk.start(group);
    CHECK_FALSE(status.ok());
    CHECK_THAT(status.message(), Catch::Contains("'g'"));
    REQUIRE(group.operations.size() == 1);
    CHECK(group.operations[0] != nullptr);
    CHECK(desk.plane.items.empty());
    CHECK_FALSE(desk.dispatcher.busy());
  }
}

TEST_CASE("items keep the root's numbers, which may leave some out but never go back",
          "[dispatcher]") {
  Desk desk;
  desk.item_count = 7;
  Group group = group_of({request_of("x")});
  REQUIRE(desk.start(group).ok());
  CHECK(desk.plane.items[0].id == 7);
  desk.item_count = 7;
  Group again = group_of({request_of("y")});
  CHECK(desk.start(again).code() == StatusCode::internal);
}

TEST_CASE("only the root of a reduce writes", "[dispatcher]") {
  for (const int root : {0, 1}) {
    Desk desk;
    Request request = request_of("x", CollectiveKind::reduce);
    request.root = Rank(root);
    request.op = ReduceOp::average;
    Group group = group_of({request});
    REQUIRE(desk.start(group).ok());
    const WorkItem& item = desk.plane.items[0];
    CHECK(item.root == Rank(root));
    CHECK(item.op == ReduceOp::sum);
    CHECK(item.postscale == Approx(0.25));
    CHECK(item.segments[0].input == request.input.data);
    CHECK(item.segments[0].output == (root == 1 ? request.output : nullptr));
  }
}

TEST_CASE("a premultiplied sum keeps its own factor and its name", "[dispatcher]") {
  Desk desk;
  Request request = request_of("x");
  request.op = ReduceOp::premultiplied_sum;
  request.prescale = 3;
  Group group = group_of({request});
  REQUIRE(desk.start(group).ok());
  CHECK(desk.plane.items[0].op == ReduceOp::premultiplied_sum);
  CHECK(desk.plane.items[0].prescale == 3);
  Group pair = group_of({request, request});
  CHECK(desk.start(pair).code() == StatusCode::internal);
}

TEST_CASE("a reduce-scatter writes this rank's rows into the caller's memory", "[dispatcher]") {
  Desk desk;
  Request request = request_of("x", CollectiveKind::reduce_scatter, shape_of({6, 3}));
  Group group = group_of({request}, {2, 2, 1, 1});
  REQUIRE(desk.start(group).ok());
  const WorkItem& item = desk.plane.items[0];
  CHECK(item.counts == std::vector<std::size_t>{6, 6, 3, 3});
  REQUIRE(item.segments.size() == 1);
  CHECK(item.segments[0].output == request.output);
  Group wrong = group_of({request}, {2, 1, 2, 1});  // this rank asked for 2
  CHECK(desk.start(wrong).code() == StatusCode::internal);
}

TEST_CASE("an alltoall has what it sends and what it receives", "[dispatcher]") {
  Desk desk;
  Request request = request_of("x", CollectiveKind::alltoall, shape_of({9, 2}));
  request.splits = {1, 0, 5, 2};
  Group group = group_of({request}, {3, 0, 0, 4});
  const OperationPtr operation = group.operations[0];
  REQUIRE(desk.start(group).ok());
  const WorkItem& item = desk.plane.items[0];
  CHECK(item.send_counts == std::vector<std::size_t>{2, 0, 10, 4});
  CHECK(item.counts == std::vector<std::size_t>{6, 0, 0, 8});
  CHECK(operation->result_shape == shape_of({7, 2}));
  CHECK(operation->received_splits == std::vector<std::int64_t>{3, 0, 0, 4});
  CHECK(item.segments[0].output == operation->result.get());
}

TEST_CASE("a gather's result is the root's alone", "[dispatcher]") {
  for (const int root : {0, 1}) {
    Desk desk;
    Request request = request_of("g", CollectiveKind::gather, shape_of({2, 3}));
    request.root = Rank(root);
    Group group = group_of({request}, {1, 2, 0, 4});
    const OperationPtr operation = group.operations[0];
    REQUIRE(desk.start(group).ok());
    CHECK(operation->result_shape == shape_of({root == 1 ? 7 : 0, 3}));
    CHECK((desk.plane.items[0].segments[0].output != nullptr) == (root == 1));
  }
}

TEST_CASE("a scatter's shape and dtype come from its root", "[dispatcher]") {
  Desk desk;
  Request request = request_of("s", CollectiveKind::scatter);
  request.root = Rank(3);
  request.input = {};
  Group group = group_of({request}, {1, 2, 0, 4});
  group.answer.dtype = DType::int16;
  group.answer.shape = shape_of({7, 3});
  const OperationPtr operation = group.operations[0];
  REQUIRE(desk.start(group).ok());
  const WorkItem& item = desk.plane.items[0];
  CHECK(item.dtype == DType::int16);
  CHECK(item.counts == std::vector<std::size_t>{3, 6, 0, 12});
  CHECK(item.segments[0].input == nullptr);
  CHECK(operation->result_shape == shape_of({2, 3}));
  CHECK(operation->result_dtype == DType::int16);
}

TEST_CASE("a message has one side of memory and its peer", "[dispatcher]") {
  Desk desk;
  Request request = request_of("p2p 1>2 tag 0 #0", CollectiveKind::send);
  request.peer = Rank(2);
  Group send = group_of({request});
  REQUIRE(desk.start(send).ok());
  CHECK(desk.plane.items[0].peer == Rank(2));
  CHECK(desk.plane.items[0].segments[0].output == nullptr);
  request.kind = CollectiveKind::recv;
  Group recv = group_of({request});
  REQUIRE(desk.start(recv).ok());
  CHECK(desk.plane.items[1].segments[0].input == nullptr);
  CHECK(desk.plane.items[1].segments[0].output == request.output);
}

TEST_CASE("a finished item ends all of its operations, each with its own name", "[dispatcher]") {
  Desk desk;
  Group first = group_of({request_of("x"), request_of("y")});
  Group second = group_of({request_of("z")});
  REQUIRE(desk.start(first).ok());
  REQUIRE(desk.start(second).ok());
  std::vector<Outcome> finished;
  CHECK_FALSE(desk.dispatcher.take_finished(finished));
  desk.plane.completions.push_back({1, ok_status()});
  REQUIRE(desk.dispatcher.take_finished(finished));
  REQUIRE(finished.size() == 1);
  CHECK(finished[0].operation->request.name == "z");
  CHECK(desk.dispatcher.busy());
  desk.plane.completions.push_back({0, error(StatusCode::aborted, "gone")});
  REQUIRE(desk.dispatcher.take_finished(finished));
  REQUIRE(finished.size() == 3);
  CHECK(finished[1].status.tensor() == "x");
  CHECK(finished[2].status.tensor() == "y");
  CHECK_FALSE(desk.dispatcher.busy());
}

}  // namespace
}  // namespace hvd
