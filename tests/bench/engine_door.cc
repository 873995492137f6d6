#include "tests/bench/engine_door.h"

#include <sched.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "backends/bootstrap/cores.h"
#include "bindings/c/process_arena.h"
#include "bindings/c/runtime.h"
#include "collectives/algorithms.h"
#include "collectives/selector.h"

namespace hvd::bench {
namespace {

// Looks at the sockets once in so many waiting turns: their end tells of a dead peer, and between
// hosts they carry the data.
constexpr int kTurnsBetweenPolls = 4096;
constexpr int kTurnsBetweenPollsOfHosts = 16;
// Less is never read where it lies, so that there is nothing to learn.
constexpr std::size_t kLearnsFromBytes = std::size_t{64} << 10;
// Turns of a rank with a core of its own before it yields.
constexpr int kSpins = 2000;

void pause_core() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

bool has_algorithm(CollectiveKind kind) {
  for (int number = 0; number < 256; ++number) {
    const ScheduleSpec spec{.algorithm = static_cast<Algorithm>(number)};
    if (unpack_choice(pack_choice(spec), kind).ok()) {
      return true;
    }
  }
  return false;
}

void check(const Status& status) {
  if (!status.ok()) {
    throw std::runtime_error(status.message());
  }
}

class EngineDoor final : public peers::Collectives {
 public:
  EngineDoor(std::unique_ptr<Runtime> runtime, int spins, std::shared_ptr<Arena> arena)
      : runtime_(std::move(runtime)),
        arena_(std::move(arena)),
        plane_(runtime_->data()),
        several_hosts_(runtime_->place().cross_size > 1),
        spins_(spins) {}
  ~EngineDoor() override { runtime_->leave(); }
  EngineDoor(const EngineDoor&) = delete;
  EngineDoor& operator=(const EngineDoor&) = delete;

  int rank() const override { return runtime_->rank().value; }
  int size() const override { return runtime_->size(); }
  void barrier() override { run(item(CollectiveKind::barrier, DType::uint8, 0)); }
  void max_over_ranks(double* values, std::size_t count) override;
  float* allocate(std::size_t count) override;
  void forget_buffers() override;

  void allreduce(float* data, std::size_t count) override {
    run(vector_item(CollectiveKind::allreduce, data, count));
  }
  // One work item with all tensors as its segments, as fusion makes it.
  void allreduce_list(const std::vector<peers::Tensor>& tensors) override;
  void broadcast(float* data, std::size_t count, int root) override {
    WorkItem work = vector_item(CollectiveKind::broadcast, data, count);
    work.root = Rank(root);
    run(std::move(work));
  }
  void allgather(const float* in, float* out, std::size_t count) override {
    run(block_item(CollectiveKind::allgather, in, out, count));
  }
  void reduce_scatter(float* in, float* out, std::size_t count) override {
    run(block_item(CollectiveKind::reduce_scatter, in, out, count));
  }
  void alltoall(const float* in, float* out, std::size_t count) override {
    WorkItem work = block_item(CollectiveKind::alltoall, in, out, count);
    work.send_counts = work.counts;
    run(std::move(work));
  }
  void start_big(float* data, std::size_t count) override {
    WorkItem work = vector_item(CollectiveKind::allreduce, data, count);
    big_ = work.id;
    big_done_ = false;
    plane_.start(std::move(work));
  }
  bool big_done() override {
    plane_.progress();
    take_completions();
    return big_done_;
  }
  void wait_big() override {
    while (!big_done()) {
      rest();
    }
    waited_ = 0;
  }

 private:
  WorkItem item(CollectiveKind kind, DType dtype, std::size_t element_count);
  WorkItem vector_item(CollectiveKind kind, float* data, std::size_t count);
  WorkItem block_item(CollectiveKind kind, const float* in, float* out, std::size_t count);
  WorkItem blank_item(CollectiveKind kind, DType dtype, ScheduleChoice choice);
  ScheduleChoice choice_for(const WorkShape& shape);
  bool may_learn(const WorkShape& shape) const;
  ScheduleChoice choice_of_root(const WorkShape& shape);
  void run(WorkItem work);
  bool take_completions();
  void rest();

