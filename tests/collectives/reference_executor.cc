#include "tests/collectives/reference_executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>

#include "collectives/kernels/elements.h"
#include "collectives/kernels/reduce.h"
#include "collectives/kernels/scale.h"
#include "collectives/verifier/op_rules.h"
#include "core/base/str.h"

namespace hvd {
namespace {

class Machine {
 public:
  Machine(const std::vector<Schedule>& schedules, const std::vector<std::vector<std::byte>>& inputs,
          const Arithmetic& arithmetic, int edge_slot_count, std::uint64_t seed)
      : schedules_(schedules),
        arithmetic_(arithmetic),
        bytes_(dtype_bytes(arithmetic.dtype)),
        slot_count_(static_cast<std::size_t>(edge_slot_count)),
        random_(seed),
        ranks_(schedules.size()),
        edges_(schedules.size() * schedules.size()) {
    for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
      start_rank(rank, inputs[rank]);
    }
  }

  // Each turn, a random rank runs a random number of ops, until nobody can.
  ReferenceResult run() {
    std::vector<std::size_t> runnable(ranks_.size());
    while (true) {
      runnable.clear();
      for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
        if (can_run(rank)) {
          runnable.push_back(rank);
        }
      }
      if (runnable.empty()) {
        return result();
      }
      const std::size_t rank = runnable[random_.below(runnable.size())];
      for (std::uint64_t left = random_.below(4) + 1; left > 0 && can_run(rank); --left) {
        run_op(rank, schedules_[rank].ops[ranks_[rank].next_op]);
        ++ranks_[rank].next_op;
        note_exit(rank);
      }
    }
  }

 private:
  struct RankState {
    std::size_t next_op = 0;
    bool saw_all_enter = true;
    std::vector<std::byte> input;
    std::vector<std::byte> output;
    std::vector<std::byte> scratch;
    std::vector<std::byte> slot;
    std::map<std::uint32_t, std::uint32_t> flags;
  };

  void start_rank(std::size_t rank, const std::vector<std::byte>& input) {
    const Schedule& schedule = schedules_[rank];
    RankState& state = ranks_[rank];
    const auto garbage = [&](std::uint64_t count) {
      return std::vector<std::byte>(count * bytes_, std::byte{0x5a});
    };
    state.input = input;
    state.output = garbage(schedule.element_count);
    state.scratch = garbage(schedule.scratch_element_count);
    state.slot = garbage(schedule.slot_element_count);
    if (schedule.in_place) {
      std::uint64_t offset = 0;
      for (std::size_t other = 0; other < rank && other < schedule.counts.size(); ++other) {
        offset += schedule.counts[other];
      }
      std::copy(input.begin(), input.end(),
                state.output.begin() + static_cast<std::ptrdiff_t>(offset * bytes_));
    }
  }

  bool can_run(std::size_t rank) {
    const RankState& state = ranks_[rank];
    if (broken_ || state.next_op == schedules_[rank].ops.size()) {
      return false;
    }
    const Op& op = schedules_[rank].ops[state.next_op];
    const auto peer = static_cast<std::size_t>(op.peer);
    switch (op.kind) {
      case OpKind::send:
        return edge(rank, peer).size() < slot_count_;
      case OpKind::recv:
      case OpKind::recv_reduce:
        return !edge(peer, rank).empty();
      case OpKind::wait:
        return ranks_[peer].flags[flag_of(op)] >= value_of(op);
      case OpKind::copy:
      case OpKind::reduce:
      case OpKind::post:
        return true;
      case OpKind::wait_all:
      case OpKind::reduce_slots:
        return false;
    }
    return false;
  }

  void run_op(std::size_t rank, const Op& op) {
    const auto peer = static_cast<std::size_t>(op.peer);
    switch (op.kind) {
      case OpKind::copy:
        move(rank, op, address(rank, op, false));
        return;
      case OpKind::reduce: {
        std::byte* dst = address(rank, op, true);
        combine(dst, dst, address(rank, op, false), op);
        scale_result(rank, op);
        return;
      }
      case OpKind::send: {
        const std::byte* src = address(rank, op, false);
        edge(rank, peer).emplace_back(src, src + op.count * bytes_);
        return;
      }
      case OpKind::recv:
      case OpKind::recv_reduce:
        receive(rank, op, edge(peer, rank));
        return;
      case OpKind::post:
        ranks_[rank].flags[flag_of(op)] = value_of(op);
        return;
      case OpKind::wait:
      case OpKind::wait_all:
      case OpKind::reduce_slots:
        return;
    }
  }

  void receive(std::size_t rank, const Op& op, std::deque<std::vector<std::byte>>& from) {
    const std::vector<std::byte> chunk = std::move(from.front());
    from.pop_front();
    if (chunk.size() != op.count * bytes_) {
      broken_ = true;
      return;
    }
    if (op.kind == OpKind::recv) {
      move(rank, op, chunk.data());
      return;
    }
    combine(address(rank, op, true), address(rank, op, false), chunk.data(), op);
    scale_result(rank, op);
  }

