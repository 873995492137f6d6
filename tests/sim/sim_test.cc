#include <array>
#include <cstdio>

#include "tests/catch.h"
#include "tests/sim/sim_options.h"
#include "tests/sim/sim_run.h"
#include "tests/sim/training_program.h"

namespace hvd::sim {
namespace {

// Runs one seed and reports everything that is wrong with it.
RunResult run_seed(std::uint64_t seed, Program (*write)(std::uint64_t)) {
  note_seed(seed);
  RunResult result = run_program(write(seed));
  if (!result.failures.empty()) {
    std::string text = str("replay: --seed ", seed);
    for (const std::string& failure : result.failures) {
      text += str("\n  ", failure);
    }
    std::fprintf(stderr, "%s\n", text.c_str());
    UNSCOPED_INFO(text);
  }
  return result;
}

TEST_CASE("every operation of a random program ends on every rank as it must", "[sim]") {
  const SimRunOptions& options = sim_run_options();
  if (options.seed) {
    CHECK(run_seed(*options.seed, random_program).failures.empty());
    return;
  }
  RunResult sum;
  std::size_t failed_count = 0;
  for (std::uint64_t seed = 0; seed < options.run_count && failed_count < 5; ++seed) {
    const RunResult result = run_seed(seed, random_program);
    failed_count += !result.failures.empty();
    sum.ok_count += result.ok_count;
    sum.mismatch_count += result.mismatch_count;
    sum.deadline_count += result.deadline_count;
    sum.ended_count += result.ended_count;
    sum.aborted_count += result.aborted_count;
    sum.warning_count += result.warning_count;
    for (std::size_t kind = 0; kind < sum.checked_count.size(); ++kind) {
      sum.checked_count[kind] += result.checked_count[kind];
    }
  }
  std::fprintf(stderr, "sim: ok %zu mismatch %zu deadline %zu ended %zu aborted %zu warnings %zu\n",
               sum.ok_count, sum.mismatch_count, sum.deadline_count, sum.ended_count,
               sum.aborted_count, sum.warning_count);
  CHECK(failed_count == 0);
  // The programs do reach every kind of outcome; else the oracle above would prove little.
  if (options.run_count >= 1000) {
    CHECK(sum.ok_count > 1000);
    CHECK(sum.mismatch_count > 100);
    CHECK(sum.deadline_count > 100);
    CHECK(sum.ended_count > 100);
    CHECK(sum.aborted_count > 100);
    CHECK(sum.warning_count > 100);
    for (int kind = 0; kind < kCollectiveKindCount; ++kind) {
      const auto what = static_cast<CollectiveKind>(kind);
      const bool has_none = what == CollectiveKind::barrier || what == CollectiveKind::recv;
      INFO(collective_name(what));
      CHECK((has_none || sum.checked_count[static_cast<std::size_t>(kind)] > 100));
    }
  }
}

TEST_CASE("a training ends as it must, by plans or without", "[sim]") {
  const SimRunOptions& options = sim_run_options();
  if (options.seed) {
    CHECK(run_seed(*options.seed, training_program).failures.empty());
    return;
  }
  RunResult sum;
  std::size_t failed_count = 0;
  for (std::uint64_t seed = 0; seed < options.run_count && failed_count < 5; ++seed) {
    const RunResult result = run_seed(seed, training_program);
    failed_count += !result.failures.empty();
    sum.ok_count += result.ok_count;
    sum.plan_count += result.plan_count;
    sum.thaw_count += result.thaw_count;
    sum.planned_count += result.planned_count;
  }
  std::fprintf(stderr, "sim: ok %zu, plans %zu, thaws %zu, items by a plan %zu\n", sum.ok_count,
               sum.plan_count, sum.thaw_count, sum.planned_count);
  CHECK(failed_count == 0);
  if (options.run_count >= 1000) {
    CHECK(sum.plan_count > options.run_count / 2);
    CHECK(sum.thaw_count > options.run_count / 2);
    CHECK(sum.planned_count > options.run_count);
  }
}

TEST_CASE("the root of a thousand ranks hears and says one message a rank and round", "[sim]") {
  constexpr int rank_count = 1000;
  constexpr std::size_t round_count = 3;
  Program program;
  program.config.fusion_bytes_max = 1 << 20;
  program.ranks.resize(rank_count);
  for (std::size_t round = 0; round < round_count; ++round) {
    for (std::size_t n = 0; n < 4; ++n) {
      Use use;
      use.name = str("t", n);
      use.kind = n == 3 ? CollectiveKind::allgather : CollectiveKind::allreduce;
      use.shape = Shape(std::array<std::int64_t, 2>{2, 3});
      program.uses.push_back(use);
      for (RankProgram& rank : program.ranks) {
        rank.steps.push_back({Step::Kind::submit, round * 4 + n, 0});
      }
    }
    for (RankProgram& rank : program.ranks) {
      for (std::size_t n = 0; n < 4; ++n) {
        rank.steps.push_back({Step::Kind::wait, round * 4 + n, 0});
      }
    }
  }
  const RunResult result = run_program(program);
  CHECK(result.failures == std::vector<std::string>{});
  CHECK(result.ok_count == 4 * round_count * rank_count);
  std::fprintf(stderr,
               "sim: p %d, %zu operations: root received %zu messages and sent %zu, %zu bytes\n",
               rank_count, program.uses.size(), result.root_received_count, result.root_sent_count,
               result.root_sent_bytes);
  // Batching comes from load: a message a rank and round, a goodbye, and an end.
  CHECK(result.root_received_count <= rank_count * (round_count + 2));
  CHECK(result.root_sent_count <= rank_count * (round_count + 2));
}

TEST_CASE("a seed means the same run every time", "[sim]") {
  const RunResult one = run_program(random_program(7));
  const RunResult two = run_program(random_program(7));
  CHECK(one.ok_count == two.ok_count);
  CHECK(one.warning_count == two.warning_count);
  CHECK(one.failures == two.failures);
}

}  // namespace
}  // namespace hvd::sim
