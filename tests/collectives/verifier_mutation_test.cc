// Seeded damage to the schedules of every row of the registry. What the verifier accepts although
// it was damaged is run in all interleavings, on up to 3 ranks, or in many, on more: it must give
// right results in all of them, so that it is another schedule that is right.
#include <array>

#include "collectives/schedule_text.h"
#include "collectives/verifier.h"
#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/algorithm_cases.h"
#include "tests/collectives/mutations.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {
namespace {

constexpr int kMutantCount = 1000;      // of each row, on 2 or 3 ranks
constexpr int kLargeMutantCount = 300;  // on up to 6
constexpr int kInterleavingCount = 24;  // tried of those
constexpr std::size_t kStateCountMax = 60000;
const Arithmetic kArithmetic{DType::float32, ReduceOp::sum, 1.5, 0.75};

struct Tally {
  std::array<int, kDamageCount> rejected{};
  std::array<int, kDamageCount> harmless{};
  int rejected_count = 0;
  int proven_count = 0;   // harmless in all interleavings
  int sampled_count = 0;  // harmless in those that were tried
  std::string text() const {
    std::string text;
    for (int i = 0; i < kDamageCount; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (rejected[at] + harmless[at] > 0) {
        text += str("\n  ", damage_name(static_cast<Damage>(i)), ": rejected ", rejected[at],
                    ", equivalent ", harmless[at]);
      }
    }
    return text;
  }
};

std::string fault_of_some_run(const std::vector<Schedule>& schedules, int slots, Random& random) {
  for (int i = 0; i < kInterleavingCount; ++i) {
    const auto inputs = random_inputs(schedules, kArithmetic.dtype, random);
    const ReferenceResult result =
        execute_schedules(schedules, inputs, kArithmetic, slots, random.next());
    if (std::string fault = result_fault(schedules, inputs, kArithmetic, result); !fault.empty()) {
      return fault;
    }
  }
  return "";
}

// "" if none of the interleavings that there are, or that were tried, is wrong.
std::string fault_of_accepted(const std::vector<Schedule>& mutant, int slots, Random& random,
                              Tally& tally) {
  if (mutant.size() <= 3) {
    const auto inputs = random_inputs(mutant, kArithmetic.dtype, random);
    const InterleavingCount all =
        run_all_interleavings(mutant, inputs, kArithmetic, slots, kStateCountMax);
    if (!all.fault.empty() || all.is_complete) {
      ++tally.proven_count;
      return all.fault;
    }
  }
  ++tally.sampled_count;
  return fault_of_some_run(mutant, slots, random);
}

void judge(const std::vector<Schedule>& mutant, Damage damage, const AlgorithmCase& one,
           Random& random, Tally& tally) {
  const auto at = static_cast<std::size_t>(damage);
  if (!verify_schedules(mutant, one.edge_slot_count).ok()) {
    ++tally.rejected[at];
    ++tally.rejected_count;
    return;
  }
  ++tally.harmless[at];
  if (const std::string fault = fault_of_accepted(mutant, one.edge_slot_count, random, tally);
      !fault.empty()) {
    FAIL("the verifier accepts a schedule that is wrong: " << fault << "\ndamage: "
                                                           << damage_name(damage) << "\n"
                                                           << case_text(one) << "\n"
                                                           << schedules_text(mutant));
  }
}

Tally judge_mutants(const AlgorithmRow& row, std::uint64_t seed, int times) {
  Random random(seed);
  Tally tally;
  for (const bool is_large : {false, true}) {
    const int mutant_count = times * (is_large ? kLargeMutantCount : kMutantCount);
    for (int count = 0; count < mutant_count;) {
      const AlgorithmCase one = random_case(row, is_large ? 6 : 3, random);
      const std::vector<Schedule> schedules = schedules_of(one);
      if (const VerifierReport report = verify_schedules(schedules, one.edge_slot_count);
          !report.ok()) {
        FAIL("not damaged yet: " << report.status.message() << "\n" << case_text(one));
      }
      // Several of one case: most of the time goes into drawing cases that can be damaged.
      for (int i = 0; i < 4; ++i) {
        std::vector<Schedule> mutant = schedules;
        const auto damage = static_cast<Damage>(random.below(kDamageCount));
        if (damage_schedules(mutant, damage, random)) {
          judge(mutant, damage, one, random, tally);
          ++count;
        }
      }
    }
  }
  return tally;
}

// Damage of these kinds changes what is computed; no schedule of ours does it twice or in vain.
constexpr std::array<Damage, 3> kNeverHarmless = {Damage::toggle_prescale, Damage::toggle_postscale,
                                                  Damage::shift_destination};

// `times` as many as said above, from this seed on. How many were harmless and of what kind is
// listed where it is asked for.
void require_rejected(std::uint64_t seed, int times, bool listed) {
  int rejected_count = 0;
  int mutant_count = 0;
  for (const AlgorithmRow& row : algorithm_rows()) {
    const Tally tally = judge_mutants(row, seed++, times);
    const int count = tally.rejected_count + tally.proven_count + tally.sampled_count;
    const std::string text =
        str(collective_name(row.kind), " ", row.name, ": of ", count, " mutants ",
            tally.rejected_count, " rejected, ", tally.proven_count,
            " equivalent in all interleavings, ", tally.sampled_count, " in those tried");
    INFO(text << tally.text());
    for (const Damage damage : kNeverHarmless) {
      CHECK(tally.harmless[static_cast<std::size_t>(damage)] == 0);
    }
    CHECK(tally.rejected_count * 100 >= count * 50);
    rejected_count += tally.rejected_count;
    mutant_count += count;
    if (listed) {
      WARN(text << tally.text());
    }
  }
  CHECK(rejected_count * 100 >= mutant_count * 70);
}

TEST_CASE("damaged schedules of every algorithm are rejected, or right in all interleavings",
          "[verifier][mutation]") {
  require_rejected(1, 1, false);
}

// Hidden: a part of ./dev test full.
TEST_CASE("ten times as many damaged schedules are rejected, or right in all interleavings",
          "[.][mutation-full]") {
  require_rejected(1000, 10, true);
}

}  // namespace
}  // namespace hvd