  void combine(std::byte* dst, const std::byte* ours, const std::byte* theirs, const Op& op) {
    const bool reversed = (op.flags & kReverseOperands) != 0;
    reduce(dst, reversed ? theirs : ours, reversed ? ours : theirs, op.count, arithmetic_.dtype,
           arithmetic_.op);
  }
  void move(std::size_t rank, const Op& op, const std::byte* src) {
    if (op.count > 0) {
      std::memmove(address(rank, op, true), src, op.count * bytes_);
    }
    scale_result(rank, op);
  }
  void scale_result(std::size_t rank, const Op& op) {
    std::byte* dst = address(rank, op, true);
    if ((op.flags & kScalePre) != 0) {
      scale(dst, dst, arithmetic_.prescale, op.count, arithmetic_.dtype);
    }
    if ((op.flags & kScalePost) != 0) {
      scale(dst, dst, arithmetic_.postscale, op.count, arithmetic_.dtype);
    }
  }

  std::byte* address(std::size_t rank, const Op& op, bool is_dst) {
    const std::uint64_t offset = (is_dst ? op.dst_offset : op.src_offset) * bytes_;
    switch (storage_of(schedules_[rank], is_dst ? op.dst : op.src)) {
      case BufferKind::input:
        return ranks_[rank].input.data() + offset;
      case BufferKind::output:
        return ranks_[rank].output.data() + offset;
      case BufferKind::scratch:
        return ranks_[rank].scratch.data() + offset;
      case BufferKind::slot:
        return ranks_[static_cast<std::size_t>(op.peer)].slot.data() + offset;
      case BufferKind::none:
      case BufferKind::peer_input:
      case BufferKind::peer_output:
        return nullptr;
    }
    return nullptr;
  }

  // A rank with ops has entered when it ran the first one.
  void note_exit(std::size_t rank) {
    if (ranks_[rank].next_op < schedules_[rank].ops.size()) {
      return;
    }
    for (std::size_t other = 0; other < ranks_.size(); ++other) {
      if (ranks_[other].next_op == 0) {
        ranks_[rank].saw_all_enter = false;
      }
    }
  }

  ReferenceResult result() {
    ReferenceResult result;
    result.finished = !broken_;
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      const bool has_ops = !schedules_[rank].ops.empty();
      result.finished = result.finished && ranks_[rank].next_op == schedules_[rank].ops.size();
      result.saw_all_enter.push_back(ranks_[rank].saw_all_enter && (has_ops || ranks_.size() == 1));
      result.outputs.push_back(std::move(ranks_[rank].output));
    }
    for (const auto& chunks : edges_) {
      result.finished = result.finished && chunks.empty();
    }
    return result;
  }

  std::deque<std::vector<std::byte>>& edge(std::size_t from, std::size_t to) {
    return edges_[from * ranks_.size() + to];
  }

  const std::vector<Schedule>& schedules_;
  const Arithmetic arithmetic_;
  const std::size_t bytes_;
  const std::size_t slot_count_;
  Random random_;
  bool broken_ = false;
  std::vector<RankState> ranks_;
  std::vector<std::deque<std::vector<std::byte>>> edges_;
};

double combined(double a, double b, ReduceOp op) {
  switch (op) {
    case ReduceOp::min:
      return std::min(a, b);
    case ReduceOp::max:
      return std::max(a, b);
    case ReduceOp::product:
      return a * b;
    default:
      return a + b;
  }
}

// What rounding may do to a result of this size, over as many operations as there are ranks.
double tolerance(DType dtype, double magnitude, std::size_t rank_count) {
  const double unit = dtype == DType::float16    ? 0x1p-10
                      : dtype == DType::bfloat16 ? 0x1p-7
                      : dtype == DType::float32  ? 0x1p-23
                                                 : 0x1p-52;
  return is_floating(dtype) ? unit * magnitude * static_cast<double>(rank_count + 2) : 1.0;
}

// Where element i of a copying collective's output comes from.
double expected_copy(const Schedule& schedule, const std::vector<std::vector<std::byte>>& inputs,
                     std::size_t i, DType dtype) {
  if (schedule.kind == CollectiveKind::broadcast) {
    return element_as_double(inputs[schedule.root.index()].data(), i, dtype);
  }
  std::size_t source = 0;
  while (i >= schedule.counts[source]) {
    i -= schedule.counts[source++];
  }
  return element_as_double(inputs[source].data(), i, dtype);
}

struct Expected {
  double value = 0;
  double error_most = 0;
};

Expected expected_element(const std::vector<Schedule>& schedules,
                          const std::vector<std::vector<std::byte>>& inputs,
                          const Arithmetic& arithmetic, std::size_t i) {
  if (schedules.front().kind != CollectiveKind::allreduce) {
    return {expected_copy(schedules.front(), inputs, i, arithmetic.dtype), 0};
  }
  const double pre = schedules.front().prescale ? arithmetic.prescale : 1.0;
  const double post = schedules.front().postscale ? arithmetic.postscale : 1.0;
  double value = element_as_double(inputs[0].data(), i, arithmetic.dtype) * pre;
  double magnitude = std::abs(value);
  for (std::size_t rank = 1; rank < inputs.size(); ++rank) {
    const double next = element_as_double(inputs[rank].data(), i, arithmetic.dtype) * pre;
    // The sum of booleans is their logical or.
    value =
        combined(value, next, arithmetic.dtype == DType::boolean ? ReduceOp::max : arithmetic.op);
    magnitude = arithmetic.op == ReduceOp::product ? std::abs(value) : magnitude + std::abs(next);
  }
  return {value * post, tolerance(arithmetic.dtype, magnitude * std::abs(post), inputs.size())};
}

}  // namespace

