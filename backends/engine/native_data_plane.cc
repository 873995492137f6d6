#include "backends/engine/native_data_plane.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "collectives/forced_settings.h"
#include "core/base/check.h"

namespace hvd {
namespace {

// What the bulk lane does before the express lane is looked at: one slice.
constexpr int kBulkBudget = static_cast<int>(Execution::kSliceBytes / Execution::kBudgetBytes);
// What a pass does before the coordinator comes back to its messages and deadlines, in the units of
// Execution::kBudgetBytes. A small operation by name waits for the end of a pass four times: to be
// seen, at rank 0, for the answer, and to run. So a pass is one slice, beside which the
// coordinator's part of it is 2 %.
constexpr int kBudgetPerProgress = kBulkBudget;

// From where on the time of an item says something.
constexpr std::uint64_t kTunedBytesMin = std::uint64_t{128} << 10;

Status find_reach(const Transport& transport, Rank rank, int rank_count) {
  for (int peer = 0; peer < rank_count; ++peer) {
    if (Rank{peer} != rank) {
      HVD_TRY(transport.reaches(Rank{peer}));
    }
  }
  return ok_status();
}

std::vector<Rank> all_ranks(int rank_count) {
  std::vector<Rank> ranks;
  ranks.reserve(static_cast<std::size_t>(rank_count));
  for (int rank = 0; rank < rank_count; ++rank) {
    ranks.emplace_back(rank);
  }
  return ranks;
}

// Within a host nothing is gained by it.
WireType find_wire_type(const std::string& setting, const std::vector<int>& host_of_rank) {
  const bool one_host = std::adjacent_find(host_of_rank.begin(), host_of_rank.end(),
                                           std::not_equal_to<>()) == host_of_rank.end();
  if (one_host || (setting != "bf16" && setting != "fp16")) {
    return WireType::own;
  }
  return setting == "bf16" ? WireType::bfloat16 : WireType::float16;
}

// Of chunks with kNarrow, if there are any.
DType wire_dtype(ScheduleChoice choice, CollectiveKind kind) {
  const Result<ScheduleSpec> spec = unpack_choice(choice, kind);
  return spec.ok() && spec->narrow == WireType::float16 ? DType::float16 : DType::bfloat16;
}

// Of the whole vector of an item, or of all parts that this rank receives.
std::uint64_t whole_bytes(const WorkItem& item) {
  const std::size_t count =
      has_counts(item.kind)
          ? std::accumulate(item.counts.begin(), item.counts.end(), std::size_t{0})
          : item.element_count();
  return std::uint64_t{count} * dtype_bytes(item.dtype);
}

}  // namespace

Result<std::unique_ptr<NativeDataPlane>> NativeDataPlane::create(Rank rank, int rank_count,
                                                                 const Config& config,
                                                                 Transport& transport,
                                                                 std::vector<int> host_of_rank) {
  std::unique_ptr<NativeDataPlane> plane(
      new NativeDataPlane(rank, rank_count, config, transport, std::move(host_of_rank)));
  // Finds an HVD_ALGORITHM that is none here, where there is somebody to tell.
  const WorkShape any{.kind = CollectiveKind::allreduce, .dtype = DType::float32};
  HVD_TRY(hvd::choose(any, rank_count, plane->selector_settings()).status());
  plane->tune({});
  return plane;
}

NativeDataPlane::NativeDataPlane(Rank rank, int rank_count, const Config& config,
                                 Transport& transport, std::vector<int> host_of_rank)
    : rank_(rank),
      algorithm_(config.algorithm),
      chunk_bytes_(static_cast<std::uint64_t>(config.chunk_bytes)),
      wire_type_(find_wire_type(config.wire_dtype, host_of_rank)),
      deterministic_(config.deterministic),
      transport_(transport),
      reach_(find_reach(transport, rank, rank_count)),
      host_of_rank_(std::move(host_of_rank)),
      world_(make_group_place(0, all_ranks(rank_count), rank, host_of_rank_)),
      lanes_{make_lane(kLanes[0], rank_count), make_lane(kLanes[1], rank_count),
             make_lane(kLanes[2], rank_count), make_lane(kLanes[3], rank_count)} {}

NativeDataPlane::LaneState NativeDataPlane::make_lane(Lane lane, int rank_count) {
  return {.wires = {Edges(transport_, lane, rank_count), SlotLane(transport_, lane, rank_)},
          .execution = {}};
}

void NativeDataPlane::tune(const Tuning& tuning) {
  tuning_ = tuning;
  decisions_ = std::make_unique<DecisionTable>(static_cast<int>(world_.members.size()),
                                               selector_settings(), tuning_.cost);
}

SelectorSettings NativeDataPlane::selector_settings() const {
  const auto slot_bytes = [&](Lane lane) {
    return lanes_[lane_index(lane)].wires.slots.bank_bytes();
  };
  return {.algorithm = algorithm_,
          .chunk_bytes = chunk_bytes_,
          .slot_bytes = transport_.chunk_bytes_max(Lane::bulk),
          .host_of_rank = world_.host_of_rank,
          .slot_bytes_express = slot_bytes(Lane::express),
          .slot_bytes_bulk = slot_bytes(Lane::bulk),
          .tuning = tuning_.host,
          .reads_peers = transport_.memory_reader() != nullptr,
          .narrow = wire_type_,
          .deterministic = deterministic_};
}

// If a rank is out of reach here, then some rank is out of reach everywhere (hosts are cliques), so
// that every rank refuses and nobody waits for one that did.
Status NativeDataPlane::accepts(const Request& request) const {
  HVD_TRY(reach_);
  if (reduces(request.kind) && !reduce_supported(request.op, request.input.dtype)) {
    return error(StatusCode::unsupported, reduce_op_name(request.op), " of ",
                 dtype_name(request.input.dtype), " is not available");
  }
  return ok_status();
}

std::vector<std::string> NativeDataPlane::remarks() const {
  return remarks_on_forced(static_cast<int>(world_.members.size()), selector_settings());
}

ScheduleChoice NativeDataPlane::choose(const WorkShape& shape) {
  bool prefers_single_copy = false;
  if (has_two_ways(shape)) {
    const std::uint64_t bytes = shape.element_count * dtype_bytes(shape.dtype);
    prefers_single_copy = shape.for_long
                              ? copy_tuner_.in_use(shape.kind, bytes, false)
                              : copy_tuner_.begins(shape.kind, bytes, false, clock_.now());
  }
  const Result<ScheduleChoice> choice = decisions_->choose(shape, prefers_single_copy);
  HVD_CHECK(choice.ok());  // pair: create() has tried the settings
  return *choice;
}

// Where parts differ, so do the ranks in what they have to do, and the root's time says little.
bool NativeDataPlane::has_two_ways(const WorkShape& shape) const {
  return shape.even_parts && decisions_->may_read_in_place(shape);
}

bool NativeDataPlane::settled(const WorkShape& shape) const {
  return !has_two_ways(shape) ||
         copy_tuner_.settled(shape.kind, shape.element_count * dtype_bytes(shape.dtype));
}

bool NativeDataPlane::busy() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const LaneState& l) { return !l.idle(); });
}

