#include "tests/collectives/reference_executor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "collectives/kernels/elements.h"
#include "core/base/str.h"
#include "tests/collectives/adasum_reference.h"

namespace hvd {
namespace {

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
  const double unit = dtype == DType::float16       ? 0x1p-10
                      : dtype == DType::bfloat16    ? 0x1p-7
                      : dtype == DType::float8_e4m3 ? 0x1p-3
                      : dtype == DType::float8_e5m2 ? 0x1p-2
                      : dtype == DType::complex64   ? 0x1p-23
                      : dtype == DType::float32     ? 0x1p-23
                                                    : 0x1p-52;
  return is_floating(dtype) || is_complex(dtype)
             ? unit * magnitude * static_cast<double>(rank_count + 2)
             : 1.0;
}

// As the integer type wraps around; whole numbers below 2^63.
double wrapped(double value, DType dtype) {
  const auto whole = static_cast<std::int64_t>(value);
  std::array<std::byte, sizeof(whole)> bytes;
  std::memcpy(bytes.data(), &whole, sizeof(whole));
  return element_as_double(bytes.data(), 0, dtype);
}

// Which elements make element i of a rank's output: of one rank, or of all.
struct Origin {
  bool is_of_all = false;
  std::size_t rank = 0;
  std::uint64_t element = 0;
};

std::uint64_t sum_before(const std::vector<std::uint64_t>& counts, std::size_t rank) {
  return std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(rank),
                         std::uint64_t{0});
}

Origin origin_of(const std::vector<Schedule>& schedules, std::size_t rank, std::uint64_t i) {
  const Schedule& schedule = schedules[rank];
  std::size_t source = 0;
  switch (schedule.kind) {
    case CollectiveKind::allreduce:
    case CollectiveKind::reduce:
      return {true, 0, i};
    case CollectiveKind::reduce_scatter:
      return {true, 0, sum_before(schedule.counts, rank) + i};
    case CollectiveKind::scatter:
      return {false, schedule.root.index(), sum_before(schedule.counts, rank) + i};
    case CollectiveKind::allgather:
    case CollectiveKind::gather:
    case CollectiveKind::alltoall:
      while (i >= schedule.counts[source]) {
        i -= schedule.counts[source++];
      }
      return {false, source,
              i + (schedule.kind == CollectiveKind::alltoall
                       ? sum_before(schedules[source].send_counts, rank)
                       : 0)};
    case CollectiveKind::recv:
      while (schedules[source].kind != CollectiveKind::send ||
             schedules[source].element_count == 0) {
        ++source;
      }
      return {false, source, i};
    case CollectiveKind::broadcast:
    case CollectiveKind::barrier:
    case CollectiveKind::send:
      return {false, schedule.root.index(), i};
  }
  return {};
}

struct Expected {
  double value = 0;
  double error_most = 0;
};

Expected expected_element(const std::vector<Schedule>& schedules,
                          const std::vector<std::vector<std::byte>>& inputs,
                          const Arithmetic& arithmetic, const Origin& origin) {
  const auto element = [&](std::size_t rank) {
    return element_as_double(inputs[rank].data(), origin.element, arithmetic.dtype);
  };
  if (!origin.is_of_all) {
    return {element(origin.rank), 0};
  }
  const double pre = schedules.front().prescale ? arithmetic.prescale : 1.0;
  const double post = schedules.front().postscale ? arithmetic.postscale : 1.0;
  double value = element(0) * pre;
  double magnitude = std::abs(value);
  for (std::size_t rank = 1; rank < inputs.size(); ++rank) {
    const double next = element(rank) * pre;
    // The sum of booleans is their logical or, which is the larger one.
    const bool sum_of_bools = arithmetic.dtype == DType::boolean && arithmetic.op == ReduceOp::sum;
    value = combined(value, next, sum_of_bools ? ReduceOp::max : arithmetic.op);
    magnitude = arithmetic.op == ReduceOp::product ? std::abs(value) : magnitude + std::abs(next);
  }
  if (!is_floating(arithmetic.dtype) && !is_complex(arithmetic.dtype)) {
    value = wrapped(value, arithmetic.dtype);
  }
  const DType rounded_to = schedules.front().narrow ? DType::bfloat16 : arithmetic.dtype;
  return {value * post, tolerance(rounded_to, magnitude * std::abs(post), inputs.size())};
}

