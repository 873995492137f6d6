#include "core/stages/plan_writer.h"

#include "tests/catch.h"
#include "tests/core/stages/fake_data_plane.h"
#include "tests/core/stages/plan_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::shape_of;

PlanLearner::Tensor tensor_of(const std::string& name, std::int64_t bytes = 24) {
  PlanLearner::Tensor tensor;
  tensor.entry = entry_of(name, CollectiveKind::allreduce, shape_of({bytes / 4}));
  return tensor;
}

// "a b | c": names by group.
std::string groups_of(const PlanMessage& plan) {
  std::string text;
  for (const PlanGroup& group : plan.groups) {
    text += text.empty() ? "" : " |";
    for (const PlanTensor& tensor : group.tensors) {
      text += str(text.empty() ? "" : " ", tensor.entry.name,
                  tensor.entry.unnamed == 0 ? "" : str("#", tensor.entry.unnamed));
    }
  }
  return text;
}

struct Desk {
  test::FakeDataPlane data;
  PlanWriter writer{data, std::size_t{128} << 20};
  std::string write(std::vector<PlanLearner::Tensor> cycle) {
    return groups_of(writer.write(1, std::move(cycle)));
  }
};

TEST_CASE("tensors that go together travel together, in the order of the cycle", "[plan_writer]") {
  PlanLearner::Tensor other = tensor_of("c");
  other.entry.dtype = DType::float16;
  Desk desk;
  CHECK(desk.write({tensor_of("a"), tensor_of("b"), other, tensor_of("d")}) == "a b d | c");
}

TEST_CASE("a group ends where a wait returned, at the second use of a name, and when it is large",
          "[plan_writer]") {
  Desk desk;
  PlanLearner::Tensor waited = tensor_of("b");
  waited.entry.waited = true;
  CHECK(desk.write({tensor_of("a"), waited, tensor_of("c")}) == "a | b c");
  PlanLearner::Tensor again = tensor_of("a");
  again.use = 1;
  CHECK(desk.write({tensor_of("a"), tensor_of("b"), again}) == "a b | a");
  const auto large = static_cast<std::int64_t>(PlanWriter::kGroupBytesMost);
  CHECK(desk.write({tensor_of("a", large), tensor_of("b"), tensor_of("c")}) == "a | b c");
}

TEST_CASE("a plan is settled when the data plane is, for all of its groups", "[plan_writer]") {
  Desk desk;
  (void)desk.write({tensor_of("a")});
  CHECK(desk.writer.settled());
  desk.data.is_settled = false;
  (void)desk.write({tensor_of("a")});
  CHECK_FALSE(desk.writer.settled());
}

TEST_CASE("unnamed operations get the numbers of the next cycle", "[plan_writer]") {
  std::vector<PlanLearner::Tensor> cycle = {tensor_of("a")};
  for (const std::uint64_t number : {8, 7, 9}) {
    cycle.push_back(tensor_of("allreduce.noname"));
    cycle.back().entry.unnamed = number;
  }
  Desk desk;
  const PlanMessage plan = desk.writer.write(1, cycle);
  CHECK(groups_of(plan) == "a allreduce.noname#11 allreduce.noname#10 allreduce.noname#12");
  CHECK(plan.groups.front().tensors[1].use == 1);
  CHECK(plan.groups.front().tensors[2].use == 0);
  cycle[1].entry.unnamed = 6;
  CHECK(desk.write(cycle) == "a");  // one is missing: they cannot be counted
}

TEST_CASE("a grouped operation is a group of its own, one for each kind of tensor",
          "[plan_writer]") {
  PlanLearner::Tensor grouped = tensor_of("group");
  for (const DType dtype : {DType::float32, DType::float16, DType::float32}) {
    grouped.entry.members.push_back({dtype, false, shape_of({2})});
    grouped.member_rows.emplace_back();
  }
  Desk desk;
  const PlanMessage plan = desk.writer.write(1, {tensor_of("a"), grouped, tensor_of("b")});
  CHECK(groups_of(plan) == "a b | group | group");
  CHECK(plan.groups[1].answer.members ==
        std::vector<MemberRun>{{.first = 0, .count = 1}, {.first = 2, .count = 1}});
  CHECK(plan.groups[2].answer.members == std::vector<MemberRun>{{.first = 1, .count = 1}});
  // Two of one family would not be told apart.
  grouped.entry.name = "allreduce.noname";
  grouped.entry.unnamed = 1;
  PlanLearner::Tensor second = grouped;
  second.entry.unnamed = 2;
  grouped.entry.members.resize(1);
  second.entry.members.resize(1);
  CHECK(desk.write({grouped, second}) == "allreduce.noname#3 | allreduce.noname#4");
}

}  // namespace
}  // namespace hvd
