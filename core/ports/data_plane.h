// core/ports/data_plane.h: runs agreed work; core neither knows schedules nor transports.
// Not here: deciding what is agreed (stages/), schedules (collectives/), wires (backends/).
// Threads: baton holder, but for tensor_ready (submitting thread).  Limits: see DataPlaneLimits.
// Read next: idle.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/vocabulary/request.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// What the root has to know to choose a schedule.
struct WorkShape {
  CollectiveKind kind = CollectiveKind::barrier;
  DType dtype = DType::uint8;
  ReduceOp op = ReduceOp::sum;
  // Of the whole vector: what all ranks gather, what the root scatters, what a reduce-scatter
  // reduces. alltoall: the most that any rank receives.
  std::size_t element_count = 0;
  Rank root = kRoot;             // where the kind has one
  bool even_parts = true;        // where the kind has counts: they are all equal
  bool within_reach = false;     // Request::within_reach, of all tensors of all ranks
  std::size_t tensor_count = 1;  // that travel together
  bool for_long = false;         // many items will be run by this one choice
};

struct WorkCompletion {
  std::uint64_t work_id = 0;
  Status status;
  WorkStream stream = WorkStream::negotiated;
  WorkItem spent = {};  // whose memory may serve another item; the rest of it means nothing
};

// What started work stands still for.
struct WorkWait {
  CollectiveKind kind = CollectiveKind::barrier;
  std::string label;  // WorkItem::label
  Rank rank;          // of the job
};

class DataPlane {
 public:
  DataPlane() = default;
  virtual ~DataPlane() = default;
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  // For hvd_info and the log: what carries the data and why, e.g. "shm among 4 ranks".
  virtual std::string description() const = 0;

  // Local limits, asked at submission: unsupported device, dtype or size. Any thread.
  virtual Status accepts(const Request& request) const = 0;
  // Called on the submitting thread, for planes that must record an event there. Any thread.
  virtual void tensor_ready(const Request& request) = 0;

  // Root only: algorithm and chunk for this shape. Every rank's start() understands it.
  virtual ScheduleChoice choose(const WorkShape& shape) = 0;
  // Root only: false while it still tries out what is best for items of this shape.
  virtual bool settled(const WorkShape&) const { return true; }

  // Takes the item over. Items of one stream are started in the same order on all ranks. Its
  // completion comes from take_completion(), also when it fails.
  virtual void start(WorkItem item) = 0;
  // Moves what can be moved without waiting; true if anything moved.
  virtual bool progress() = 0;
  virtual bool take_completion(WorkCompletion& completion) = 0;
  virtual bool busy() const = 0;  // started and not completed
  // False while completed items still owe the peers something that this rank has to send.
  virtual bool delivered() const { return true; }
  // Whom the started work waits for at this moment, for texts; empty while it moves.
  virtual std::vector<WorkWait> awaited() const { return {}; }
  // Ends everything in flight with `cause`, and whatever is started later. An item completes once
  // nobody touches the memory of its tensors any more: this rank at once, and others that reach it
  // when they have ended their work too. Until then it is busy().
  virtual void abort(const Status& cause) = 0;
  // After abort(): completes what is left without waiting for others. What they may still touch is
  // used for nothing else.
  virtual void abandon() {}

  // Before the baton holder goes without announcing a sleep: tells peers what they may wait for.
  virtual void say_done() {}
  // Before the baton holder sleeps: announces that peers must ring. False if something arrived in
  // the meantime, so that it must not sleep. end_sleep() takes the announcement back.
  virtual bool prepare_sleep() = 0;
  virtual void end_sleep() = 0;
};

}  // namespace hvd