  const std::unique_ptr<Runtime> runtime_;
  const std::shared_ptr<Arena> arena_;  // where the tensors are to be; null: anywhere
  std::vector<std::byte*> allocated_;
  DataPlane& plane_;
  const bool several_hosts_;
  const int spins_;
  int waited_ = 0;  // turns in which nothing moved, since something last did
  std::uint64_t last_id_ = 0;
  std::uint64_t awaited_ = 0;
  std::uint64_t big_ = 0;
  bool big_done_ = true;
  std::vector<WorkSegment> spent_;  // memory for the next item
  WorkShape known_shape_;           // of known_choice_
  ScheduleChoice known_choice_ = 0;
};

WorkItem EngineDoor::item(CollectiveKind kind, DType dtype, std::size_t element_count) {
  const ScheduleChoice choice =
      choice_for({.kind = kind,
                  .dtype = dtype,
                  .element_count = element_count,
                  .within_reach = kind != CollectiveKind::allreduce ||
                                  (arena_ != nullptr && dtype == DType::float32)});
  return blank_item(kind, dtype, choice);
}

WorkItem EngineDoor::blank_item(CollectiveKind kind, DType dtype, ScheduleChoice choice) {
  WorkItem work;
  work.id = ++last_id_;
  work.segments = std::move(spent_);
  work.segments.clear();
  work.kind = kind;
  work.dtype = dtype;
  work.choice = choice;
  return work;
}

WorkItem EngineDoor::vector_item(CollectiveKind kind, float* data, std::size_t count) {
  WorkItem work = item(kind, DType::float32, count);
  auto* bytes = reinterpret_cast<std::byte*>(data);
  work.segments.push_back({bytes, bytes, count});
  return work;
}

WorkItem EngineDoor::block_item(CollectiveKind kind, const float* in, float* out,
                                std::size_t count) {
  const auto ranks = static_cast<std::size_t>(size());
  WorkItem work = item(kind, DType::float32, count * ranks);
  work.segments.push_back(
      {reinterpret_cast<const std::byte*>(in), reinterpret_cast<std::byte*>(out), 0});
  work.counts.assign(ranks, count);
  return work;
}

// Each rank chooses by itself what the root would, for the settings are equal on all; but not what
// the root may have learnt since the last item.
ScheduleChoice EngineDoor::choice_for(const WorkShape& shape) {
  if (may_learn(shape)) {
    return choice_of_root(shape);
  }
  if (known_choice_ == 0 || shape.kind != known_shape_.kind || shape.dtype != known_shape_.dtype ||
      shape.within_reach != known_shape_.within_reach ||
      shape.element_count != known_shape_.element_count) {
    if (!has_algorithm(shape.kind)) {
      throw peers::Unsupported(str("the engine has no ", collective_name(shape.kind), " yet"));
    }
    known_shape_ = shape;
    known_choice_ = plane_.choose(shape);
  }
  return known_choice_;
}

bool EngineDoor::may_learn(const WorkShape& shape) const {
  return find_algorithm(shape.kind, Algorithm::single_copy) != nullptr &&
         shape.element_count * dtype_bytes(shape.dtype) >= kLearnsFromBytes;
}

// An item of 8 bytes, for one that takes a hundred times as long.
ScheduleChoice EngineDoor::choice_of_root(const WorkShape& shape) {
  ScheduleChoice choice = rank() == 0 ? plane_.choose(shape) : 0;
  WorkItem work = blank_item(
      CollectiveKind::broadcast, DType::uint8,
      plane_.choose({.kind = CollectiveKind::broadcast, .element_count = sizeof choice}));
  auto* bytes = reinterpret_cast<std::byte*>(&choice);
  work.segments.push_back({bytes, bytes, sizeof choice});
  run(std::move(work));
  return choice;
}

float* EngineDoor::allocate(std::size_t count) {
  if (arena_ == nullptr) {
    return nullptr;
  }
  Result<std::byte*> memory = arena_->allocate(count * sizeof(float));
  check(memory.status());
  allocated_.push_back(*memory);
  return reinterpret_cast<float*>(*memory);
}

void EngineDoor::forget_buffers() {
  barrier();
  for (const std::byte* memory : allocated_) {
    check(arena_->release(memory));
  }
  allocated_.clear();
}

void EngineDoor::max_over_ranks(double* values, std::size_t count) {
  auto* bytes = reinterpret_cast<std::byte*>(values);
  WorkItem work = item(CollectiveKind::allreduce, DType::float64, count);
  work.op = ReduceOp::max;
  work.segments.push_back({bytes, bytes, count});
  run(std::move(work));
}

void EngineDoor::allreduce_list(const std::vector<peers::Tensor>& tensors) {
  std::size_t total = 0;
  for (const peers::Tensor& tensor : tensors) {
    total += tensor.count;
  }
  WorkItem work = item(CollectiveKind::allreduce, DType::float32, total);
  work.segments.reserve(tensors.size());
  for (const peers::Tensor& tensor : tensors) {
    auto* bytes = reinterpret_cast<std::byte*>(tensor.data);
    work.segments.push_back({bytes, bytes, tensor.count});
  }
  run(std::move(work));
}

void EngineDoor::run(WorkItem work) {
  awaited_ = work.id;
  plane_.start(std::move(work));
  for (;;) {
    const bool moved = plane_.progress();
    if (take_completions()) {
      break;
    }
    if (!moved) {
      rest();
    }
  }
  waited_ = 0;
}

// True if the awaited item is among them.
bool EngineDoor::take_completions() {
  WorkCompletion completion;
  bool found = false;
  while (plane_.take_completion(completion)) {
    check(completion.status);
    spent_ = std::move(completion.spent.segments);
    found = found || completion.work_id == awaited_;
    big_done_ = big_done_ || completion.work_id == big_;
  }
  return found;
}

void EngineDoor::rest() {
  ++waited_;
  if (several_hosts_ && waited_ % kTurnsBetweenPollsOfHosts == 0) {
    runtime_->idle().poll();
  }
  if (waited_ > spins_) {
    if (waited_ % kTurnsBetweenPolls == 0) {
      runtime_->idle().poll();
    }
    ::sched_yield();
  }
  pause_core();
}

}  // namespace

std::unique_ptr<peers::Collectives> open_engine_door(const peers::Options& options) {
  RuntimeOptions runtime_options;
  runtime_options.engine_only = true;
  std::shared_ptr<Arena> arena;
  if (options.number("arena", 0) != 0) {
    auto made = process_arena();
    check(made.status());
    arena = std::move(made).value();
    runtime_options.arena = arena;
  }
  std::uint64_t join_count = 0;
  auto runtime = Runtime::create(runtime_options, join_count);
  check(runtime.status());
  // As the floor peer does it: ranks that share cores yield at once.
  const bool own_core = (*runtime)->place().local_size <= (*runtime)->host_cores();
  const int spins = static_cast<int>(options.number("spins", own_core ? kSpins : 0));
  return std::make_unique<EngineDoor>(std::move(runtime).value(), spins, std::move(arena));
}

}  // namespace hvd::bench
