#include "backends/engine/native_data_plane.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

// A pass of the coordinator comes back to its messages and deadlines after so many ops: a chunk of
// 256 KiB takes some 50 µs.
constexpr int kOpCountPerProgress = 32;

// Chunks of an exchange that leave before the first one is awaited: one is reduced while the next
// is under way (ScheduleParams::send_ahead).
constexpr int kSendAhead = 2;

Status find_reach(const Transport& transport, Rank rank, int rank_count) {
  for (int peer = 0; peer < rank_count; ++peer) {
    if (Rank{peer} != rank) {
      HVD_TRY(transport.reaches(Rank{peer}));
    }
  }
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<NativeDataPlane>> NativeDataPlane::create(Rank rank, int rank_count,
                                                                 const Config& config,
                                                                 Transport& transport) {
  std::unique_ptr<NativeDataPlane> plane(new NativeDataPlane(rank, rank_count, config, transport));
  // Finds an HVD_ALGORITHM that is none here, where there is somebody to tell.
  const WorkShape any{.kind = CollectiveKind::allreduce, .dtype = DType::float32};
  HVD_TRY(hvd::choose(any, rank_count, plane->selector_settings()).status());
  return plane;
}

NativeDataPlane::NativeDataPlane(Rank rank, int rank_count, const Config& config,
                                 Transport& transport)
    : rank_(rank),
      rank_count_(rank_count),
      algorithm_(config.algorithm),
      chunk_bytes_(static_cast<std::uint64_t>(config.chunk_bytes)),
      transport_(transport),
      reach_(find_reach(transport, rank, rank_count)),
      edges_(transport, Lane::bulk, rank_count) {}

SelectorSettings NativeDataPlane::selector_settings() const {
  return {.algorithm = algorithm_,
          .chunk_bytes = chunk_bytes_,
          .slot_bytes = transport_.chunk_bytes_max(Lane::bulk)};
}

// If a rank is out of reach here, then some rank is out of reach everywhere (hosts are cliques), so
// that every rank refuses and nobody waits for one that did.
Status NativeDataPlane::accepts(const Request& request) const {
  HVD_TRY(reach_);
  if (request.kind == CollectiveKind::allreduce &&
      !reduce_supported(request.op, request.input.dtype)) {
    return error(StatusCode::unsupported, reduce_op_name(request.op), " of ",
                 dtype_name(request.input.dtype), " is not available");
  }
  return ok_status();
}

ScheduleChoice NativeDataPlane::choose(const WorkShape& shape) {
  const Result<ScheduleChoice> choice = hvd::choose(shape, rank_count_, selector_settings());
  HVD_CHECK(choice.ok());  // pair: create() has tried the settings
  return *choice;
}

void NativeDataPlane::start(WorkItem item) {
  if (!cause_.ok()) {
    completed_.push({.work_id = item.id, .status = cause_});
    return;
  }
  waiting_.push(std::move(item));
}

bool NativeDataPlane::progress() {
  int budget = kOpCountPerProgress;
  bool moved = false;
  while (budget > 0 && (running_ || begin_next())) {
    const int before = budget;
    const Execution::State state = execution_.run(edges_, budget);
    moved = moved || budget < before || state != Execution::State::blocked;
    if (state == Execution::State::done) {
      --budget;
      finish(ok_status());
    } else if (state == Execution::State::failed) {
      // What comes over this edge cannot be understood any more, so nothing after it can run.
      abort(execution_.failure());
    } else {
      break;
    }
  }
  return moved;
}

// False if there is none.
bool NativeDataPlane::begin_next() {
  if (waiting_.empty()) {
    return false;
  }
  WorkItem item = waiting_.pop();
  Result<std::shared_ptr<const Schedule>> schedule = schedule_for(item);
  execution_.begin(std::move(item), rank_, std::move(schedule));
  running_ = true;
  return true;
}

Result<std::shared_ptr<const Schedule>> NativeDataPlane::schedule_for(const WorkItem& item) {
  key_.kind = item.kind;
  key_.dtype = item.dtype;
  key_.choice = item.choice;
  ScheduleParams& params = key_.params;
  params.rank = rank_;
  params.rank_count = rank_count_;
  params.root = item.root;
  params.element_count = item.kind == CollectiveKind::allgather ? 0 : item.element_count();
  params.counts.assign(item.counts.begin(), item.counts.end());
  params.in_place = runs_in_place(item);
  params.prescale = item.prescale != 1.0;
  params.postscale = item.postscale != 1.0;
  params.send_ahead = std::min(kSendAhead, transport_.slot_count(Lane::bulk));
  if (std::shared_ptr<const Schedule> known = schedules_.find(key_)) {
    return known;
  }
  HVD_ASSIGN(Schedule schedule, make_schedule(item.choice, item.kind, item.dtype, params));
  if (schedule.chunk_element_count * dtype_bytes(item.dtype) >
      transport_.chunk_bytes_max(Lane::bulk)) {
    return error(StatusCode::invalid_argument, collective_name(item.kind), " '", item.label,
                 "': the root chose chunks of ",
                 schedule.chunk_element_count * dtype_bytes(item.dtype), " bytes, but ",
                 transport_.description(), " takes at most ",
                 transport_.chunk_bytes_max(Lane::bulk));
  }
  auto made = std::make_shared<const Schedule>(std::move(schedule));
  schedules_.insert(key_, made);
  return Result<std::shared_ptr<const Schedule>>(std::move(made));
}

void NativeDataPlane::finish(const Status& status) {
  running_ = false;
  completed_.push({.work_id = execution_.item().id, .status = status});
}

void NativeDataPlane::abort(const Status& cause) {
  if (cause_.ok()) {
    cause_ = cause;
  }
  if (running_) {
    finish(cause_);
  }
  while (!waiting_.empty()) {
    completed_.push({.work_id = waiting_.pop().id, .status = cause_});
  }
}

bool NativeDataPlane::take_completion(WorkCompletion& completion) {
  if (completed_.empty()) {
    return false;
  }
  completion = completed_.pop();
  return true;
}

bool NativeDataPlane::prepare_sleep() {
  transport_.prepare_sleep();
  const bool something_to_do =
      !completed_.empty() || (running_ ? execution_.ready(edges_) : !waiting_.empty());
  if (something_to_do) {
    transport_.end_sleep();
  }
  return !something_to_do;
}

}  // namespace hvd
