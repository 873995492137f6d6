// backends/engine/native_data_plane.h: core's DataPlane port over schedules and a Transport.
// Not here: running one schedule (execution.h), choosing an algorithm (collectives/selector.h).
// Threads: as core/ports/data_plane.h says.  Limits: one item runs at a time in each lane and group
// order, the others queue. Read next: execution.h, then core/ports/data_plane.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/engine/execution.h"
#include "backends/engine/group_place.h"
#include "backends/engine/schedule_cache.h"
#include "backends/engine/two_way_tuner.h"
#include "collectives/decision_table.h"
#include "collectives/selector.h"
#include "collectives/tuning.h"
#include "core/base/clock.h"
#include "core/base/fifo.h"
#include "core/config/config.h"
#include "core/ports/data_plane.h"

namespace hvd {

// Items of a lane run in the order in which they were started, and a rank goes on to the next as
// soon as it has done its own part of one. That is safe: chunks of an edge keep their order, so
// ranks that are behind meet first what belongs to their item, and an item whose every send has
// found its slot needs nothing from ranks that have left it.
class NativeDataPlane final : public DataPlane {
 public:
  // Refuses settings that no schedule can be chosen by. The transport outlives the plane.
  // host_of_rank as in ScheduleParams; empty: all ranks on one host.
  static Result<std::unique_ptr<NativeDataPlane>> create(Rank rank, int rank_count,
                                                         const Config& config, Transport& transport,
                                                         std::vector<int> host_of_rank = {});

  // Before the first item that others choose by: what the job agreed on. The root's choices go by
  // it.
  void tune(const Tuning& tuning);
  const Tuning& tuning() const { return tuning_; }
  // As remarks_on_forced, of this job.
  std::vector<std::string> remarks() const;
  // What the root chooses by.
  DecisionTable& decisions() { return *decisions_; }

  std::string description() const override { return transport_.description(); }
  Status accepts(const Request& request) const override;
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape& shape) override;
  bool settled(const WorkShape& shape) const override;
  void start(WorkItem item) override;
  bool progress() override;
  bool take_completion(WorkCompletion& completion) override;
  bool busy() const override;
  bool delivered() const override { return transport_.delivered(); }
  std::vector<WorkWait> awaited() const override;
  void abort(const Status& cause) override;
  void abandon() override;
  void say_done() override;
  bool prepare_sleep() override;
  void end_sleep() override { transport_.end_sleep(); }

 private:
  // What is shorter stays in the caches of both sides.
  static constexpr std::uint64_t kStoreTunedBytesMin = std::uint64_t{256} << 10;

  struct LaneState {
    LaneWires wires;
    Execution execution;
    bool running = false;
    bool held = false;  // ended by abort(), and others may still reach the item's tensors
    Fifo<WorkItem> waiting = {};
    // Of the running item, what the tuners learn from.
    std::uint64_t tuned_bytes = 0;  // 0: nothing
    bool streams = false;           // how it stores into slots
    bool reads = false;             // that it reads parts where they lie
    Time begun_at = 0;
    std::uint64_t begun_number = 0;
    // Of the last item: a loop over one shape asks the cache no more.
    ScheduleKey last_key = {};
    std::shared_ptr<const PlacedSchedule> last = {};
    bool tunes_stores() const { return tuned_bytes >= kStoreTunedBytesMin && !reads; }
    bool idle() const { return !running && !held && waiting.empty(); }
  };

  NativeDataPlane(Rank rank, int rank_count, const Config& config, Transport& transport,
                  std::vector<int> host_of_rank);
  SelectorSettings selector_settings() const;
  bool has_two_ways(const WorkShape& shape) const;
  LaneState make_lane(Lane lane, int rank_count);
  // Runs items of the lane until the budget is spent or one waits; true if anything moved.
  bool run_lane(LaneState& lane, int& budget);
  bool run_express(int& budget);
  void begin(LaneState& lane, WorkItem item);
  void finish(LaneState& lane, const Status& status);
  void choose_stores(LaneState& lane, WorkItem& item);
  void learn(const LaneState& lane);
  bool release_held();
  bool lies_in_arena(const WorkItem& item) const;
  Status check_place_in(const WorkItem& item) const;
  GroupPlace& place_of(const WorkItem& item);
  Result<std::shared_ptr<const PlacedSchedule>> schedule_for(const WorkItem& item,
                                                             const GroupPlace& place, Lane lane);
  Status fits_the_wires(const Schedule& schedule, const WorkItem& item, Lane lane) const;
  Result<std::shared_ptr<const PlacedSchedule>> make_placed(const WorkItem& item,
                                                            const GroupPlace& place, Lane lane);

  const Rank rank_;
  const std::string algorithm_;      // HVD_ALGORITHM
  const std::uint64_t chunk_bytes_;  // HVD_CHUNK_BYTES
  const WireType wire_type_;         // HVD_WIRE_DTYPE, where there is more than one host
  const bool deterministic_;         // HVD_DETERMINISTIC
  Tuning tuning_ = {};
  std::unique_ptr<DecisionTable> decisions_;  // by tuning_; never null once create() is done
  Transport& transport_;
  const SteadyClock clock_;
  TwoWayTuner store_tuner_;        // through the caches or past them
  TwoWayTuner copy_tuner_;         // of the root: through slots or read where they lie
  std::uint64_t begun_count_ = 0;  // items, of all lanes
  const Status reach_;             // ok, or why some rank cannot be reached
  const std::vector<int> host_of_rank_;
  GroupPlace world_;
  std::unordered_map<std::uint64_t, GroupPlace> groups_;  // by id; not that of all ranks
  std::array<LaneState, kLaneCount> lanes_;
  ScheduleCache schedules_;
  ScheduleKey key_;  // of the item at hand; kept for its memory
  Fifo<WorkCompletion> completed_;
  Status cause_;  // not ok: aborted
};

}  // namespace hvd
