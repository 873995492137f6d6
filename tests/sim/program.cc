#include "tests/sim/program.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/str.h"

namespace hvd::sim {
namespace {

bool one_in(Random& random, std::uint64_t n) { return random.below(n) == 0; }

Rank any_rank(Random& random, int rank_count) {
  return Rank(static_cast<int>(random.below(static_cast<std::uint64_t>(rank_count))));
}

Shape shape_of(std::int64_t a, std::int64_t b) {
  const std::array<std::int64_t, 2> sizes = {a, b};
  return Shape(sizes);
}

bool makes_a_difference(Wrong wrong, CollectiveKind kind) {
  switch (wrong) {
    case Wrong::nothing:
      return false;
    case Wrong::shape:
    case Wrong::dtype:
      return kind != CollectiveKind::barrier && kind != CollectiveKind::scatter;
    case Wrong::reduction:
      return reduces(kind);
    case Wrong::root:
      return has_root(kind);
    case Wrong::kind:
      return !is_point_to_point(kind);
  }
  return false;
}

void cut(Random& random, Program& program, Rank rank) {
  RankProgram& mine = program.ranks[rank.index()];
  mine.steps.resize(random.below(mine.steps.size() + 1));
  mine.leaves_early = true;
}

class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed ^ 0x70726f6772616dULL) {
    program_.seed = seed;
  }

  Program write() {
    rank_count_ = 1 + static_cast<int>(random_.below(9));
    program_.ranks.resize(static_cast<std::size_t>(rank_count_));
    settings();
    names();
    const std::size_t round_count = 1 + random_.below(one_in(random_, 2) ? 5 : 16);
    for (std::size_t round = 0; round < round_count; ++round) {
      add_round(round, round + 1 == round_count);
    }
    for (int r = 0; r < rank_count_; ++r) {
      write_rank(Rank(r), round_count);
    }
    add_trouble(random_, program_);
    return std::move(program_);
  }

 private:
  void settings() {
    Config& config = program_.config;
    config.heartbeat_seconds = 30;
    config.stall_warning_seconds = one_in(random_, 4) ? 0 : 0.05;
    constexpr std::array<std::int64_t, 4> limits = {0, 40, 1000, 128 << 20};
    config.fusion_bytes_max = limits[random_.below(limits.size())];
    constexpr std::array<Nanos, 3> delays = {10 * kMicrosecond, kMillisecond, 50 * kMillisecond};
    program_.message_delay_most = delays[random_.below(delays.size())];
    config.plan_cycles = static_cast<std::int64_t>(random_.below(4));
    program_.words_by_message = one_in(random_, 3);
    mistakes_ = one_in(random_, 3);
    deadlines_ = one_in(random_, 3);
  }

  void names() {
    const std::size_t count = 1 + random_.below(6);
    for (std::size_t n = 0; n < count; ++n) {
      Use use;
      // The last one, recv, is the other half of a send.
      use.kind = static_cast<CollectiveKind>(random_.below(kCollectiveKindCount - 1));
      use.name = str("t", n);
      use.shape = shape_of(static_cast<std::int64_t>(random_.below(4)), 3);
      use.dtype = one_in(random_, 2) ? DType::float32 : DType::int64;
      // An average of integers would be cut off, which is the kernels' business.
      use.op = use.dtype == DType::float32 ? ReduceOp::average : ReduceOp::sum;
      use.root = any_rank(random_, rank_count_);
      use.even = one_in(random_, 2);
      make_message(use, static_cast<std::int32_t>(n));
      if (deadlines_ && one_in(random_, 2)) {
        use.deadline = static_cast<Nanos>(random_.below(kSecond)) + 200 * kMillisecond;
      }
      names_.push_back(use);
    }
  }

  void make_message(Use& use, std::int32_t tag) {
    if (use.kind != CollectiveKind::send) {
      return;
    }
    if (rank_count_ == 1) {
      use.kind = CollectiveKind::barrier;
      return;
    }
    use.tag = tag;
    const int distance =
        1 + static_cast<int>(random_.below(static_cast<std::uint64_t>(rank_count_ - 1)));
    use.destination = Rank((use.root.value + distance) % rank_count_);
  }

