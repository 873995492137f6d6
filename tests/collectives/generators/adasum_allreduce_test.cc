#include "collectives/generators/adasum_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {
namespace {

TEST_CASE("Adasum is proven for any number of ranks", "[adasum_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_adasum_allreduce, Ground::edges) > 5'000);
}

ScheduleParams sized(int rank_count, std::uint64_t element_count) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = element_count;
  params.chunk_element_count = 7;
  return params;
}

// Mixed signs, so that no two vectors are nearly parallel.
std::vector<std::vector<std::byte>> mixed_inputs(const std::vector<Schedule>& schedules,
                                                 DType dtype, Random& random) {
  std::vector<std::vector<std::byte>> inputs = random_inputs(schedules, dtype, random);
  for (std::vector<std::byte>& input : inputs) {
    for (std::size_t i = 0; i < input.size() / dtype_bytes(dtype); ++i) {
      set_element(input.data(), i, dtype, random.unit() * 4 - 2);
    }
  }
  return inputs;
}

TEST_CASE("Adasum over ranks is the formula's result, with equal bits on all of them",
          "[adasum_allreduce]") {
  Random random(11);
  for (int rank_count = 1; rank_count <= 9; ++rank_count) {
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
      for (const std::uint64_t element_count : {0, 1, 2, 5, 16, 101}) {
        ScheduleParams params = sized(rank_count, element_count);
        params.in_place = random.below(2) == 0;
        params.prescale = random.below(2) == 0;
        params.postscale = random.below(2) == 0;
        params.send_ahead = static_cast<int>(random.below(2)) + 1;
        const auto schedules = schedules_of_all_ranks(make_adasum_allreduce, params);
        // One element is always averaged; the products of two or so may nearly cancel.
        const auto inputs = element_count < 16 ? random_inputs(schedules, dtype, random)
                                               : mixed_inputs(schedules, dtype, random);
        const Arithmetic arithmetic{dtype, ReduceOp::adasum, 1.5, 0.75};
        const ReferenceResult result =
            execute_schedules(schedules, inputs, arithmetic, 2, random.next());
        INFO(params_text(params, 2) << " " << dtype_name(dtype));
        CHECK(result_fault(schedules, inputs, arithmetic, result) == "");
      }
    }
  }
}

TEST_CASE("the dot products decide: with those of a part the result is another",
          "[adasum_allreduce]") {
  Random random(12);
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_adasum_allreduce, sized(4, 40));
  const auto inputs = mixed_inputs(schedules, DType::float32, random);
  for (Schedule& schedule : schedules) {
    std::erase_if(schedule.ops, [](const Op& op) {
      return op.src == BufferKind::products || op.dst == BufferKind::products;
    });
  }
  CHECK_FALSE(verify_schedules(schedules, 2).ok());
  const Arithmetic arithmetic{DType::float32, ReduceOp::adasum};
  const ReferenceResult result = execute_schedules(schedules, inputs, arithmetic, 2, 1);
  CHECK(result_fault(schedules, inputs, arithmetic, result) != "");
}

}  // namespace
}  // namespace hvd