double element_as_double(const std::byte* base, std::size_t i, DType dtype) {
  switch (dtype) {
    case DType::float16:
      return load<HalfElement>(base, i);
    case DType::bfloat16:
      return load<Bfloat16Element>(base, i);
    case DType::float32:
      return load<PlainElement<float>>(base, i);
    case DType::float64:
      return load<PlainElement<double>>(base, i);
    case DType::int32:
      return load<PlainElement<std::int32_t>>(base, i);
    case DType::int64:
      return static_cast<double>(load<PlainElement<std::int64_t>>(base, i));
    case DType::int16:
      return load<PlainElement<std::int16_t>>(base, i);
    case DType::uint16:
      return load<PlainElement<std::uint16_t>>(base, i);
    case DType::int8:
      return load<PlainElement<std::int8_t>>(base, i);
    case DType::uint8:
      return load<PlainElement<std::uint8_t>>(base, i);
    case DType::boolean:
      return load<BoolElement>(base, i) ? 1 : 0;
    default:
      return 0;
  }
}

void set_element(std::byte* base, std::size_t i, DType dtype, double value) {
  switch (dtype) {
    case DType::float16:
      return store<HalfElement>(base, i, static_cast<float>(value));
    case DType::bfloat16:
      return store<Bfloat16Element>(base, i, static_cast<float>(value));
    case DType::float32:
      return store<PlainElement<float>>(base, i, static_cast<float>(value));
    case DType::float64:
      return store<PlainElement<double>>(base, i, value);
    case DType::int32:
      return store<PlainElement<std::int32_t>>(base, i, static_cast<std::int32_t>(value));
    case DType::int64:
      return store<PlainElement<std::int64_t>>(base, i, static_cast<std::int64_t>(value));
    case DType::int16:
      return store<PlainElement<std::int16_t>>(base, i, static_cast<std::int16_t>(value));
    case DType::uint16:
      return store<PlainElement<std::uint16_t>>(base, i, static_cast<std::uint16_t>(value));
    case DType::int8:
      return store<PlainElement<std::int8_t>>(base, i, static_cast<std::int8_t>(value));
    case DType::uint8:
      return store<PlainElement<std::uint8_t>>(base, i, static_cast<std::uint8_t>(value));
    case DType::boolean:
      return store<BoolElement>(base, i, value != 0);
    default:
      return;
  }
}

ReferenceResult execute_schedules(const std::vector<Schedule>& schedules,
                                  const std::vector<std::vector<std::byte>>& inputs,
                                  const Arithmetic& arithmetic, int edge_slot_count,
                                  std::uint64_t seed) {
  return Machine(schedules, inputs, arithmetic, edge_slot_count, seed).run();
}

std::vector<std::vector<std::byte>> random_inputs(const std::vector<Schedule>& schedules,
                                                  DType dtype, Random& random) {
  std::vector<std::vector<std::byte>> inputs;
  for (const Schedule& schedule : schedules) {
    const std::uint64_t count = schedule.kind == CollectiveKind::allgather
                                    ? schedule.counts[schedule.rank.index()]
                                    : schedule.element_count;
    std::vector<std::byte> input(count * dtype_bytes(dtype));
    for (std::uint64_t i = 0; i < count; ++i) {
      // Around 1 for fp types, so that products keep their size; few and small for integers.
      const double value = is_floating(dtype)        ? 0.5 + random.unit() * 1.5
                           : dtype == DType::boolean ? static_cast<double>(random.below(2))
                           : dtype_bytes(dtype) == 1 ? static_cast<double>(random.below(8))
                                                     : static_cast<double>(random.below(5)) + 1;
      set_element(input.data(), i, dtype, value);
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::string result_fault(const std::vector<Schedule>& schedules,
                         const std::vector<std::vector<std::byte>>& inputs,
                         const Arithmetic& arithmetic, const ReferenceResult& result) {
  if (!result.finished) {
    return "it did not come to its end";
  }
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    if (schedules[rank].kind == CollectiveKind::barrier && !result.saw_all_enter[rank]) {
      return str("rank ", rank, " left the barrier before another had entered");
    }
    if (result.outputs[rank] != result.outputs[0]) {
      return str("rank ", rank, " has other bits than rank 0");
    }
  }
  for (std::size_t i = 0; i < schedules.front().element_count; ++i) {
    const Expected expected = expected_element(schedules, inputs, arithmetic, i);
    const double value = element_as_double(result.outputs[0].data(), i, arithmetic.dtype);
    if (!(std::abs(value - expected.value) <= expected.error_most)) {
      return str("element ", i, " is ", value, ", expected ", expected.value);
    }
  }
  return "";
}

}  // namespace hvd