  // One of those that the use concerns.
  Rank somebody(const Use& use) {
    const Rank rank = any_rank(random_, rank_count_);
    return use.concerns(rank) ? rank : use.root;
  }

  void add_round(std::size_t round, bool last) {
    for (const Use& name : names_) {
      Use use = name;
      use.round = round;
      if (mistakes_ && rank_count_ > 1 && one_in(random_, 4)) {
        use.wrong = static_cast<Wrong>(1 + random_.below(5));
        use.wrong_rank = somebody(use);
        use.wrong = makes_a_difference(use.wrong, use.kind) ? use.wrong : Wrong::nothing;
      }
      if (last && use.deadline > 0 && rank_count_ > 1 && one_in(random_, 3)) {
        use.skipped_by = somebody(use);
      }
      program_.uses.push_back(use);
    }
  }

  // Every wait comes after all submissions of its use's round, so that waiting in any order is no
  // mistake of the program.
  void write_rank(Rank rank, std::size_t round_count) {
    RankProgram& mine = program_.ranks[rank.index()];
    std::vector<std::size_t> open;
    for (std::size_t round = 0; round < round_count; ++round) {
      std::vector<std::size_t> todo;
      for (std::size_t n = 0; n < names_.size(); ++n) {
        todo.push_back(round * names_.size() + n);
      }
      shuffle(todo);
      for (const std::size_t use : todo) {
        maybe_think(mine, program_.uses[use].deadline);
        const auto before = std::find(open.begin(), open.end(), use - names_.size());
        if (before != open.end()) {
          mine.steps.push_back({Step::Kind::wait, *before, 0});
          open.erase(before);
        }
        if (program_.uses[use].skipped_by != rank && program_.uses[use].concerns(rank)) {
          mine.steps.push_back({Step::Kind::submit, use, 0});
          open.push_back(use);
        }
      }
      shuffle(open);
      for (std::size_t keep = random_.below(open.size() + 1); open.size() > keep; open.pop_back()) {
        maybe_think(mine, 0);
        mine.steps.push_back({Step::Kind::wait, open.back(), 0});
      }
    }
    if (!one_in(random_, 16)) {
      for (const std::size_t use : open) {
        mine.steps.push_back({Step::Kind::wait, use, 0});
      }
    } else {
      mine.leaves_early = !open.empty();
    }
  }

  void maybe_think(RankProgram& mine, Nanos deadline) {
    if (deadline > 0 && one_in(random_, 4)) {
      mine.steps.push_back(
          {Step::Kind::think, 0,
           static_cast<Nanos>(random_.below(static_cast<std::uint64_t>(4 * deadline)))});
    } else if (one_in(random_, 3)) {
      mine.steps.push_back(
          {Step::Kind::think, 0,
           static_cast<Nanos>(random_.below(one_in(random_, 10) ? kSecond : kMillisecond))});
    }
  }

  void shuffle(std::vector<std::size_t>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[random_.below(i)]);
    }
  }

  Random random_;
  Program program_;
  std::vector<Use> names_;
  int rank_count_ = 1;
  bool mistakes_ = false;
  bool deadlines_ = false;
};

}  // namespace

void add_trouble(Random& random, Program& program) {
  program.trouble_after =
      static_cast<Nanos>(random.below(one_in(random, 2) ? 10 * kMillisecond : kSecond));
  const int rank_count = program.rank_count();
  const Rank victim = any_rank(random, rank_count);
  switch (random.below(12)) {
    case 0:
    case 1:
      program.killed = victim;
      break;
    case 2:
      program.frozen = victim;
      break;
    case 3:
      program.napping = victim;
      break;
    case 4:
    case 5:
      cut(random, program, victim);
      break;
    default:
      break;
  }
  if ((program.killed || program.napping) && victim != kRoot && one_in(random, 4)) {
    cut(random, program,
        Rank(1 + static_cast<int>(random.below(static_cast<std::uint64_t>(rank_count - 1)))));
  }
}

bool Program::anyone_leaves_early() const {
  return std::any_of(ranks.begin(), ranks.end(),
                     [](const RankProgram& rank) { return rank.leaves_early; });
}

