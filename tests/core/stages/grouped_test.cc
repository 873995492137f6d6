#include "core/stages/grouped.h"

#include <array>

#include "tests/catch.h"
#include "tests/core/stages/small_job.h"

namespace hvd {
namespace {

using test::shape_of;
using test::SmallJob;

// Three tensors with memory of their own, 64 bytes apart.
struct Tensors {
  explicit Tensors(std::size_t count = 3) : memory(128 * count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::byte* const begin = memory.data() + 128 * i;
      list.push_back({{begin, DType::float32, shape_of({4, 3})}, begin + 64});
    }
  }
  std::vector<std::byte> memory;
  std::vector<GroupTensor> list;
};

Request whole_of(CollectiveKind kind = CollectiveKind::allreduce) {
  Request whole;
  whole.kind = kind;
  whole.name = str("g");  // gcc 12: no assignment of a literal
  return whole;
}

Status check(const Request& whole, const std::vector<GroupTensor>& tensors, int rank_count = 2) {
  return check_group(*grouped_operation(whole, tensors), kRoot, rank_count);
}

TEST_CASE("members have the group's properties and names that count them", "[grouped]") {
  const Tensors tensors;
  Request whole = whole_of();
  whole.op = ReduceOp::max;
  whole.prescale = 2;
  const OperationPtr operation = grouped_operation(whole, tensors.list);
  REQUIRE(operation->members.size() == 3);
  CHECK(operation->unfinished_count == 3);
  const Operation& second = operation->members[1];
  CHECK(second.request.name == "g_2of3");
  CHECK(second.request.op == ReduceOp::max);
  CHECK(second.request.prescale == 2);
  CHECK(second.request.input.data == tensors.list[1].input.data);
  CHECK(second.whole == operation.get());
  CHECK(member_of(operation, 1).get() == &second);
}

TEST_CASE("what is wrong with one tensor is wrong with the group and says which", "[grouped]") {
  Tensors tensors;
  CHECK(check(whole_of(), tensors.list).ok());
  tensors.list[1].output = nullptr;
  const Status status = check(whole_of(), tensors.list);
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK(status.tensor() == "g_2of3");
}

TEST_CASE("a group has a name, one tensor at least, and a kind that may be grouped", "[grouped]") {
  const Tensors tensors;
  CHECK_FALSE(check(whole_of(), {}).ok());
  CHECK_FALSE(check(whole_of(CollectiveKind::broadcast), tensors.list).ok());
  Request unnamed = whole_of();
  unnamed.name.clear();
  CHECK_FALSE(check(unnamed, tensors.list).ok());
  Request dealt = whole_of(CollectiveKind::reduce_scatter);
  dealt.splits = {2, 2};
  CHECK_FALSE(check(dealt, tensors.list).ok());
}

TEST_CASE("tensors of a group may share memory that is only read", "[grouped]") {
  Tensors tensors;
  CHECK(check(whole_of(CollectiveKind::allgather), test::group_tensors(3)).ok());
  std::vector<GroupTensor> same_input = tensors.list;
  same_input[2].input.data = same_input[0].input.data;
  CHECK(check(whole_of(), same_input).ok());
  std::vector<GroupTensor> same_output = tensors.list;
  same_output[2].output = same_output[0].output + 4;
  CHECK_THAT(check(whole_of(), same_output).message(),
             Catch::Contains("tensors 1 and 3 of 3 share memory that is written"));
  std::vector<GroupTensor> chained = tensors.list;
  chained[0].output = chained[1].input.data;
  CHECK_FALSE(check(whole_of(), chained).ok());
  std::vector<GroupTensor> in_place = tensors.list;
  in_place[1].output = in_place[1].input.data;
  CHECK(check(whole_of(), in_place).ok());
}

TEST_CASE("an output that an allgather is given is no other tensor's memory", "[grouped]") {
  Tensors tensors;
  for (GroupTensor& tensor : tensors.list) {  // one rank: 4 rows
    tensor.output_shape = tensor.input.shape;
    tensor.output_dtype = tensor.input.dtype;
  }
  const Request whole = whole_of(CollectiveKind::allgather);
  CHECK(check(whole, tensors.list, 1).ok());
  CHECK(grouped_operation(whole, tensors.list)->members[2].request.output_shape ==
        tensors.list[2].output_shape);
  tensors.list[0].output = tensors.list[2].input.data + 4;
  CHECK_THAT(check(whole, tensors.list, 1).message(),
             Catch::Contains("tensors 1 and 3 of 3 share memory that is written"));
  tensors.list[0].output = tensors.list[0].input.data;  // where its rows are to be
  CHECK(check(whole, tensors.list, 1).ok());
}

TEST_CASE("of a reduce-scatter's output only this rank's rows are looked at", "[grouped]") {
  Tensors tensors;
  // 4 rows of 12 bytes for 2 ranks.
  tensors.list[0].output = tensors.list[2].output + 24;
  CHECK(check(whole_of(CollectiveKind::reduce_scatter), tensors.list).ok());
  tensors.list[0].output = tensors.list[2].output + 23;
  CHECK_FALSE(check(whole_of(CollectiveKind::reduce_scatter), tensors.list).ok());
}

// ---- in a job ----------------------------------------------------------------------------------

OperationPtr submit(SmallJob& job, int rank, const Request& whole, const Tensors& tensors) {
  Result<OperationPtr> operation = job.at(rank).submit_group(whole, tensors.list);
  REQUIRE(operation.ok());
  return *operation;
}

TEST_CASE("nothing of a group runs before all ranks have it, and then all in one item",
          "[grouped]") {
  Config config;
  config.fusion_bytes_max = 1;
  SmallJob job(2, config);
  const Tensors a;
  const Tensors b;
  const OperationPtr first = submit(job, 0, whole_of(), a);
  job.run();
  CHECK(job.started(0).empty());
  const OperationPtr second = submit(job, 1, whole_of(), b);
  job.run();
  for (int r = 0; r < 2; ++r) {
    REQUIRE(job.started(r).size() == 1);
    CHECK(job.started(r)[0].segments.size() == 3);
  }
  CHECK(job.started(1)[0].segments[2].output == b.list[2].output);
  CHECK(first->done);
  CHECK(second->status.ok());
  // The name is free again.
  CHECK(submit(job, 0, whole_of(), a) != nullptr);
}

TEST_CASE("a group that cannot be one item is done when its last item is", "[grouped]") {
  SmallJob job(2);
  job.hold_items = true;
  Tensors tensors;
  const OperationPtr operation = submit(job, 0, whole_of(CollectiveKind::allgather), tensors);
  submit(job, 1, whole_of(CollectiveKind::allgather), tensors);
  job.run();
  REQUIRE(job.started(0).size() == 3);
  for (std::uint64_t id = 0; id < 3; ++id) {
    CHECK_FALSE(operation->done);
    job.fail_item(0, job.started(0)[id].id, ok_status());
    job.step(0);
  }
  CHECK(operation->done);
  CHECK(operation->status.ok());
  CHECK(operation->members[1].result_shape == shape_of({8, 3}));
}

TEST_CASE("a mistake in one tensor is the whole group's error and the job lives on", "[grouped]") {
  SmallJob job(2);
  Tensors tensors;
  Tensors wrong;
  wrong.list[1].input.shape = shape_of({3, 3});
  const OperationPtr a = submit(job, 0, whole_of(), tensors);
  const OperationPtr b = submit(job, 1, whole_of(), wrong);
  job.run();
  for (const OperationPtr& operation : {a, b}) {
    REQUIRE(operation->done);
    CHECK(operation->status.code() == StatusCode::mismatch);
    CHECK_THAT(operation->status.message(), Catch::Contains("tensor 2 of 3: shape differs"));
  }
  CHECK(job.started(0).empty());
  const OperationPtr again = submit(job, 0, whole_of(), tensors);
  submit(job, 1, whole_of(), tensors);
  job.run();
  CHECK(again->done);
  CHECK(again->status.ok());
}

TEST_CASE("a group with a tensor that is refused here is not submitted at all", "[grouped]") {
  SmallJob job(1);
  Tensors tensors;
  tensors.list[2].input.data = nullptr;
  CHECK_FALSE(job.at(0).submit_group(whole_of(), tensors.list).ok());
  CHECK_FALSE(job.at(0).has_submissions());
  CHECK(job.at(0).counters().submitted == 0);
}

TEST_CASE("a group's name is pending as one, also for single tensors", "[grouped]") {
  SmallJob job(2);
  const Tensors tensors;
  submit(job, 0, whole_of(), tensors);
  CHECK_THAT(job.at(0).submit_group(whole_of(), tensors.list).status().message(),
             Catch::Contains("still pending"));
  CHECK_FALSE(job.at(0).submit(test::request_of("g")).ok());
}

TEST_CASE("a death in the middle of a group's items fails the group once", "[grouped]") {
  SmallJob job(2);
  job.hold_items = true;
  const Tensors tensors;
  const OperationPtr operation = submit(job, 0, whole_of(CollectiveKind::allgather), tensors);
  submit(job, 1, whole_of(CollectiveKind::allgather), tensors);
  job.run();
  job.fail_item(0, job.started(0)[0].id, ok_status());
  job.step(0);
  job.lose(1, "connection reset by peer");
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.code() == StatusCode::aborted);
  CHECK(operation->status.culprit_rank() == 1);
}

TEST_CASE("a group that others have not submitted ends with the rank that leaves", "[grouped]") {
  SmallJob job(2);
  const Tensors tensors;
  const OperationPtr ours = submit(job, 1, whole_of(), tensors);
  job.run();
  job.begin_leave(0);
  job.run();
  REQUIRE(ours->done);
  CHECK(ours->status.code() == StatusCode::peer_ended);
  CHECK_FALSE(job.at(1).submit_group(whole_of(), tensors.list).ok());
}

}  // namespace
}  // namespace hvd