void NativeDataPlane::start(WorkItem item) {
  if (!cause_.ok()) {
    completed_.push({.work_id = item.id, .status = cause_, .stream = item.stream});
    return;
  }
  if (Status known = check_place_in(item); !known.ok()) {
    completed_.push({.work_id = item.id, .status = std::move(known), .stream = item.stream});
    return;
  }
  const Lane by_size = lane_of(item.choice);
  LaneState& lane =
      lanes_[lane_index(item.stream == WorkStream::planned ? planned(by_size) : by_size)];
  if (lane.idle()) {
    begin(lane, std::move(item));
  } else {
    lane.waiting.push(std::move(item));
  }
}

// Nothing of an item that is refused has been started, so what runs beside it goes on.
Status NativeDataPlane::check_place_in(const WorkItem& item) const {
  if (item.group == nullptr || item.group->id == 0 || groups_.contains(item.group->id)) {
    return ok_status();
  }
  return check_group(*item.group, rank_, static_cast<int>(world_.members.size()))
      .in_context(str(collective_name(item.kind), " '", item.label, "'"));
}

GroupPlace& NativeDataPlane::place_of(const WorkItem& item) {
  if (item.group == nullptr || item.group->id == 0) {
    return world_;
  }
  const auto found = groups_.find(item.group->id);
  if (found != groups_.end()) {
    return found->second;
  }
  return groups_
      .emplace(item.group->id,
               make_group_place(item.group->id, item.group->members, rank_, host_of_rank_))
      .first->second;
}