Program random_program(std::uint64_t seed) { return Writer(seed).write(); }

double element_of(std::uint64_t seed, Rank rank, std::size_t index) {
  return static_cast<double>((seed * 7 + static_cast<std::uint64_t>(rank.value) * 13 + index * 3) %
                             50);
}

namespace {

// Rows that a rank has, and how it deals them out.
void set_rows(const Use& use, Rank rank, int rank_count, Request& request) {
  const std::int64_t mine = use.shape[0] + (use.kind == CollectiveKind::alltoall ? rank.value : 0);
  if (has_splits(use.kind) && !use.even) {
    std::int64_t sum = 0;
    for (int r = 0; r < rank_count; ++r) {
      request.splits.push_back((mine + r) % 3);
      sum += request.splits.back();
    }
    // An alltoall may leave rows at home.
    request.input.shape.set(0, sum + (use.kind == CollectiveKind::alltoall ? rank.value % 2 : 0));
  } else if (use.kind == CollectiveKind::alltoall) {
    request.input.shape.set(0, mine % 3 * rank_count);
  } else if (use.kind == CollectiveKind::allgather || use.kind == CollectiveKind::gather) {
    request.input.shape.set(0, (mine + rank.value) % 4);
  }
}

void make_mistake(const Use& use, Request& request) {
  switch (use.wrong) {
    case Wrong::nothing:
      break;
    case Wrong::shape:
      // A broadcast or allreduce of no elements differs in shape all the same.
      request.input.shape.set(1, 4);
      break;
    case Wrong::dtype:
      request.input.dtype = DType::float64;
      break;
    case Wrong::reduction:
      request.op = ReduceOp::max;
      break;
    case Wrong::root:
      request.root = Rank(use.root.value == 0 ? 1 : 0);
      break;
    case Wrong::kind:
      request.kind = use.kind == CollectiveKind::broadcast ? CollectiveKind::allgather
                                                           : CollectiveKind::broadcast;
      request.splits.clear();
      break;
  }
}

void fill(const Request& request, Rank rank, std::uint64_t seed, std::vector<std::byte>& bytes) {
  bytes.resize(request.input.byte_count());
  const std::size_t size = dtype_bytes(request.input.dtype);
  for (std::size_t i = 0; i < request.input.element_count(); ++i) {
    const double value = element_of(seed, rank, i);
    const auto real = static_cast<float>(value);
    const auto whole = static_cast<std::int64_t>(value);
    std::memcpy(bytes.data() + i * size,
                request.input.dtype == DType::float32 ? static_cast<const void*>(&real) : &whole,
                size);
  }
}

}  // namespace

Request plain_request(const Use& use, Rank rank, int rank_count) {
  Request request;
  request.kind = use.kind;
  request.name = use.name;
  request.op = use.op;
  request.root = use.root;
  request.input.dtype = use.dtype;
  request.input.shape = use.shape;
  request.unnamed = use.unnamed;
  if (use.kind == CollectiveKind::send) {
    request.kind = rank == use.root ? CollectiveKind::send : CollectiveKind::recv;
    request.peer = rank == use.root ? use.destination : use.root;
    request.name = point_to_point_name(use.root, use.destination, use.tag, use.round);
  }
  set_rows(use, rank, rank_count, request);
  return request;
}

Request request_of(const Use& use, Rank rank, int rank_count, std::uint64_t seed,
                   UseMemory& memory) {
  Request request = plain_request(use, rank, rank_count);
  // Of two ranks the earlier deadline counts.
  request.deadline = use.deadline == 0 ? 0 : use.deadline + rank.value * kMillisecond;
  if (use.wrong != Wrong::nothing && use.wrong_rank == rank) {
    make_mistake(use, request);
  }
  fill(request, rank, seed, memory.input);
  memory.input.reserve(1);  // an address, also where there is nothing
  memory.output.resize(std::max<std::size_t>(memory.input.size(), 1));
  request.input.data = memory.input.data();
  request.output =
      request.kind == CollectiveKind::broadcast ? memory.input.data() : memory.output.data();
  if (request.kind == CollectiveKind::recv) {
    request.input.data = nullptr;
  }
  return request;
}

}  // namespace hvd::sim
