#include "tests/collectives/reference_executor.h"

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/tree_allreduce.h"
#include "collectives/generators/tree_broadcast.h"
#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

void require_right(Generator generator, const ScheduleParams& params, const Arithmetic& arithmetic,
                   Random& random) {
  const std::vector<Schedule> schedules = schedules_of_all_ranks(generator, params);
  const std::vector<std::vector<std::byte>> inputs =
      random_inputs(schedules, arithmetic.dtype, random);
  const int slots = params.send_ahead + static_cast<int>(random.below(2));
  const ReferenceResult result =
      execute_schedules(schedules, inputs, arithmetic, slots, random.next());
  const std::string fault = result_fault(schedules, inputs, arithmetic, result);
  if (!fault.empty()) {
    FAIL(fault << "\nparameters: " << params_text(params, slots) << "\ntype "
               << dtype_name(arithmetic.dtype) << " " << reduce_op_name(arithmetic.op));
  }
}

ScheduleParams random_params(Random& random) {
  ScheduleParams params;
  params.rank_count = static_cast<int>(random.below(9)) + 1;
  params.element_count = random.below(40);
  params.chunk_element_count = random.below(7) + 1;
  params.in_place = random.below(2) == 0;
  params.send_ahead = static_cast<int>(random.below(3)) + 1;
  params.root =
      Rank{static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(params.rank_count)))};
  return params;
}

TEST_CASE("every allreduce gives the fp64 result and equal bits, for each type and operation",
          "[reference_executor]") {
  Random random(7);
  int count = 0;
  for (const Generator generator :
       {make_ring_allreduce, make_recursive_doubling_allreduce, make_tree_allreduce}) {
    for (int dtype = 0; dtype < kDTypeCount; ++dtype) {
      for (int op = 0; op <= static_cast<int>(ReduceOp::product); ++op) {
        Arithmetic arithmetic{static_cast<DType>(dtype), static_cast<ReduceOp>(op), 1.5, 0.25};
        if (arithmetic.op == ReduceOp::adasum ||
            !reduce_supported(arithmetic.op, arithmetic.dtype)) {
          continue;
        }
        for (int round = 0; round < 40; ++round) {
          ScheduleParams params = random_params(random);
          // Not fp8: eight factors of 1.5 are more than it has.
          const bool scales = is_floating(arithmetic.dtype) && dtype_bytes(arithmetic.dtype) > 1;
          params.prescale = scales && random.below(2) == 0;
          params.postscale = scales && random.below(2) == 0;
          require_right(generator, params, arithmetic, random);
          ++count;
        }
      }
    }
  }
  CHECK(count == 3 * 80 * 40);
}

TEST_CASE("broadcast, allgather and barrier give what was put in", "[reference_executor]") {
  Random random(8);
  for (int round = 0; round < 1000; ++round) {
    ScheduleParams params = random_params(random);
    const Arithmetic arithmetic{DType::float32};
    require_right(make_tree_broadcast, params, arithmetic, random);
    require_right(make_dissemination_barrier, params, arithmetic, random);
    for (int rank = 0; rank < params.rank_count; ++rank) {
      params.counts.push_back(random.below(2) * random.below(12));
    }
    require_right(make_ring_allgather, params, arithmetic, random);
  }
  SUCCEED("3000 runs");
}

// The executor must be able to see what it is there to see.
TEST_CASE("the reference executor notices wrong bits, wrong sums and unfinished schedules",
          "[reference_executor]") {
  Random random(9);
  ScheduleParams params;
  params.rank_count = 4;
  params.element_count = 8;
  params.chunk_element_count = 4;
  std::vector<Schedule> schedules =
      schedules_of_all_ranks(make_recursive_doubling_allreduce, params);
  const auto inputs = random_inputs(schedules, DType::float32, random);
  const auto fault = [&] {
    return result_fault(schedules, inputs, {},
                        execute_schedules(schedules, inputs, {}, 2, random.next()));
  };
  REQUIRE(fault().empty());
  SECTION("wrong bits") {
    Op& last = schedules[3].ops.back();
    REQUIRE(last.kind == OpKind::recv_reduce);
    last.src_offset = 0;
    CHECK(fault() == "rank 3 has other bits than rank 0");
  }
  SECTION("unfinished") {
    schedules[2].ops.pop_back();
    CHECK(fault() == "it did not come to its end");
  }
  SECTION("wrong sum") {
    schedules = schedules_of_all_ranks(make_tree_broadcast, params);
    for (Schedule& schedule : schedules) {
      schedule.kind = CollectiveKind::allreduce;
    }
    CHECK(fault().substr(0, 12) == "element 0 of");
  }
}

}  // namespace
}  // namespace hvd
