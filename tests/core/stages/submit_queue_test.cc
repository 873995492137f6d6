#include "core/stages/submit_queue.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/stages/messages.h"
#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

std::array<std::byte, 64> memory;

Shape shape_of(std::initializer_list<std::int64_t> sizes) {
  return Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}

Request allreduce(const std::string& name) {
  Request request;
  request.kind = CollectiveKind::allreduce;
  request.name = name;
  request.input = {memory.data(), DType::float32, shape_of({2, 3})};
  request.output = memory.data();
  return request;
}

OperationPtr operation_of(const Request& request) {
  auto operation = std::make_shared<Operation>();
  operation->request = request;
  return operation;
}

TEST_CASE("a barrier needs a name and no memory", "[submit_queue]") {
  Request request;
  request.kind = CollectiveKind::barrier;
  request.name = "b";
  CHECK(check_request(request, Rank(0), 2).ok());
}

TEST_CASE("good requests pass the door", "[submit_queue]") {
  CHECK(check_request(allreduce("x"), Rank(0), 2).ok());
  Request empty = allreduce("x");
  empty.input = {nullptr, DType::float32, shape_of({0, 3})};
  empty.output = nullptr;
  CHECK(check_request(empty, Rank(0), 2).ok());
  Request gather = allreduce("x");
  gather.kind = CollectiveKind::allgather;
  gather.output = nullptr;
  CHECK(check_request(gather, Rank(0), 2).ok());
  Request broadcast = allreduce("x");
  broadcast.kind = CollectiveKind::broadcast;
  broadcast.root = Rank(1);
  CHECK(check_request(broadcast, Rank(0), 2).ok());
}

struct Mistake {
  const char* what;
  void (*make)(Request&);
  StatusCode code;
  const char* text;  // part of the message
};

const Mistake kMistakes[] = {
    {"no name", [](Request& r) { r.name.clear(); }, StatusCode::invalid_argument, "1 to 1024"},
    {"long name", [](Request& r) { r.name.assign(1025, 'x'); }, StatusCode::invalid_argument,
     "1025"},
    {"negative size",
     [](Request& r) {
       r.input.shape = shape_of({-1, 3});
     },
     StatusCode::invalid_argument, "[-1 3]"},
    {"too many elements",
     [](Request& r) {
       r.input.shape = shape_of({std::int64_t{1} << 40, 1 << 20});
     },
     StatusCode::invalid_argument, "2^56"},
    {"no input", [](Request& r) { r.input.data = nullptr; }, StatusCode::invalid_argument,
     "no memory"},
    {"no output", [](Request& r) { r.output = nullptr; }, StatusCode::invalid_argument,
     "no output"},
    {"logical and of floats", [](Request& r) { r.op = ReduceOp::logical_and; },
     StatusCode::unsupported, "logical and of float32 is not supported. logical and is there for"},
    {"adasum of a reduce",
     [](Request& r) {
       r.kind = CollectiveKind::reduce;
       r.op = ReduceOp::adasum;
     },
     StatusCode::unsupported, "an allreduce only"},
    {"scaled broadcast",
     [](Request& r) {
       r.kind = CollectiveKind::broadcast;
       r.prescale = 2;
     },
     StatusCode::invalid_argument, "only reductions"},
    {"infinite scale", [](Request& r) { r.prescale = std::numeric_limits<double>::infinity(); },
     StatusCode::invalid_argument, "finite"},
    {"scale that is no number", [](Request& r) { r.postscale = std::nan(""); },
     StatusCode::invalid_argument, "finite"},
    {"root too high",
     [](Request& r) {
       r.kind = CollectiveKind::broadcast;
       r.root = Rank(3);
     },
     StatusCode::invalid_argument, "0 to 2"},
    {"negative root",
     [](Request& r) {
       r.kind = CollectiveKind::broadcast;
       r.root = Rank(-1);
     },
     StatusCode::invalid_argument, "root rank -1"},
    {"broadcast into nothing",
     [](Request& r) {
       r.kind = CollectiveKind::broadcast;
       r.output = nullptr;
     },
     StatusCode::invalid_argument, "no output"},
    {"gathered scalar",
     [](Request& r) {
       r.kind = CollectiveKind::allgather;
       r.input.shape = Shape();
     },
     StatusCode::invalid_argument, "0-dimensional"},
    {"root of a gather too high",
     [](Request& r) {
       r.kind = CollectiveKind::gather;
       r.root = Rank(3);
     },
     StatusCode::invalid_argument, "root rank 3 is not one of the ranks 0 to 2"},
    {"reduce into nothing",
     [](Request& r) {
       r.kind = CollectiveKind::reduce;
       r.output = nullptr;
     },
     StatusCode::invalid_argument, "no output"},
    {"rows that ranks cannot share", [](Request& r) { r.kind = CollectiveKind::alltoall; },
     StatusCode::invalid_argument, "the first dimension is 2, which 3 ranks cannot share"},
    {"too few splits",
     [](Request& r) {
       r.kind = CollectiveKind::alltoall;
       r.splits = {1, 1};
     },
     StatusCode::invalid_argument, "splits has 2 entries; one for each of the 3 ranks"},
    {"negative split",
     [](Request& r) {
       r.kind = CollectiveKind::alltoall;
       r.splits = {1, -1, 1};
     },
     StatusCode::invalid_argument, "-1 rows for rank 1"},
    {"splits that overflow",
     [](Request& r) {
       r.kind = CollectiveKind::alltoall;
       r.splits = {INT64_MAX, 1, 0};
     },
     StatusCode::invalid_argument, "63 bits"},
    {"more rows than there are",
     [](Request& r) {
       r.kind = CollectiveKind::alltoall;
       r.splits = {1, 1, 1};
     },
     StatusCode::invalid_argument, "the sum of splits is 3, but the first dimension is 2"},
    {"fewer rows than there are",
     [](Request& r) {
       r.kind = CollectiveKind::scatter;
       r.splits = {1, 0, 0};
     },
     StatusCode::invalid_argument, "must be equal"},
    {"reduce-scatter of other rows",
     [](Request& r) {
       r.kind = CollectiveKind::reduce_scatter;
       r.splits = {1, 0, 0};
     },
     StatusCode::invalid_argument, "must be equal"},
    {"reduce-scatter in place", [](Request& r) { r.kind = CollectiveKind::reduce_scatter; },
     StatusCode::invalid_argument, "input and output overlap"},
    {"negative deadline", [](Request& r) { r.deadline = -1; }, StatusCode::invalid_argument,
     "deadline"},
};

