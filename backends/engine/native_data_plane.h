// backends/engine/native_data_plane.h: core's DataPlane port over schedules and a Transport.
// Not here: running one schedule (execution.h), choosing an algorithm (collectives/selector.h).
// Threads: as core/ports/data_plane.h says.  Limits: one item runs at a time, the others queue.
// Read next: execution.h, then core/ports/data_plane.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "backends/engine/edges.h"
#include "backends/engine/execution.h"
#include "backends/engine/fifo.h"
#include "backends/engine/schedule_cache.h"
#include "collectives/selector.h"
#include "core/config/config.h"
#include "core/ports/data_plane.h"

namespace hvd {

// Items run in the order in which they were started, and a rank goes on to the next as soon as it
// has done its own part of one. That is safe: chunks of an edge keep their order, so ranks that are
// behind meet first what belongs to their item, and an item whose every send has found its slot
// needs nothing from ranks that have left it.
class NativeDataPlane final : public DataPlane {
 public:
  // Refuses settings that no schedule can be chosen by. The transport outlives the plane.
  static Result<std::unique_ptr<NativeDataPlane>> create(Rank rank, int rank_count,
                                                         const Config& config,
                                                         Transport& transport);

  std::string description() const override { return transport_.description(); }
  Status accepts(const Request& request) const override;
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape& shape) override;
  void start(WorkItem item) override;
  bool progress() override;
  bool take_completion(WorkCompletion& completion) override;
  bool busy() const override { return running_ || !waiting_.empty(); }
  void abort(const Status& cause) override;
  bool prepare_sleep() override;
  void end_sleep() override { transport_.end_sleep(); }

 private:
  NativeDataPlane(Rank rank, int rank_count, const Config& config, Transport& transport);
  SelectorSettings selector_settings() const;
  bool begin_next();
  void finish(const Status& status);
  Result<std::shared_ptr<const Schedule>> schedule_for(const WorkItem& item);

  const Rank rank_;
  const int rank_count_;
  const std::string algorithm_;      // HVD_ALGORITHM
  const std::uint64_t chunk_bytes_;  // HVD_CHUNK_BYTES
  Transport& transport_;
  const Status reach_;  // ok, or why some rank cannot be reached
  Edges edges_;
  ScheduleCache schedules_;
  ScheduleKey key_;  // of the item at hand; kept for its memory
  Execution execution_;
  bool running_ = false;
  Fifo<WorkItem> waiting_;
  Fifo<WorkCompletion> completed_;
  Status cause_;  // not ok: aborted
};

}  // namespace hvd
