#include "core/stages/submit_queue.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/stages/messages.h"
#include "tests/catch.h"

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
  CHECK(check_request(request, 2).ok());
}

TEST_CASE("good requests pass the door", "[submit_queue]") {
  CHECK(check_request(allreduce("x"), 2).ok());
  Request empty = allreduce("x");
  empty.input = {nullptr, DType::float32, shape_of({0, 3})};
  empty.output = nullptr;
  CHECK(check_request(empty, 2).ok());
  Request gather = allreduce("x");
  gather.kind = CollectiveKind::allgather;
  gather.output = nullptr;
  CHECK(check_request(gather, 2).ok());
  Request broadcast = allreduce("x");
  broadcast.kind = CollectiveKind::broadcast;
  broadcast.root = Rank(1);
  CHECK(check_request(broadcast, 2).ok());
}

struct Mistake {
  const char* what;
  void (*make)(Request&);
  StatusCode code;
  const char* text;  // part of the message
};

TEST_CASE("every mistake that one rank can see is refused there with its reason",
          "[submit_queue]") {
  const std::array<Mistake, 15> mistakes = {{
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
      {"adasum", [](Request& r) { r.op = ReduceOp::adasum; }, StatusCode::unsupported, "adasum"},
      {"min of bytes",
       [](Request& r) {
         r.op = ReduceOp::min;
         r.input.dtype = DType::uint8;
       },
       StatusCode::unsupported, "min of uint8"},
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
      {"negative deadline", [](Request& r) { r.deadline = -1; }, StatusCode::invalid_argument,
       "deadline"},
  }};
  for (const Mistake& mistake : mistakes) {
    INFO(mistake.what);
    Request request = allreduce("grad/fc");
    mistake.make(request);
    const Status status = check_request(request, 3);
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
    CHECK_THAT(check_request(request, 3).message(), Catch::Contains("overlap"));
    std::swap(request.input.data, request.output);
    CHECK_THAT(check_request(request, 3).message(), Catch::Contains("overlap"));
  }
  request.output = request.input.data + 24;
  CHECK(check_request(request, 3).ok());
  request.output = request.input.data;
  CHECK(check_request(request, 3).ok());
}

// Whatever the door lets through must also pass the root's parser, else one rank's odd but harmless
// argument takes the whole job down.
TEST_CASE("what the door accepts every parser accepts", "[submit_queue]") {
  Request request = allreduce("x");
  for (const CollectiveKind kind : {CollectiveKind::allreduce, CollectiveKind::allgather,
                                    CollectiveKind::broadcast, CollectiveKind::barrier}) {
    for (const int root : {-7, -1, 0, 1, 2, 99}) {
      for (const Nanos deadline : {Nanos{0}, Nanos{1}, std::numeric_limits<Nanos>::max()}) {
        request.kind = kind;
        request.root = Rank(root);
        request.deadline = deadline;
        if (check_request(request, 2).ok()) {
          INFO(collective_name(kind) << " root " << root << " deadline " << deadline);
          ReadyMessage message;
          message.entries.push_back(ready_entry_of(request));
          CHECK(decode(encode(message), 2).ok());
        }
      }
    }
  }
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