TEST_CASE("every mistake that one rank can see is refused there with its reason",
          "[submit_queue]") {
  for (const Mistake& mistake : kMistakes) {
    INFO(mistake.what);
    Request request = allreduce("grad/fc");
    mistake.make(request);
    const Status status = check_request(request, Rank(0), 3);
    CHECK(status.code() == mistake.code);
    CHECK_THAT(status.message(), Catch::Contains(mistake.text));
    if (!request.name.empty() && request.name.size() <= kNameBytesMax) {
      CHECK(status.tensor() == "grad/fc");
    }
  }
}

TEST_CASE("an output that overlaps its input is refused unless it is the input", "[submit_queue]") {
  Request request = allreduce("grad/fc");  // 24 bytes
  for (const std::ptrdiff_t apart : {4, 23}) {
    request.input.data = memory.data() + apart;
    request.output = memory.data();
    CHECK_THAT(check_request(request, Rank(0), 3).message(), Catch::Contains("overlap"));
    std::swap(request.input.data, request.output);
    CHECK_THAT(check_request(request, Rank(0), 3).message(), Catch::Contains("overlap"));
  }
  request.output = request.input.data + 24;
  CHECK(check_request(request, Rank(0), 3).ok());
  request.output = request.input.data;
  CHECK(check_request(request, Rank(0), 3).ok());
}

Request gathering(std::ptrdiff_t input_at, const Shape& output_shape) {
  Request request = allreduce("grad/fc");  // 24 bytes
  request.kind = CollectiveKind::allgather;
  request.input.data = memory.data() + input_at;
  request.output = memory.data();
  request.output_shape = output_shape;
  request.output_dtype = request.input.dtype;
  request.output_shape.set(1, request.input.shape[1]);
  return request;
}

TEST_CASE("memory for a result must fit the input but for its rows", "[submit_queue]") {
  const std::array<std::int64_t, 2> rows{2, 0};
  const Request good = gathering(48, Shape(rows));
  CHECK(check_request(good, Rank(0), 3).ok());
  Request bad = good;
  bad.output_shape.set(1, 7);
  CHECK_THAT(check_request(bad, Rank(0), 3).message(),
             Catch::Contains("only the first dimension may differ"));
  bad = good;
  bad.output_dtype = DType::int8;
  CHECK_THAT(check_request(bad, Rank(0), 3).message(), Catch::Contains("output is int8"));
  bad = good;
  bad.output_shape.set(0, -1);
  CHECK_THAT(check_request(bad, Rank(0), 3).message(), Catch::Contains("negative dimension"));
  bad = good;
  bad.output = nullptr;
  CHECK_THAT(check_request(bad, Rank(0), 3).message(), Catch::Contains("there is no output"));
}

TEST_CASE("an input may lie in the memory for an allgather's result, but not halfway",
          "[submit_queue]") {
  const std::array<std::int64_t, 2> rows{2, 0};
  CHECK(check_request(gathering(0, Shape(rows)), Rank(0), 3).ok());
  CHECK_THAT(check_request(gathering(4, Shape(rows)), Rank(0), 3).message(),
             Catch::Contains("input and output overlap"));
  Request exchange = gathering(0, Shape(rows));
  exchange.kind = CollectiveKind::gather;
  CHECK_THAT(check_request(exchange, Rank(0), 3).message(),
             Catch::Contains("input and output overlap"));
}

