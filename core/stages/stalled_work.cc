// The coordinator's eye on work that has started: whether it stands still, and for whom.
#include "core/stages/coordinator.h"

namespace hvd {

void Coordinator::watch_work(bool data_moved) {
  watch_orphaned_work(data_moved);
  if (abandon_at_ != kNever && world_.clock.now() >= abandon_at_) {
    abandon_work();
  }
  if (data_moved || !dispatcher_.busy() || !aborted_.ok() || config_.stall_warning_seconds <= 0) {
    still_since_ = kNever;
    still_warning_at_ = kNever;
    return;
  }
  const Time now = world_.clock.now();
  if (still_since_ == kNever) {
    still_since_ = now;
    still_warning_at_ = time_after(now, nanos_from_seconds(config_.stall_warning_seconds));
  } else if (now >= still_warning_at_) {
    still_warning_at_ = time_after(now, now - still_since_);
    if (const std::string awaited = awaited_text(); !awaited.empty()) {
      world_.logger.warn("work that all ranks have begun has stood still for ",
                         seconds_from_nanos(now - still_since_), " s: ", awaited,
                         ". limit: HVD_STALL_WARNING_SECONDS ", config_.stall_warning_seconds);
    }
  }
}

// "allreduce 'x' waits for rank 2 (host b, pid 4412)"; empty if the data plane does not know.
std::string Coordinator::awaited_text() const {
  std::string text;
  for (const WorkWait& wait : world_.data.awaited()) {
    text += str(text.empty() ? "" : ", ", collective_name(wait.kind), " '", wait.label,
                "' waits for ", ranks_.text(wait.rank));
  }
  return text;
}

// A rank that is stopped cannot say that it touches nothing any more, and its peers have to know
// today that their work has failed.
void Coordinator::abandon_work() {
  abandon_at_ = kNever;
  if (const std::string awaited = awaited_text(); !awaited.empty()) {
    world_.logger.warn("the job was aborted, and not all ranks have said within ",
                       seconds_from_nanos(kStopPatience), " s that they stopped: ", awaited,
                       ". until it ends it may write to these tensors, which lie in the arena: "
                       "hvd_alloc will not give out their memory again");
  }
  world_.data.abandon();
}

// Once rank 0 has ended nobody looks after the others: what it had ordered goes on, and a rank that
// stops in the middle of it would be waited for for ever.
void Coordinator::watch_orphaned_work(bool data_moved) {
  if (root_ || !ended_[kRoot.index()] || !dispatcher_.busy()) {
    orphaned_until_ = kNever;
    return;
  }
  const Time now = world_.clock.now();
  if (data_moved || orphaned_until_ == kNever) {
    orphaned_until_ = time_after(now, heartbeat_.limit());
  } else if (now >= orphaned_until_) {
    orphaned_until_ = kNever;
    const std::string awaited = awaited_text();
    abort_job(error(
        StatusCode::aborted, "work that was under way when rank 0 ended has stood still for ",
        seconds_from_nanos(heartbeat_.limit()),
        " s: ", awaited.empty() ? "another rank" : str(awaited, ", which"),
        " has stopped or was cut off. limit: HVD_HEARTBEAT_SECONDS ", config_.heartbeat_seconds));
  }
}

}  // namespace hvd
