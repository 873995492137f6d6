#include "tests/sim/training_program.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/base/str.h"

namespace hvd::sim {
namespace {

enum class Waits { none, all, one };

struct Batch {
  std::vector<std::size_t> uses;
  Waits waits = Waits::none;
};

class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed ^ 0x747261696e696e67ULL) {
    program_.seed = seed;
  }

  Program write() {
    rank_count_ = 1 + static_cast<int>(random_.below(5));
    program_.ranks.resize(static_cast<std::size_t>(rank_count_));
    settings();
    const std::size_t step_count = 4 + random_.below(28);
    for (std::size_t step = 0; step < step_count; ++step) {
      add_step();
    }
    for (RankProgram& rank : program_.ranks) {
      write_rank(rank);
    }
    if (one_in(4)) {
      add_trouble(random_, program_);
    }
    return std::move(program_);
  }

 private:
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }

  void settings() {
    Config& config = program_.config;
    config.heartbeat_seconds = 30;
    config.stall_warning_seconds = one_in(2) ? 10 : 0;
    constexpr std::array<std::int64_t, 3> limits = {0, 60, 128 << 20};
    config.fusion_bytes_max = limits[random_.below(limits.size())];
    config.plan_cycles = 1 + static_cast<std::int64_t>(random_.below(3));
    constexpr std::array<Nanos, 3> delays = {10 * kMicrosecond, kMillisecond, 20 * kMillisecond};
    program_.message_delay_most = delays[random_.below(delays.size())];
    program_.words_by_message = one_in(3);
    blocking_ = one_in(5);
    unnamed_ = one_in(3) ? 1 + random_.below(3) : 0;
    const std::size_t tensor_count = 1 + random_.below(7);
    for (std::size_t n = 0; n < tensor_count; ++n) {
      tensors_.push_back(tensor(str("g", n)));
    }
    if (one_in(4)) {
      tensors_.push_back(tensors_[random_.below(tensors_.size())]);  // twice in a step
    }
  }

  Use tensor(std::string name) {
    constexpr std::array<CollectiveKind, 8> kinds = {
        CollectiveKind::allreduce, CollectiveKind::allreduce,      CollectiveKind::allreduce,
        CollectiveKind::allgather, CollectiveKind::reduce_scatter, CollectiveKind::alltoall,
        CollectiveKind::broadcast, CollectiveKind::barrier};
    Use use;
    use.name = std::move(name);
    use.kind = kinds[random_.below(kinds.size())];
    use.shape = Shape(std::array<std::int64_t, 2>{static_cast<std::int64_t>(random_.below(4)), 3});
    use.dtype = one_in(2) ? DType::float32 : DType::int64;
    use.op = use.dtype == DType::float32 ? ReduceOp::average : ReduceOp::sum;
    use.root = Rank(static_cast<int>(random_.below(static_cast<std::uint64_t>(rank_count_))));
    return use;
  }

  void add_step() {
    std::vector<Use> step = tensors_;
    if (one_in(8)) {
      step.resize(1 + random_.below(step.size()));  // parameters that this step has no use for
    }
    for (Use& use : step) {
      if (one_in(60)) {
        use.shape.set(1, 3 + static_cast<std::int64_t>(random_.below(3)));  // on all ranks
      }
    }
    if (one_in(5)) {
      step.push_back(tensor(str("metric", random_.below(3))));
    }
    if (one_in(6)) {
      std::swap(step[random_.below(step.size())], step.back());
    }
    for (std::size_t n = 0; n < unnamed_; ++n) {
      Use use = tensors_.front();
      use.kind = CollectiveKind::allreduce;
      use.name = str("allreduce.noname.", unnamed_count_++);
      use.unnamed = unnamed_count_;
      step.insert(step.begin() + static_cast<std::ptrdiff_t>(random_.below(step.size() + 1)), use);
    }
    part_into_batches(step);
  }

  void part_into_batches(const std::vector<Use>& step) {
    constexpr std::array<Waits, 3> waits = {Waits::none, Waits::all, Waits::one};
    std::size_t begin = 0;
    while (begin < step.size()) {
      const std::size_t left = step.size() - begin;
      const std::size_t size = blocking_ ? 1 : one_in(2) ? left : 1 + random_.below(left);
      Batch batch{{}, blocking_ ? Waits::all : waits[random_.below(waits.size())]};
      std::map<std::string, int> names;
      for (std::size_t i = begin; i < begin + size && ++names[step[i].name] == 1; ++i) {
        batch.uses.push_back(program_.uses.size());
        program_.uses.push_back(step[i]);
      }
      begin += batch.uses.size();
      batches_.push_back(std::move(batch));
    }
  }

  void write_rank(RankProgram& mine) {
    const std::array<Nanos, 4> paces = {100 * kMicrosecond, 100 * kMicrosecond, kMillisecond,
                                        20 * kMillisecond};
    const Nanos pace = paces[random_.below(paces.size())];
    std::map<std::string, std::size_t> open;  // the last use of a name that nobody has waited for
    for (const Batch& batch : batches_) {
      std::vector<std::size_t> order = batch.uses;
      shuffle(order);
      for (const std::size_t use : order) {
        if (one_in(2)) {
          think(mine, static_cast<Nanos>(random_.below(static_cast<std::uint64_t>(2 * pace))));
        }
        wait_for(mine, open, program_.uses[use].name);
        mine.steps.push_back({Step::Kind::submit, use, 0});
        open[program_.uses[use].name] = use;
      }
      shuffle(order);
      const std::size_t wait_count = batch.waits == Waits::all   ? order.size()
                                     : batch.waits == Waits::one ? 1
                                                                 : 0;
      for (std::size_t i = 0; i < wait_count; ++i) {
        wait_for(mine, open, program_.uses[order[i]].name);
      }
    }
    if (one_in(4) && !mine.steps.empty()) {
      mine.steps.insert(
          mine.steps.begin() + static_cast<std::ptrdiff_t>(random_.below(mine.steps.size())),
          {Step::Kind::think, 0, 20 * kSecond});
    }
    for (const auto& [name, use] : std::map(open)) {
      wait_for(mine, open, name);
    }
  }

  static void think(RankProgram& mine, Nanos pause) {
    mine.steps.push_back({Step::Kind::think, 0, pause});
  }

  static void wait_for(RankProgram& mine, std::map<std::string, std::size_t>& open,
                       const std::string& name) {
    if (const auto at = open.find(name); at != open.end()) {
      mine.steps.push_back({Step::Kind::wait, at->second, 0});
      open.erase(at);
    }
  }

  void shuffle(std::vector<std::size_t>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[random_.below(i)]);
    }
  }

  Random random_;
  Program program_;
  int rank_count_ = 1;
  bool blocking_ = false;
  std::size_t unnamed_ = 0;  // operations without a name in each step
  std::uint64_t unnamed_count_ = 0;
  std::vector<Use> tensors_;
  std::vector<Batch> batches_;
};

}  // namespace

Program training_program(std::uint64_t seed) { return Writer(seed).write(); }

}  // namespace hvd::sim
