// steady_state: what allreduces cost once all is warm: heap allocations, contended locks.
//   --door api|engine --np 2 --bytes 8,65536 --calls 10000 --spins N
// Prints one JSON line per size: the counts of the rank with most over --calls calls. Each writes
// to descriptor -1 where its counting begins and ends, so that strace shows the calls in between.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/bench/api_door.h"
#include "tests/bench/call_counts.h"
#include "tests/bench/engine_door.h"
#include "tests/bench/peers/src/measure.h"
#include "tests/bench/perf_job.h"

namespace hvd::bench {
namespace {

constexpr int kWarmUpCalls = 1000;
constexpr double kBytesPerSize = 4e9;  // fewer calls of large tensors

void mark(std::string_view text) {
  if (::write(-1, text.data(), text.size()) != -1) {
    std::abort();
  }
}

void count_at(peers::Collectives& door, std::size_t bytes, int calls) {
  peers::Buffer buffer(door, std::max<std::size_t>(1, bytes / sizeof(float)));
  door.prepare({{buffer.data(), buffer.count()}});
  const auto reduce = [&](int times) {
    for (int i = 0; i < times; ++i) {
      door.allreduce(buffer.data(), buffer.count());
    }
  };
  reduce(kWarmUpCalls < calls ? kWarmUpCalls : calls);
  const CallCounts before = call_counts();
  mark("steady begin");
  reduce(calls);
  mark("steady end");
  const CallCounts after = call_counts();
  double counted[2] = {static_cast<double>(after.allocations - before.allocations),
                       static_cast<double>(after.contended_locks - before.contended_locks)};
  door.max_over_ranks(counted, 2);
  door.forget_buffers();
  if (door.rank() == 0) {
    std::printf("{\"bytes\":%zu,\"calls\":%d,\"allocations\":%.0f,\"contended_locks\":%.0f}\n",
                bytes, calls, counted[0], counted[1]);
    std::fflush(stdout);
  }
}

int run(const peers::Options& options, const PerfJob& job) {
  std::unique_ptr<peers::Collectives> door;
  if (options.text("door", "api") == "engine") {
    door = open_engine_door(options);
  } else {
    door = open_api_door(options);
  }
  peers::pin(job.rank);
  const double calls_most = options.number("calls", 10000);
  for (const std::size_t bytes : options.sizes("bytes")) {
    const double fitting = kBytesPerSize / static_cast<double>(bytes + 1);
    count_at(*door, bytes, static_cast<int>(std::min(calls_most, fitting)));
  }
  door->barrier();
  return 0;
}

}  // namespace
}  // namespace hvd::bench

int main(int argc, char** argv) {
  int status = 1;
  hvd::bench::PerfJob job;
  try {
    const peers::Options options(argc, argv);
    job = hvd::bench::start_job(options);
    status = hvd::bench::run(options, job);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "steady_state: rank %d: %s\n", job.rank, failure.what());
  }
  return hvd::bench::end_job(job, status);
}