void NativeDataPlane::begin(LaneState& lane, WorkItem item) {
  GroupPlace& place = place_of(item);
  const Lane name = lane.wires.edges.lane();
  // Of a message of two ranks the others know nothing, so it may not count; it has no slots.
  std::uint64_t& started = place.started[lane_index(name)];
  const std::uint64_t number = is_point_to_point(item.kind) ? started : started++;
  ++begun_count_;
  choose_stores(lane, item);
  Result<std::shared_ptr<const PlacedSchedule>> schedule = schedule_for(item, place, name);
  lane.execution.begin(std::move(item), std::move(schedule),
                       static_cast<unsigned>(number % kBankCount), lane.wires);
  lane.running = true;
}

// The root's choice is a first guess: which stores are faster may differ between ranks and changes
// while a job runs (docs/decisions/0011).
void NativeDataPlane::choose_stores(LaneState& lane, WorkItem& item) {
  const std::uint64_t bytes = lane.wires.slots.available() ? whole_bytes(item) : 0;
  lane.tuned_bytes = bytes >= kTunedBytesMin && !is_point_to_point(item.kind) ? bytes : 0;
  if (lane.tuned_bytes == 0) {
    return;
  }
  lane.begun_number = begun_count_;
  lane.begun_at = clock_.now();
  lane.reads = algorithm_of(item.choice) == Algorithm::single_copy;
  if (lane.tunes_stores()) {
    lane.streams = store_tuner_.begins(item.kind, bytes, streams(item.choice), lane.begun_at);
    item.choice = with_stream(item.choice, lane.streams);
  }
}

// Where others of the express lane came between, the time is theirs as well.
void NativeDataPlane::learn(const LaneState& lane) {
  const CollectiveKind kind = lane.execution.item().kind;
  const bool alone = lane.begun_number == begun_count_;
  const Nanos took = clock_.now() - lane.begun_at;
  if (lane.tunes_stores()) {
    alone ? store_tuner_.ends(kind, lane.tuned_bytes, lane.streams, took)
          : store_tuner_.passes_over(kind, lane.tuned_bytes, lane.streams);
  }
  alone ? copy_tuner_.ends(kind, lane.tuned_bytes, lane.reads, took)
        : copy_tuner_.passes_over(kind, lane.tuned_bytes, lane.reads);
}

bool NativeDataPlane::progress() {
  if (!cause_.ok()) {
    return release_held();
  }
  int budget = kBudgetPerProgress;
  bool moved = false;
  bool goes_on = true;
  while (budget > 0 && goes_on) {
    goes_on = run_express(budget);
    for (const Lane lane : {Lane::planned_bulk, Lane::bulk}) {
      int slice = std::min(budget, kBulkBudget);
      budget -= slice;
      goes_on = run_lane(lanes_[lane_index(lane)], slice) || goes_on;
      budget += slice;
    }
    moved = moved || goes_on;
  }
  return moved;
}

bool NativeDataPlane::run_express(int& budget) {
  const bool moved = run_lane(lanes_[lane_index(Lane::planned_express)], budget);
  return run_lane(lanes_[lane_index(Lane::express)], budget) || moved;
}

bool NativeDataPlane::run_lane(LaneState& lane, int& budget) {
  bool moved = false;
  while (budget > 0) {
    if (!lane.running) {
      if (lane.waiting.empty()) {
        break;
      }
      begin(lane, lane.waiting.pop());
    }
    const int before = budget;
    const Execution::State state = lane.execution.run(lane.wires, budget);
    moved = moved || budget < before || state != Execution::State::blocked;
    if (state == Execution::State::done) {
      --budget;
      finish(lane, ok_status());
    } else if (state == Execution::State::failed) {
      // What comes over this edge cannot be understood any more, so nothing after it can run.
      abort(lane.execution.failure());
    } else {
      break;
    }
  }
  if (!moved) {
    lane.wires.slots.tell_done();
  }
  lane.wires.slots.ring_sleepers();
  return moved;
}

