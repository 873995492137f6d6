#include "tests/sim/expected.h"

namespace hvd::sim {
namespace {

using Vector = std::vector<double>;

// Rows [first, first + count) of a rank's input.
void append_rows(const Request& request, Rank rank, std::uint64_t seed, std::int64_t first,
                 std::int64_t count, Vector& values) {
  const std::size_t width = request.input.shape.row_element_count();
  for (std::size_t i = 0; i < static_cast<std::size_t>(count) * width; ++i) {
    values.push_back(element_of(seed, rank, static_cast<std::size_t>(first) * width + i));
  }
}

std::int64_t first_row(const Request& request, Rank rank, int rank_count) {
  std::int64_t sum = 0;
  for (int r = 0; r < rank.value; ++r) {
    sum += split_of(request, Rank(r), rank_count);
  }
  return sum;
}

Vector all_rows(const Use& use, Rank rank, int rank_count, std::uint64_t seed) {
  const Request request = plain_request(use, rank, rank_count);
  Vector values;
  append_rows(request, rank, seed, 0, request.input.shape[0], values);
  return values;
}

Vector reduced(const Use& use, int rank_count, std::uint64_t seed) {
  Vector sum = all_rows(use, kRoot, rank_count, seed);
  for (int r = 1; r < rank_count; ++r) {
    const Vector values = all_rows(use, Rank(r), rank_count, seed);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += values[i];
    }
  }
  for (double& value : sum) {
    value = use.op == ReduceOp::average ? value / rank_count : value;
  }
  return sum;
}

Vector part(const Use& use, Rank rank, int rank_count, const Vector& whole) {
  const Request request = plain_request(use, use.root, rank_count);
  const auto width = static_cast<std::int64_t>(request.input.shape.row_element_count());
  const auto begin = whole.begin() + first_row(request, rank, rank_count) * width;
  return {begin, begin + split_of(request, rank, rank_count) * width};
}

Vector joined(const Use& use, int rank_count, std::uint64_t seed) {
  Vector values;
  for (int r = 0; r < rank_count; ++r) {
    const Vector rows = all_rows(use, Rank(r), rank_count, seed);
    values.insert(values.end(), rows.begin(), rows.end());
  }
  return values;
}

Vector exchanged(const Use& use, Rank rank, int rank_count, std::uint64_t seed) {
  Vector values;
  for (int r = 0; r < rank_count; ++r) {
    const Request request = plain_request(use, Rank(r), rank_count);
    append_rows(request, Rank(r), seed, first_row(request, rank, rank_count),
                split_of(request, rank, rank_count), values);
  }
  return values;
}

}  // namespace

std::optional<std::vector<double>> expected_result(const Use& use, Rank rank, int rank_count,
                                                   std::uint64_t seed) {
  switch (use.kind) {
    case CollectiveKind::allreduce:
      return reduced(use, rank_count, seed);
    case CollectiveKind::reduce:
      return rank == use.root ? std::optional(reduced(use, rank_count, seed)) : std::nullopt;
    case CollectiveKind::reduce_scatter:
      return part(use, rank, rank_count, reduced(use, rank_count, seed));
    case CollectiveKind::scatter:
      return part(use, rank, rank_count, all_rows(use, use.root, rank_count, seed));
    case CollectiveKind::broadcast:
      return all_rows(use, use.root, rank_count, seed);
    case CollectiveKind::allgather:
      return joined(use, rank_count, seed);
    case CollectiveKind::gather:
      return rank == use.root ? joined(use, rank_count, seed) : Vector();
    case CollectiveKind::alltoall:
      return exchanged(use, rank, rank_count, seed);
    case CollectiveKind::send:
      return rank == use.destination ? std::optional(all_rows(use, use.root, rank_count, seed))
                                     : std::nullopt;
    case CollectiveKind::recv:
    case CollectiveKind::barrier:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace hvd::sim
