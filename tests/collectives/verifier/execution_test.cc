#include "collectives/verifier/execution.h"

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/tree_allreduce.h"
#include "tests/catch.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

ScheduleParams params_of(int rank_count, std::uint64_t element_count) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = element_count;
  params.chunk_element_count = 1;
  return params;
}

TEST_CASE("an execution leaves the formula of each element in the outputs", "[execution]") {
  const std::vector<Schedule> ring = schedules_of_all_ranks(make_ring_allreduce, params_of(3, 3));
  Execution execution(ring, 2, Look::order_and_values);
  REQUIRE(execution.run().ok());
  const PieceMap<Value>& pieces = execution.output(1).pieces();
  REQUIRE(pieces.size() == 3);
  // A block's reduction starts at the rank of its number and goes around.
  CHECK(execution.terms().text(pieces[0].value.term) == "((0 + 1) + 2)");
  CHECK(execution.terms().text(pieces[1].value.term) == "((1 + 2) + 0)");
  CHECK(execution.terms().text(pieces[2].value.term) == "((2 + 0) + 1)");
}

TEST_CASE("a tree keeps the ranks in their order", "[execution]") {
  const std::vector<Schedule> tree = schedules_of_all_ranks(make_tree_allreduce, params_of(5, 1));
  Execution execution(tree, 1, Look::order_and_values);
  REQUIRE(execution.run().ok());
  CHECK(execution.terms().text(execution.output(4).pieces()[0].value.term) ==
        "(((0 + 1) + (2 + 3)) + 4)");
}

TEST_CASE("clocks tell which ops of others are over when a rank has come to its end",
          "[execution]") {
  std::vector<Schedule> barrier =
      schedules_of_all_ranks(make_dissemination_barrier, params_of(4, 0));
  Execution execution(barrier, 1, Look::order_and_values);
  REQUIRE(execution.run().ok());
  // Rank 0 hears of rank 3 in round 0, of 2 then, which knew of 1; of ops up to the send that told.
  CHECK(execution.clock(0) == VectorClock{4, 1, 3, 1});
}

TEST_CASE("a run that looks at the order alone accepts any values", "[execution]") {
  std::vector<Schedule> ring = schedules_of_all_ranks(make_ring_allreduce, params_of(2, 2));
  ring[0].ops[0].src = BufferKind::output;  // nobody has written there
  CHECK(Execution(ring, 2, Look::order_only).run().ok());
  CHECK(Execution(ring, 2, Look::order_and_values).run().rule == VerifierRule::defined_read);
}

}  // namespace
}  // namespace hvd
