// hvd as a peer of the benchmark: the protocol of tests/bench/peers/README.md, and
//   --door api|engine   by name through hvd.h (default), or schedules straight into the engine
//   --arena 1           tensors in hvd's arena
//   --wire bf16|fp16    what travels between hosts
//   --algorithm NAME, --chunk BYTES   force HVD_ALGORITHM and HVD_CHUNK_BYTES
// Without HVD_BENCH_RANK it starts --np ranks by itself.
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/bench/api_door.h"
#include "tests/bench/engine_door.h"
#include "tests/bench/peers/src/bench.h"
#include "tests/bench/perf_job.h"

namespace hvd::bench {
namespace {

std::unique_ptr<peers::Collectives> open_door(const peers::Options& options) {
  const std::string door = options.text("door", "api");
  if (door == "api") {
    return open_api_door(options);
  }
  if (door == "engine") {
    return open_engine_door(options);
  }
  throw std::runtime_error("--door is '" + door + "'; allowed is api or engine");
}

int run(const peers::Options& options, const PerfJob& job) {
  const std::unique_ptr<peers::Collectives> door = open_door(options);
  // After init, as the MPI peers do it: init judges by the cores that all ranks may use.
  peers::pin(job.rank);
  peers::run_peer(*door, options);
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
    std::fprintf(stderr, "hvd_perf: rank %d: %s\n", job.rank, failure.what());
  }
  return hvd::bench::end_job(job, status);
}
