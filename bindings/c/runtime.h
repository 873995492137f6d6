// bindings/c/runtime.h: the composition root: wires the brain (core) to the wires (backends).
// Not here: the one global pointer (process.h).
// Threads: create and leave by one thread; the rest any.  Limits: one job per Runtime.
// Read next: core/stages/progress.h.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "backends/bootstrap/identity.h"
#include "backends/bootstrap/job_secret.h"
#include "backends/bootstrap/join.h"
#include "backends/bootstrap/topology.h"
#include "backends/engine/native_data_plane.h"
#include "backends/engine/plan_words.h"
#include "backends/loopback/loopback_world.h"
#include "backends/net/poller.h"
#include "backends/net/poller_idle.h"
#include "backends/shm/domain.h"
#include "backends/shm/host_control.h"
#include "backends/tcp/tcp_transport.h"
#include "core/stages/progress.h"

namespace hvd {

struct RuntimeOptions {
  ExplicitIdentity identity;
  std::string rendezvous;        // "host:port"; empty: from the environment
  std::shared_ptr<Arena> arena;  // whose tensors are reduced where they lie; null: none
  // No coordinator and no background thread: the one caller drives data() by itself and uses
  // nothing else but rank(), size() and leave(). For benchmarks of the engine alone.
  bool engine_only = false;
};

class Runtime {
 public:
  // Joins the job; blocks until all ranks have come.
  // `join_count` is how many times this process has met the others, and is counted up as soon as
  // they have met, whatever comes after: it must stay equal on all ranks.
  static Result<std::unique_ptr<Runtime>> create(const RuntimeOptions& options,
                                                 std::uint64_t& join_count);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Any thread. A blocking caller passes its operation to wait() at once; others call submitted().
  Result<OperationPtr> submit(Request request);
  Result<OperationPtr> submit_group(Request whole, std::vector<GroupTensor> tensors);
  void submitted() { progress_->notify_submitted(); }
  WaitOutcome wait(const Operation& operation, Time until) {
    return progress_->wait(operation, until);
  }
  HandleTable& handles() { return coordinator_->handles(); }
  Status check(const Request& request) const { return coordinator_->check(request); }
  Status check_group(const Operation& operation) const {
    return coordinator_->check_group(operation);
  }
  // Names it "allreduce.noname.3": counts per kind of operation, so that unnamed ones match by
  // their order.
  void name_unnamed(Request& request);
  // The name of the next message between the two with this tag.
  std::string message_name(Rank source, Rank destination, std::int32_t tag)
      HVD_EXCLUDES(messages_mutex_);
  const Clock& clock() const { return clock_; }

  // Says goodbye and ends the background thread; pending operations fail, waiters return.
  void leave();
  // Forked child: closes every descriptor of ours there; the object must never be used again.
  void close_in_forked_child();

  Rank rank() const { return Rank(identity_.rank); }
  int size() const { return identity_.size; }
  const RankPlace& place() const { return place_; }
  DataPlane& data() { return *data_; }
  Idle& idle() { return *idle_; }
  double host_cores() const { return host_cores_; }
  std::string info_json() const;

 private:
  explicit Runtime(Config config);
  Status join(const RuntimeOptions& options, std::uint64_t& join_count);
  Status join_others(std::uint64_t& join_count);
  Status set_up(std::unique_ptr<ShmDomain> domain, std::uint64_t generation);
  Status agree(const Status& mine);
  // Request::within_reach.
  bool within_reach(CollectiveKind kind, const TensorRef& input, const std::byte* output) const;
  bool lets_read(CollectiveKind kind, const TensorRef& input) const;
  void start(ControlPlane& control, std::vector<RankAddress> addresses);

  const Config config_;
  bool engine_only_ = false;
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
  std::unique_ptr<HostControl> host_control_;  // over the star; where rank 0 is of this host
  TcpTransport* tcp_ = nullptr;                // inside transport_, where the job has several hosts
  std::shared_ptr<Arena> arena_;
  RankPlace place_;
  double host_cores_ = 1;             // that the ranks of this host have together
  bool talks_through_memory_ = true;  // with all ranks
  std::unique_ptr<NativeDataPlane> data_;
  std::unique_ptr<PlanWords> words_;  // where all ranks share memory
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Progress> progress_;
  std::array<std::atomic<std::uint64_t>, kCollectiveKindCount> unnamed_counts_{};
  Mutex messages_mutex_;
  std::map<std::tuple<Rank, Rank, std::int32_t>, std::uint64_t> message_counts_
      HVD_GUARDED_BY(messages_mutex_);
};

}  // namespace hvd