bool NativeDataPlane::lies_in_arena(const WorkItem& item) const {
  const ArenaMap* map = transport_.arena_map();
  const std::size_t element_bytes = dtype_bytes(item.dtype);
  return map != nullptr &&
         std::all_of(item.segments.begin(), item.segments.end(), [&](const WorkSegment& segment) {
           const std::size_t bytes = segment.element_count * element_bytes;
           return bytes == 0 || (map->contains(rank_, segment.input, bytes) &&
                                 map->contains(rank_, segment.output, bytes));
         });
}

Result<std::shared_ptr<const PlacedSchedule>> NativeDataPlane::schedule_for(const WorkItem& item,
                                                                            const GroupPlace& place,
                                                                            Lane lane) {
  key_.kind = item.kind;
  key_.dtype = item.dtype;
  key_.choice = item.choice;
  key_.group = place.id;
  ScheduleParams& params = key_.params;
  params.rank = place.rank;
  params.rank_count = static_cast<int>(place.members.size());
  params.root = item.root;
  params.peer = item.peer;
  params.element_count = has_counts(item.kind) ? 0 : item.element_count();
  params.counts.assign(item.counts.begin(), item.counts.end());
  params.send_counts.assign(item.send_counts.begin(), item.send_counts.end());
  params.in_place = runs_in_place(item, place.rank);
  params.in_arena = lies_in_arena(item);
  // Factors may differ from rank to rank there, and one of them may be 1.
  params.prescale = item.prescale != 1.0 || item.op == ReduceOp::premultiplied_sum;
  params.postscale = item.postscale != 1.0;
  LaneState& state = lanes_[lane_index(lane)];
  if (state.last != nullptr && state.last_key == key_) {
    return state.last;
  }
  state.last = schedules_.find(key_);
  if (state.last == nullptr) {
    HVD_ASSIGN(state.last, make_placed(item, place, lane));
  }
  state.last_key = key_;
  return state.last;
}

// The root's choice was made for its own wires; ours are the same, or it runs another version.
Status NativeDataPlane::fits_the_wires(const Schedule& schedule, const WorkItem& item,
                                       Lane lane) const {
  if (schedule.weighs != (reduces(item.kind) && item.op == ReduceOp::adasum)) {
    return error(StatusCode::invalid_argument, collective_name(item.kind), " '", item.label,
                 "': the root chose an algorithm that does not do ", reduce_op_name(item.op),
                 ". do all ranks run the same version of hvd?");
  }
  const DType wire = wire_dtype(item.choice, item.kind);
  std::uint64_t largest = 0;
  for (const Op& op : schedule.ops) {
    const bool crosses_edge =
        op.kind == OpKind::send || op.kind == OpKind::recv || op.kind == OpKind::recv_reduce;
    largest = std::max(largest, crosses_edge ? op.count * wire_bytes(op, item.dtype, wire) : 0);
  }
  if (largest > transport_.chunk_bytes_max(lane)) {
    return error(StatusCode::invalid_argument, collective_name(item.kind), " '", item.label,
                 "': the root chose chunks of ", largest, " bytes, but ", transport_.description(),
                 " takes at most ", transport_.chunk_bytes_max(lane));
  }
  if (!schedule.slot_ranks.empty() && !lanes_[lane_index(lane)].wires.slots.available()) {
    return error(StatusCode::unsupported, collective_name(item.kind), " '", item.label,
                 "': the root chose a schedule over shared slots, which ", transport_.description(),
                 " does not have");
  }
  return ok_status();
}

Result<std::shared_ptr<const PlacedSchedule>> NativeDataPlane::make_placed(const WorkItem& item,
                                                                           const GroupPlace& place,
                                                                           Lane lane) {
  ScheduleParams params = key_.params;
  params.send_ahead = transport_.send_ahead(lane);
  params.host_of_rank = place.host_of_rank;
  params.reads_peers = transport_.memory_reader() != nullptr;
  params.slot_element_count =
      lanes_[lane_index(lane)].wires.slots.bank_bytes() / dtype_bytes(item.dtype);
  HVD_ASSIGN(Schedule schedule, make_schedule(item.choice, item.kind, item.dtype, params));
  HVD_TRY(fits_the_wires(schedule, item, lane));
  auto placed = std::make_shared<PlacedSchedule>();
  placed->members = place.members;
  placed->reaches_tensors = std::any_of(schedule.ops.begin(), schedule.ops.end(), [](const Op& op) {
    return (op.flags & kFromInputs) != 0 && op.kind == OpKind::reduce_slots;
  });
  for (const Rank rank : schedule.slot_ranks) {
    placed->sharers.push_back(place.members[rank.index()]);
  }
  placed->wire = wire_dtype(item.choice, item.kind);
  placed->schedule = std::move(schedule);
  schedules_.insert(key_, placed);
  return Result<std::shared_ptr<const PlacedSchedule>>(std::move(placed));
}

