#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tests/sim/sim_options.h"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

namespace hvd::sim {
namespace {

std::uint64_t running_seed = 0;

// A failed HVD_CHECK must be replayable too.
void print_seed_and_abort(int) {
  std::fprintf(stderr, "replay: --seed %llu\n", static_cast<unsigned long long>(running_seed));
  std::fflush(stderr);
  std::_Exit(134);
}

}  // namespace

SimRunOptions& sim_run_options() {
  static SimRunOptions options;
  return options;
}

void note_seed(std::uint64_t seed) {
  running_seed = seed;
  std::signal(SIGABRT, print_seed_and_abort);  // Catch2 sets its own for the length of a test
}

}  // namespace hvd::sim

int main(int argc, char* argv[]) {
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    if ((word == "--seed" || word == "--runs") && i + 1 < argc) {
      const std::uint64_t value = std::strtoull(argv[++i], nullptr, 10);
      if (word == "--seed") {
        hvd::sim::sim_run_options().seed = value;
      } else {
        hvd::sim::sim_run_options().run_count = value;
      }
    } else {
      rest.push_back(argv[i]);
    }
  }
  return Catch::Session().run(static_cast<int>(rest.size()), rest.data());
}