std::uint64_t contribution_count(const Schedule& schedule) {
  return schedule.kind == CollectiveKind::allgather
             ? schedule.counts[schedule.rank.index()]
             : buffer_element_count(schedule, BufferKind::input);
}

// The weights follow from products that were rounded too.
constexpr double kAdasumError = 8;

std::string adasum_fault(const std::vector<Schedule>& schedules,
                         const std::vector<std::vector<std::byte>>& inputs,
                         const Arithmetic& arithmetic, const ReferenceResult& result) {
  const double pre = schedules.front().prescale ? arithmetic.prescale : 1.0;
  const double post = schedules.front().postscale ? arithmetic.postscale : 1.0;
  std::vector<std::vector<double>> vectors;
  double largest = 0;
  for (const std::vector<std::byte>& input : inputs) {
    std::vector<double>& vector = vectors.emplace_back();
    for (std::size_t i = 0; i * dtype_bytes(arithmetic.dtype) < input.size(); ++i) {
      vector.push_back(pre * element_as_double(input.data(), i, arithmetic.dtype));
      largest = std::max(largest, std::abs(vector.back()));
    }
  }
  const std::vector<double> expected = adasum_reference(vectors);
  const double magnitude = largest * static_cast<double>(inputs.size()) * post;
  const double most = kAdasumError * tolerance(arithmetic.dtype, magnitude, inputs.size());
  for (std::size_t rank = 0; rank < result.outputs.size(); ++rank) {
    if (result.outputs[rank] != result.outputs[0]) {
      return str("rank ", rank, " has other bits than rank 0");
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double value = element_as_double(result.outputs[rank].data(), i, arithmetic.dtype);
      if (!(std::abs(value - expected[i] * post) <= most)) {
        return str("element ", i, " is ", value, ", expected ", expected[i] * post);
      }
    }
  }
  return "";
}

std::string output_fault(const std::vector<Schedule>& schedules,
                         const std::vector<std::vector<std::byte>>& inputs,
                         const Arithmetic& arithmetic, const ReferenceResult& result,
                         std::size_t rank) {
  const std::vector<std::byte>& output = result.outputs[rank];
  if (schedules[rank].kind == CollectiveKind::allreduce && output != result.outputs[0]) {
    return str("rank ", rank, " has other bits than rank 0");
  }
  for (std::size_t i = 0; i * dtype_bytes(arithmetic.dtype) < output.size(); ++i) {
    const Expected expected =
        expected_element(schedules, inputs, arithmetic, origin_of(schedules, rank, i));
    const double value = element_as_double(output.data(), i, arithmetic.dtype);
    if (!(std::abs(value - expected.value) <= expected.error_most)) {
      return str("element ", i, " of rank ", rank, " is ", value, ", expected ", expected.value);
    }
  }
  return "";
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
    case DType::uint32:
      return load<PlainElement<std::uint32_t>>(base, i);
    case DType::uint64:
      return static_cast<double>(load<PlainElement<std::uint64_t>>(base, i));
    case DType::float8_e4m3:
      return load<E4m3Element>(base, i);
    case DType::float8_e5m2:
      return load<E5m2Element>(base, i);
    case DType::complex64:
      return load<PlainElement<float>>(base, 2 * i);
    case DType::complex128:
      return load<PlainElement<double>>(base, 2 * i);
  }
  return 0;
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
    case DType::uint32:
      return store<PlainElement<std::uint32_t>>(base, i, static_cast<std::uint32_t>(value));
    case DType::uint64:
      return store<PlainElement<std::uint64_t>>(base, i, static_cast<std::uint64_t>(value));
    case DType::float8_e4m3:
      return store<E4m3Element>(base, i, static_cast<float>(value));
    case DType::float8_e5m2:
      return store<E5m2Element>(base, i, static_cast<float>(value));
    case DType::complex64:
      store<PlainElement<float>>(base, 2 * i, static_cast<float>(value));
      return store<PlainElement<float>>(base, 2 * i + 1, 0);
    case DType::complex128:
      store<PlainElement<double>>(base, 2 * i, value);
      return store<PlainElement<double>>(base, 2 * i + 1, 0);
  }
}

