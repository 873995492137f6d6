#include "tests/sim/reference_collectives.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hvd::sim {
namespace {

using Vector = std::vector<double>;

double load(DType dtype, const std::byte* from, std::size_t index) {
  float real = 0;
  std::int64_t whole = 0;
  if (dtype == DType::float32) {
    std::memcpy(&real, from + index * sizeof real, sizeof real);
    return static_cast<double>(real);
  }
  std::memcpy(&whole, from + index * sizeof whole, sizeof whole);
  return static_cast<double>(whole);
}

void store(DType dtype, std::byte* to, std::size_t index, double value) {
  const auto real = static_cast<float>(value);
  const auto whole = static_cast<std::int64_t>(value);
  const void* from = dtype == DType::float32 ? static_cast<const void*>(&real) : &whole;
  const std::size_t size = dtype_bytes(dtype);
  std::memcpy(to + index * size, from, size);
}

std::size_t total(const std::vector<std::size_t>& counts) {
  std::size_t sum = 0;
  for (const std::size_t count : counts) {
    sum += count;
  }
  return sum;
}

std::size_t begin_of(const std::vector<std::size_t>& counts, Rank rank) {
  std::size_t sum = 0;
  for (std::size_t r = 0; r < rank.index(); ++r) {
    sum += counts[r];
  }
  return sum;
}

std::size_t input_count(const WorkItem& item, Rank rank) {
  switch (item.kind) {
    case CollectiveKind::allgather:
    case CollectiveKind::gather:
      return item.counts[rank.index()];
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::scatter:
      return total(item.counts);
    case CollectiveKind::alltoall:
      return total(item.send_counts);
    default:
      return item.element_count();
  }
}

Vector input_of(const WorkItem& item, Rank rank) {
  Vector values;
  std::size_t left = input_count(item, rank);
  for (const WorkSegment& segment : item.segments) {
    const std::size_t count = has_counts(item.kind) ? left : segment.element_count;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(load(item.dtype, segment.input, i));
    }
    left -= count;
  }
  return values;
}

void write_output(const WorkItem& item, const Vector& values) {
  std::size_t at = 0;
  for (const WorkSegment& segment : item.segments) {
    const std::size_t count = has_counts(item.kind) ? values.size() : segment.element_count;
    for (std::size_t i = 0; i < count; ++i) {
      store(item.dtype, segment.output, i, values[at++]);
    }
  }
}

Vector slice(const Vector& values, std::size_t begin, std::size_t count) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

Vector combine(const std::map<Rank, WorkItem>& items, const std::map<Rank, Vector>& inputs) {
  Vector sum;
  for (const auto& [rank, values] : inputs) {
    const WorkItem& item = items.at(rank);
    sum.resize(values.size(), 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double value = values[i] * item.prescale;
      sum[i] = item.op == ReduceOp::max && rank != kRoot ? std::max(sum[i], value) : sum[i] + value;
    }
  }
  for (double& value : sum) {
    value *= items.begin()->second.postscale;
  }
  return sum;
}

Vector received(const std::map<Rank, WorkItem>& items, const std::map<Rank, Vector>& inputs,
                Rank rank) {
  Vector values;
  for (const auto& [source, input] : inputs) {
    const WorkItem& item = items.at(source);
    const std::size_t count =
        std::min(item.send_counts[rank.index()], items.at(rank).counts[source.index()]);
    const Vector part = slice(input, begin_of(item.send_counts, rank), count);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

Vector joined(const std::map<Rank, Vector>& inputs) {
  Vector values;
  for (const auto& [rank, input] : inputs) {
    values.insert(values.end(), input.begin(), input.end());
  }
  return values;
}

bool gives(const WorkItem& item, Rank rank) {
  const bool root_alone =
      item.kind == CollectiveKind::scatter || item.kind == CollectiveKind::broadcast;
  return item.kind != CollectiveKind::recv && (!root_alone || rank == item.root);
}

bool gets(const WorkItem& item, Rank rank) {
  const bool root_alone =
      item.kind == CollectiveKind::gather || item.kind == CollectiveKind::reduce;
  return item.kind != CollectiveKind::send && (!root_alone || rank == item.root);
}

}  // namespace

void run_reference(const std::map<Rank, WorkItem>& items) {
  if (items.begin()->second.kind == CollectiveKind::barrier) {
    return;
  }
  std::map<Rank, Vector> inputs;
  for (const auto& [rank, item] : items) {
    if (gives(item, rank)) {
      inputs.emplace(rank, input_of(item, rank));
    }
  }
  const Vector whole =
      reduces(items.begin()->second.kind) ? combine(items, inputs) : joined(inputs);
  for (const auto& [rank, item] : items) {
    if (!gets(item, rank)) {
      continue;
    }
    switch (item.kind) {
      case CollectiveKind::reduce_scatter:
      case CollectiveKind::scatter:
        write_output(item, slice(whole, begin_of(item.counts, rank), item.counts[rank.index()]));
        break;
      case CollectiveKind::alltoall:
        write_output(item, received(items, inputs, rank));
        break;
      default:
        write_output(item, whole);
    }
  }
}

}  // namespace hvd::sim
