// tests/backends/loopback/loopback_job.h: a whole job in one process: coordinator, progress and
// native data plane of every rank, with their real threads, over the loopback world.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/engine/native_data_plane.h"
#include "backends/loopback/loopback_world.h"
#include "core/base/thread.h"
#include "core/stages/progress.h"

namespace hvd {

inline Config default_config() { return read_config(Environment()).value(); }

class LoopbackRank {
 public:
  LoopbackRank(LoopbackWorld& world, Rank rank, const Clock& clock, const Config& config,
               SpinPolicy spin)
      : clock_(clock),
        logger_(LogLevel::off, "", nullptr),
        control_(world.make_control_plane(rank)),
        idle_(world.make_idle(rank)),
        transport_(world.make_transport(rank)),
        data_(NativeDataPlane::create(rank, world.rank_count(), config, *transport_).value()),
        coordinator_(config, JobRanks(rank, addresses(world.rank_count())),
                     {clock, *control_, *data_, logger_}),
        progress_(coordinator_, *data_, *idle_, clock, spin) {}

  Result<OperationPtr> submit(Request request) {
    HVD_ASSIGN(OperationPtr operation, coordinator_.submit(std::move(request)));
    progress_.notify_submitted();
    return operation;
  }
  Status wait(const OperationPtr& operation) {
    while (progress_.wait(*operation, kNever) != WaitOutcome::done) {
    }
    coordinator_.handles().release(operation->handle);
    return operation->status;
  }
  // Submits without ringing and drives at once, as the blocking calls of hvd.h do.
  Status run(Request request) {
    HVD_ASSIGN(const OperationPtr operation, coordinator_.submit(std::move(request)));
    return wait(operation);
  }
  void leave() { progress_.leave(clock_.now() + 30 * kSecond); }
  Coordinator& coordinator() { return coordinator_; }

 private:
  static std::vector<RankAddress> addresses(int count) {
    return std::vector<RankAddress>(static_cast<std::size_t>(count), RankAddress{"here", 1});
  }
  const Clock& clock_;
  Logger logger_;
  std::unique_ptr<LoopbackControlPlane> control_;
  std::unique_ptr<LoopbackIdle> idle_;
  std::unique_ptr<LoopbackTransport> transport_;
  std::unique_ptr<NativeDataPlane> data_;
  Coordinator coordinator_;
  Progress progress_;
};

// Runs body(rank object, rank) on one thread per rank, then leaves.
class LoopbackJob {
 public:
  using Body = std::function<void(LoopbackRank&, Rank)>;
  explicit LoopbackJob(int rank_count, Config config = default_config(), SpinPolicy spin = {})
      : world_(rank_count, clock_), config_(std::move(config)), spin_(spin) {}

  void run(const Body& body) {
    std::vector<Thread> threads;
    threads.reserve(static_cast<std::size_t>(world_.rank_count()));
    for (int r = 0; r < world_.rank_count(); ++r) {
      threads.emplace_back("rank", [this, r, &body] {
        LoopbackRank rank(world_, Rank(r), clock_, config_, spin_);
        body(rank, Rank(r));
        rank.leave();
      });
    }
  }
  LoopbackWorld& world() { return world_; }

 private:
  SteadyClock clock_;
  LoopbackWorld world_;
  const Config config_;
  const SpinPolicy spin_;
};

}  // namespace hvd