ReferenceResult result_of(const ReferenceMachine& machine) {
  ReferenceResult result;
  result.finished = machine.finished();
  for (std::size_t rank = 0; rank < machine.rank_count(); ++rank) {
    result.outputs.push_back(machine.output(rank));
    result.saw_all_enter.push_back(machine.saw_all_enter(rank));
  }
  return result;
}

// Each turn, a random rank runs a random number of ops, until nobody can.
ReferenceResult execute_schedules(const std::vector<Schedule>& schedules,
                                  const std::vector<std::vector<std::byte>>& inputs,
                                  const Arithmetic& arithmetic, int edge_slot_count,
                                  std::uint64_t seed) {
  ReferenceMachine machine(schedules, inputs, arithmetic, edge_slot_count);
  Random random(seed);
  std::vector<std::size_t> runnable;
  while (true) {
    runnable.clear();
    for (std::size_t rank = 0; rank < machine.rank_count(); ++rank) {
      if (machine.can_run(rank)) {
        runnable.push_back(rank);
      }
    }
    if (runnable.empty()) {
      return result_of(machine);
    }
    const std::size_t rank = runnable[random.below(runnable.size())];
    for (std::uint64_t left = random.below(4) + 1; left > 0 && machine.can_run(rank); --left) {
      machine.run_op(rank);
    }
  }
}

InterleavingCount run_all_interleavings(const std::vector<Schedule>& schedules,
                                        const std::vector<std::vector<std::byte>>& inputs,
                                        const Arithmetic& arithmetic, int edge_slot_count,
                                        std::size_t state_count_max) {
  InterleavingCount count;
  // Hashes of states: two of 60,000 that differ are taken for one with a chance of 1e-10.
  std::unordered_set<std::size_t> known;
  const std::hash<std::string> hash;
  std::vector<ReferenceMachine> open;
  open.emplace_back(schedules, inputs, arithmetic, edge_slot_count);
  known.insert(hash(open.back().state()));
  while (!open.empty() && known.size() <= state_count_max) {
    const ReferenceMachine machine = std::move(open.back());
    open.pop_back();
    bool is_end = true;
    for (std::size_t rank = 0; rank < machine.rank_count(); ++rank) {
      if (machine.can_run(rank)) {
        is_end = false;
        ReferenceMachine next = machine;
        next.run_op(rank);
        if (known.insert(hash(next.state())).second) {
          open.push_back(std::move(next));
        }
      }
    }
    if (is_end) {
      ++count.end_count;
      count.fault = result_fault(schedules, inputs, arithmetic, result_of(machine));
      if (!count.fault.empty()) {
        return count;
      }
    }
  }
  count.is_complete = open.empty();
  count.state_count = known.size();
  return count;
}

std::vector<std::vector<std::byte>> random_inputs(const std::vector<Schedule>& schedules,
                                                  DType dtype, Random& random) {
  std::vector<std::vector<std::byte>> inputs;
  for (const Schedule& schedule : schedules) {
    const std::uint64_t count = contribution_count(schedule);
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
  if (schedules.front().weighs) {
    return adasum_fault(schedules, inputs, arithmetic, result);
  }
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    if (schedules[rank].kind == CollectiveKind::barrier && !result.saw_all_enter[rank]) {
      return str("rank ", rank, " left the barrier before another had entered");
    }
    if (std::string fault = output_fault(schedules, inputs, arithmetic, result, rank);
        !fault.empty()) {
      return fault;
    }
  }
  return "";
}

}  // namespace hvd