// Whatever the door lets through must also pass the root's parser, else one rank's odd but harmless
// argument takes the whole job down.
TEST_CASE("what the door accepts every parser accepts", "[submit_queue]") {
  Request request = allreduce("x");
  for (int kind = 0; kind < kCollectiveKindCount; ++kind) {
    for (const int root : {-7, -1, 0, 1, 2, 99}) {
      for (const Nanos deadline : {Nanos{0}, Nanos{1}, std::numeric_limits<Nanos>::max()}) {
        request.kind = static_cast<CollectiveKind>(kind);
        request.name = str(is_point_to_point(request.kind) ? "p2p 0>1 tag 0 #0" : "x");
        request.output = request.kind == CollectiveKind::reduce_scatter ? &memory[32] : &memory[0];
        request.root = request.peer = Rank(root);
        request.deadline = deadline;
        if (check_request(request, Rank(0), 2).ok()) {
          INFO(collective_name(request.kind) << " root " << root << " deadline " << deadline);
          ReadyMessage message;
          message.entries.push_back(test::entry_of(request, Rank(0)));
          CHECK(test::decoded(test::encoded(message), 2).ok());
        }
      }
    }
  }
}

TEST_CASE("names of messages are refused to other operations", "[submit_queue]") {
  CHECK_THAT(check_request(allreduce("p2p x"), Rank(0), 2).message(),
             Catch::Contains("belong to send and recv"));
  CHECK(check_request(allreduce("p2p"), Rank(0), 2).ok());
}

TEST_CASE("only the root of a reduce, gather or scatter needs what only it uses",
          "[submit_queue]") {
  Request request = allreduce("x");
  request.output = nullptr;
  request.root = Rank(1);
  request.kind = CollectiveKind::reduce;
  CHECK(check_request(request, Rank(0), 2).ok());
  CHECK_FALSE(check_request(request, Rank(1), 2).ok());
  request.kind = CollectiveKind::scatter;
  request.input = {};
  CHECK(check_request(request, Rank(0), 2).ok());
  CHECK_FALSE(check_request(request, Rank(1), 2).ok());
}

TEST_CASE("a message needs another rank to come from or to go to", "[submit_queue]") {
  Request request = allreduce("p2p 1>0 tag 0 #0");
  request.kind = CollectiveKind::recv;
  request.input.data = nullptr;
  request.peer = Rank(1);
  CHECK(check_request(request, Rank(0), 2).ok());
  request.output = nullptr;
  CHECK_THAT(check_request(request, Rank(0), 2).message(), Catch::Contains("no output"));
  request.output = memory.data();
  CHECK_THAT(check_request(request, Rank(1), 2).message(), Catch::Contains("with itself"));
  request.peer = Rank(2);
  CHECK_THAT(check_request(request, Rank(0), 2).message(),
             Catch::Contains("source rank 2 is not one of the ranks 0 to 1"));
  request.kind = CollectiveKind::send;
  CHECK_THAT(check_request(request, Rank(0), 2).message(), Catch::Contains("destination rank 2"));
  request.peer = Rank(1);
  CHECK_THAT(check_request(request, Rank(0), 2).message(), Catch::Contains("no memory"));
  request.input.data = memory.data();
  CHECK(check_request(request, Rank(0), 2).ok());
  request.name = std::string(1, 'x');
  CHECK_FALSE(check_request(request, Rank(0), 2).ok());
}

TEST_CASE("a name is refused while it is pending and free again afterwards", "[submit_queue]") {
  SubmitQueue queue;
  REQUIRE(queue.submit(operation_of(allreduce("x"))).ok());
  const Status again = queue.submit(operation_of(allreduce("x")));
  CHECK(again.code() == StatusCode::invalid_argument);
  CHECK_THAT(again.message(), Catch::Contains("still pending"));
  CHECK(queue.submit(operation_of(allreduce("y"))).ok());
  std::vector<OperationPtr> drained;
  queue.drain(drained);
  CHECK_FALSE(queue.submit(operation_of(allreduce("x"))).ok());  // drained is still pending
  queue.forget_name("x");
  CHECK(queue.submit(operation_of(allreduce("x"))).ok());
}

TEST_CASE("submissions come out in their order, once", "[submit_queue]") {
  SubmitQueue queue;
  CHECK(queue.empty());
  for (const char* name : {"c", "a", "b"}) {
    REQUIRE(queue.submit(operation_of(allreduce(name))).ok());
  }
  CHECK_FALSE(queue.empty());
  std::vector<OperationPtr> drained;
  queue.drain(drained);
  REQUIRE(drained.size() == 3);
  CHECK(drained[0]->request.name == "c");
  CHECK(drained[1]->request.name == "a");
  CHECK(drained[2]->request.name == "b");
  CHECK(queue.empty());
  queue.drain(drained);
  CHECK(drained.size() == 3);
}

TEST_CASE("a closed door keeps its first reason", "[submit_queue]") {
  SubmitQueue queue;
  queue.close(error(StatusCode::aborted, "rank 2 died"));
  queue.close(error(StatusCode::precondition, "shut down"));
  const Status status = queue.submit(operation_of(allreduce("x")));
  CHECK(status.code() == StatusCode::aborted);
  CHECK(queue.empty());
}

}  // namespace
}  // namespace hvd
