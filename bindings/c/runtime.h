// bindings/c/runtime.h: the composition root: wires the brain (core) to the wires (backends).
// Not here: the C functions and the one global pointer (hvd.cc).
// Threads: create and leave by one thread; the rest any.  Limits: one job per Runtime.
// Read next: core/stages/progress.h.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "backends/bootstrap/identity.h"
#include "backends/bootstrap/job_secret.h"
#include "backends/bootstrap/join.h"
#include "backends/bootstrap/topology.h"
#include "backends/engine/native_data_plane.h"
#include "backends/loopback/loopback_world.h"
#include "backends/net/poller.h"
#include "backends/net/poller_idle.h"
#include "backends/shm/domain.h"
#include "core/stages/progress.h"

namespace hvd {

struct RuntimeOptions {
  ExplicitIdentity identity;
  std::string rendezvous;        // "host:port"; empty: from the environment
  std::uint64_t generation = 0;  // how many times this process has joined before
};

class Runtime {
 public:
  // Joins the job; blocks until all ranks have come.
  static Result<std::unique_ptr<Runtime>> create(const RuntimeOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Any thread. A blocking caller passes its operation to wait() at once; others call submitted().
  Result<OperationPtr> submit(Request request) { return coordinator_->submit(std::move(request)); }
  void submitted() { progress_->notify_submitted(); }
  WaitOutcome wait(const Operation& operation, Time until) {
    return progress_->wait(operation, until);
  }
  HandleTable& handles() { return coordinator_->handles(); }
  std::string unnamed(CollectiveKind kind);
  const Clock& clock() const { return clock_; }

  // Says goodbye and ends the background thread; pending operations fail, waiters return.
  void leave();
  // Forked child: closes every descriptor of ours there; the object must never be used again.
  void close_in_forked_child();

  Rank rank() const { return Rank(identity_.rank); }
  int size() const { return identity_.size; }
  const RankPlace& place() const { return place_; }
  std::string info_json() const;

 private:
  explicit Runtime(Config config);
  Status join(const RuntimeOptions& options);
  Status join_others(std::uint64_t generation);
  Status start(ControlPlane& control, std::vector<RankAddress> addresses);

  const Config config_;
  SteadyClock clock_;
  std::unique_ptr<Logger> logger_;
  Identity identity_;
  JobSecret secret_;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<PollerIdle> idle_;
  std::unique_ptr<LoopbackWorld> alone_;  // a job of one rank needs no wires
  std::unique_ptr<ControlPlane> alone_control_;
  Joined joined_;
  std::unique_ptr<Transport> transport_;
  RankPlace place_;
  std::unique_ptr<NativeDataPlane> data_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Progress> progress_;
  std::atomic<std::uint64_t> unnamed_count_{0};
};

}  // namespace hvd
