#include "tests/collectives/order_claims.h"

#include "collectives/generators/halving_doubling_allreduce.h"
#include "collectives/generators/hierarchical_allreduce.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/two_shot_allreduce.h"
#include "tests/catch.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

using Formulas = std::set<std::string>;

ScheduleParams sized(int rank_count, std::uint64_t element_count) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = element_count;
  params.chunk_element_count = 2;
  params.slot_element_count = 6;
  params.fixed_order = true;
  return params;
}

Formulas formulas_of(Generator generator, const ScheduleParams& params) {
  return output_formulas(schedules_of_all_ranks(generator, params), 2);
}

TEST_CASE("the orders are what their names say", "[order_claims]") {
  CHECK(formulas_of(make_two_shot_allreduce, sized(4, 9)) == Formulas{"(((0 + 1) + 2) + 3)"});
  const Formulas halves{"((0 + 2) + (1 + 3))"};
  CHECK(formulas_of(make_halving_doubling_allreduce, sized(4, 9)) == halves);
  CHECK(formulas_of(make_recursive_doubling_allreduce, sized(4, 1)) == halves);
  ScheduleParams params = sized(4, 30);
  params.host_of_rank = {0, 0, 1, 2};
  CHECK(formulas_of(make_hierarchical_allreduce, params) == Formulas{"(((0 + 1) + 2) + 3)"});
}

// What is claimed must be something that others do not have.
TEST_CASE("around a ring, and between three hosts as it is fastest, the place decides",
          "[order_claims]") {
  CHECK(formulas_of(make_ring_allreduce, sized(3, 9)).size() == 3);
  ScheduleParams params = sized(4, 64);
  params.host_of_rank = {0, 0, 1, 2};
  params.fixed_order = false;
  params.slot_element_count = 64;
  CHECK(formulas_of(make_hierarchical_allreduce, params).size() > 1);
  params.fixed_order = true;
  CHECK(formulas_of(make_hierarchical_allreduce, params).size() == 1);
  params.narrow = true;
  CHECK(formulas_of(make_halving_doubling_allreduce, params).size() > 1);
}

TEST_CASE("a row that breaks its claim is noticed", "[order_claims]") {
  AlgorithmCase one;
  one.row = find_algorithm(CollectiveKind::allreduce, Algorithm::two_shot);
  one.edge_slot_count = 2;
  one.params = sized(3, 9);
  OrderClaims claims;
  CHECK(claims.fault_of(one, schedules_of(one)) == "");
  CHECK(claims.size() == 1);
  const std::vector<Schedule> others = schedules_of_all_ranks(make_ring_allreduce, one.params);
  CHECK(claims.fault_of(one, others) ==
        "an element is ((1 + 2) + 0), elsewhere it is ((0 + 1) + 2)");
}

}  // namespace
}  // namespace hvd
