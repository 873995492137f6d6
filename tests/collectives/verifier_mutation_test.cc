#include <array>

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/one_shot_allreduce.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/tree_allreduce.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/schedule_text.h"
#include "collectives/verifier.h"
#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"
#include "tests/collectives/mutations.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {
namespace {

constexpr int kMutantCount = 5000;      // of each generator
constexpr int kInterleavingCount = 24;  // tried for a mutant that the verifier accepts
const Arithmetic kArithmetic{DType::float32, ReduceOp::sum, 1.5, 0.75};

struct Tally {
  std::array<int, kDamageCount> rejected{};
  std::array<int, kDamageCount> harmless{};  // accepted, and every run gives the right result
  int rejected_count = 0;
  int harmless_count = 0;
  std::string text() const {
    std::string text;
    for (int i = 0; i < kDamageCount; ++i) {
      const auto at = static_cast<std::size_t>(i);
      text += str("\n  ", damage_name(static_cast<Damage>(i)), ": rejected ", rejected[at],
                  ", harmless ", harmless[at]);
    }
    return text;
  }
};

ScheduleParams random_params(Random& random) {
  ScheduleParams params;
  params.rank_count = static_cast<int>(random.below(5)) + 2;
  params.element_count = random.below(12) + 1;
  params.chunk_element_count = random.below(4) + 1;
  params.in_place = random.below(2) == 0;
  params.send_ahead = static_cast<int>(random.below(2)) + 1;
  params.root =
      Rank{static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(params.rank_count)))};
  return params;
}

void use_factors(ScheduleParams& params, Random& random) {
  params.prescale = random.below(2) == 0;
  params.postscale = random.below(2) == 0;
}

// In place, rank 0's own copy would write what is there already: dropping it is harmless.
void use_factors_out_of_place(ScheduleParams& params, Random& random) {
  use_factors(params, random);
  params.in_place = false;
  params.slot_element_count = 1;  // with more places, some waits follow from others
}

void use_gather_counts(ScheduleParams& params, Random& random) {
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.counts.push_back(random.below(5));
  }
}

std::string fault_of_some_run(const std::vector<Schedule>& schedules, int slots, Random& random) {
  for (int i = 0; i < kInterleavingCount; ++i) {
    const auto inputs = random_inputs(schedules, kArithmetic.dtype, random);
    const ReferenceResult result =
        execute_schedules(schedules, inputs, kArithmetic, slots, random.next());
    if (const std::string fault = result_fault(schedules, inputs, kArithmetic, result);
        !fault.empty()) {
      return fault;
    }
  }
  return "";
}

void judge(const std::vector<Schedule>& mutant, Damage damage, int slots, Random& random,
           Tally& tally) {
  const VerifierReport report = verify_schedules(mutant, slots);
  const auto at = static_cast<std::size_t>(damage);
  if (!report.ok()) {
    ++tally.rejected[at];
    ++tally.rejected_count;
    return;
  }
  const std::string fault = fault_of_some_run(mutant, slots, random);
  if (!fault.empty()) {
    FAIL("the verifier accepts a schedule that is wrong: "
         << fault << "\ndamage: " << damage_name(damage) << ", slots " << slots << "\n"
         << schedules_text(mutant));
  }
  ++tally.harmless[at];
  ++tally.harmless_count;
}

Tally judge_mutants(Generator generator, void (*vary)(ScheduleParams&, Random&),
                    std::uint64_t seed) {
  Random random(seed);
  Tally tally;
  while (tally.rejected_count + tally.harmless_count < kMutantCount) {
    ScheduleParams params = random_params(random);
    if (vary != nullptr) {
      vary(params, random);
    }
    const int slots = params.send_ahead + static_cast<int>(random.below(2));
    std::vector<Schedule> schedules = schedules_of_all_ranks(generator, params);
    const auto damage = static_cast<Damage>(random.below(kDamageCount));
    if (damage_schedules(schedules, damage, random)) {
      judge(schedules, damage, slots, random, tally);
    }
  }
  return tally;
}

// Damage can be harmless: another order of independent ops, swapped operands where one rank reduces
// for all, an idempotent copy done twice, a read from memory that holds the same. These kinds never
// are:
constexpr std::array<Damage, 8> kNeverHarmless = {
    Damage::drop_op,           Damage::change_peer,
    Damage::shift_destination, Damage::shift_source,
    Damage::toggle_prescale,   Damage::toggle_postscale,
    Damage::drop_flag_op,      Damage::change_destination_buffer};

void check_tally(const char* generator, const Tally& tally) {
  int never_harmless_count = 0;
  for (const Damage damage : kNeverHarmless) {
    never_harmless_count += tally.harmless[static_cast<std::size_t>(damage)];
  }
  INFO(generator << ": " << tally.rejected_count << " mutants rejected, " << tally.harmless_count
                 << " harmless" << tally.text());
  CHECK(never_harmless_count == 0);
  CHECK(tally.rejected_count * 100 >= kMutantCount * 70);
}

TEST_CASE("damaged ring allreduces are rejected", "[verifier][mutation]") {
  check_tally("ring allreduce", judge_mutants(make_ring_allreduce, use_factors, 1));
}
TEST_CASE("damaged recursive doubling allreduces are rejected", "[verifier][mutation]") {
  check_tally("recursive doubling",
              judge_mutants(make_recursive_doubling_allreduce, use_factors, 2));
}
TEST_CASE("damaged tree allreduces are rejected", "[verifier][mutation]") {
  check_tally("tree allreduce", judge_mutants(make_tree_allreduce, use_factors, 3));
}
TEST_CASE("damaged tree broadcasts are rejected", "[verifier][mutation]") {
  check_tally("tree broadcast", judge_mutants(make_tree_broadcast, nullptr, 4));
}
TEST_CASE("damaged ring allgathers are rejected", "[verifier][mutation]") {
  check_tally("ring allgather", judge_mutants(make_ring_allgather, use_gather_counts, 5));
}
TEST_CASE("damaged dissemination barriers are rejected", "[verifier][mutation]") {
  check_tally("dissemination barrier", judge_mutants(make_dissemination_barrier, nullptr, 6));
}
TEST_CASE("damaged one-shot allreduces over shared memory are rejected", "[verifier][mutation]") {
  check_tally("one-shot allreduce",
              judge_mutants(make_one_shot_allreduce, use_factors_out_of_place, 7));
}

}  // namespace
}  // namespace hvd