void NativeDataPlane::finish(LaneState& lane, const Status& status) {
  lane.running = false;
  lane.held = false;
  if (lane.tuned_bytes != 0 && status.ok()) {
    learn(lane);
  }
  completed_.push({.work_id = lane.execution.item().id,
                   .status = status,
                   .stream = lane.execution.item().stream,
                   .spent = lane.execution.take_item()});
}

void NativeDataPlane::abort(const Status& cause) {
  if (cause_.ok()) {
    cause_ = cause;
  }
  transport_.withdraw_offers();  // what fails here may be freed
  for (LaneState& lane : lanes_) {
    if (lane.running) {
      lane.execution.withdraw(lane.wires);
    }
    lane.held = lane.held || lane.running;
    lane.running = false;
    while (!lane.waiting.empty()) {
      const WorkItem item = lane.waiting.pop();
      completed_.push({.work_id = item.id, .status = cause_, .stream = item.stream});
    }
    // A rank that leaves after its last item says so: others may want to use their slots again, and
    // their tensors.
    lane.wires.slots.tell_done();
    lane.wires.slots.tell_stopped();
    lane.wires.slots.ring_sleepers();
  }
  (void)release_held();
}

// Items that abort() has ended, once the others have ended their work too: until then they read
// from this rank's tensors in the arena and write their shares of the result to them.
bool NativeDataPlane::release_held() {
  bool any = false;
  for (LaneState& lane : lanes_) {
    if (lane.held && lane.execution.holders(lane.wires).empty()) {
      finish(lane, cause_);
      any = true;
    }
  }
  return any;
}

void NativeDataPlane::abandon() {
  for (LaneState& lane : lanes_) {
    if (!lane.held) {
      continue;
    }
    const WorkItem& item = lane.execution.item();
    for (const WorkSegment& segment : item.segments) {
      const std::size_t bytes = segment.element_count * dtype_bytes(item.dtype);
      transport_.leave_to_peers(segment.input, bytes);
      transport_.leave_to_peers(segment.output, bytes);
    }
    finish(lane, cause_);
  }
}

std::vector<WorkWait> NativeDataPlane::awaited() const {
  std::vector<WorkWait> waits;
  for (const LaneState& lane : lanes_) {
    const WorkItem& item = lane.execution.item();
    std::vector<Rank> ranks;
    if (lane.held) {
      ranks = lane.execution.holders(lane.wires);
    } else if (lane.running && lane.execution.awaited().has_value()) {
      ranks = {*lane.execution.awaited()};
    }
    for (const Rank rank : ranks) {
      waits.push_back({.kind = item.kind, .label = item.label, .rank = rank});
    }
  }
  return waits;
}

bool NativeDataPlane::take_completion(WorkCompletion& completion) {
  if (completed_.empty()) {
    return false;
  }
  completion = completed_.pop();
  return true;
}

void NativeDataPlane::say_done() {
  for (LaneState& lane : lanes_) {
    lane.wires.slots.tell_done();
    lane.wires.slots.ring_sleepers();
  }
}

bool NativeDataPlane::prepare_sleep() {
  say_done();
  transport_.prepare_sleep();
  const auto has_work = [](LaneState& lane) {
    if (lane.held) {
      return lane.execution.holders(lane.wires).empty();
    }
    return lane.running ? lane.execution.ready(lane.wires) : !lane.waiting.empty();
  };
  const bool something_to_do =
      !completed_.empty() || std::any_of(lanes_.begin(), lanes_.end(), has_work);
  if (something_to_do) {
    transport_.end_sleep();
  }
  return !something_to_do;
}

}  // namespace hvd
