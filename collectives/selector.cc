#include "collectives/selector.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collectives/selection_rules.h"
#include "collectives/situation.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;

// The names of all algorithms that an allreduce has, for people.
std::string allreduce_names() {
  std::string names = "auto";
  for (const AlgorithmRow& row : algorithm_rows()) {
    if (row.kind == CollectiveKind::allreduce) {
      names += ", ";
      names += row.name;
    }
  }
  return names;
}

bool is_free(std::string_view wanted) { return wanted == "auto" || wanted.empty(); }

bool is_known(std::string_view name) {
  const std::span<const AlgorithmRow> rows = algorithm_rows();
  return std::any_of(rows.begin(), rows.end(),
                     [&](const AlgorithmRow& row) { return row.name == name; });
}

// In whole pages where it is long, so that pieces of slots and tensors begin on cache lines.
std::uint64_t fitting_chunk(std::uint64_t wanted, std::uint64_t slot_bytes) {
  const std::uint64_t most = std::clamp(slot_bytes, kChunkBytesMin, kChunkBytesMax);
  const std::uint64_t chunk = std::clamp(wanted, kChunkBytesMin, most);
  const std::uint64_t unit = chunk > 16 * kKiB ? 4 * kKiB : kChunkBytesMin;
  const std::uint64_t rounded_up = (chunk + unit - 1) / unit * unit;
  return rounded_up <= most ? rounded_up : most / kChunkBytesMin * kChunkBytesMin;
}

// Edges carry chunks of at most a slot of theirs; shared slots hold at least two.
std::uint64_t chunk_bytes_most(const AlgorithmRow& row, const Situation& situation,
                               const SelectorSettings& settings) {
  const bool only_slots = (row.needs & kNeedsSlots) != 0 && (row.needs & kNeedsOneHost) != 0;
  const auto stripes =
      (row.needs & kNeedsStripes) != 0 ? static_cast<std::uint64_t>(situation.rank_count) : 1;
  if (only_slots) {
    return std::max(kChunkBytesMin, situation.slot_bytes / stripes / 2);
  }
  // The express lane's edges have slots for its longest item, not more.
  const std::uint64_t whole =
      (situation.bytes + kChunkBytesMin - 1) / kChunkBytesMin * kChunkBytesMin;
  return situation.lane == Lane::express
             ? std::min(settings.slot_bytes, std::max(kChunkBytesMin, whole))
             : settings.slot_bytes;
}

// Where nothing goes over edges nothing becomes narrow.
WireType wire_type(const AlgorithmRow& row, const WorkShape& shape,
                   const SelectorSettings& settings) {
  const bool fits =
      reduces(shape.kind) && shape.dtype == DType::float32 && (row.needs & kNeedsAdasum) == 0;
  return fits && (row.needs & kNeedsOneHost) == 0 ? settings.narrow : WireType::own;
}

std::uint64_t longest_of(const std::vector<std::uint64_t>& counts) {
  return counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
}
std::uint64_t sum_of(const std::vector<std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    sum += count;
  }
  return sum;
}

std::uint64_t total_elements(CollectiveKind kind, const ScheduleParams& params) {
  return has_counts(kind) ? std::max(sum_of(params.counts), sum_of(params.send_counts))
                          : params.element_count;
}

}  // namespace

Status check_algorithm(std::string_view wanted) {
  if (!is_free(wanted) && !is_known(wanted)) {
    return error(StatusCode::invalid_argument, "setting HVD_ALGORITHM has the value '", wanted,
                 "'; allowed is ", allreduce_names(), ". unset it or correct it");
  }
  return ok_status();
}

Status check_order(std::string_view wanted, WireType narrow) {
  const AlgorithmRow* row = find_algorithm(CollectiveKind::allreduce, wanted);
  if (row == nullptr || (row->needs & kNeedsAdasum) != 0 ||
      combining_order(*row, narrow != WireType::own) != CombiningOrder::any) {
    return ok_status();
  }
  return error(
      StatusCode::invalid_argument, "HVD_DETERMINISTIC is 1, and HVD_ALGORITHM ", wanted,
      narrow != WireType::own ? " with HVD_WIRE_DTYPE" : "",
      " adds up an element in an order that depends on its place among all that is reduced "
      "together. unset one of them");
}

JobPlaces places_of_job(std::span<const int> host_of_rank, int rank_count) {
  std::map<int, int> sizes;
  for (const int host : host_of_rank) {
    ++sizes[host];
  }
  if (sizes.empty()) {
    return {rank_count, 1, rank_count};
  }
  const auto smallest = std::min_element(
      sizes.begin(), sizes.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
  return {rank_count, static_cast<int>(sizes.size()), smallest->second};
}

bool may_read_in_place(const WorkShape& shape, const JobPlaces& places,
                       const SelectorSettings& settings) {
  return is_free(settings.algorithm) &&
         has_two_ways(situation_of(shape, places, settings), settings.tuning);
}

Result<const AlgorithmRow*> forced_algorithm(const Situation& situation,
                                             const SelectorSettings& settings) {
  const std::string_view wanted = settings.algorithm;
  if (is_free(wanted)) {
    return nullptr;
  }
  if (situation.kind == CollectiveKind::allreduce) {
    HVD_TRY(check_algorithm(wanted));
  }
  if (situation.deterministic) {
    HVD_TRY(check_order(wanted, settings.narrow));
  }
  const AlgorithmRow* row = find_algorithm(situation.kind, wanted);
  return row != nullptr && is_possible(*row, situation) ? row : nullptr;
}

ScheduleSpec spec_of(const AlgorithmRow& row, std::uint64_t chunk_bytes, const WorkShape& shape,
                     const Situation& situation, const SelectorSettings& settings) {
  const std::uint64_t most = chunk_bytes_most(row, situation, settings);
  std::uint64_t wanted = chunk_bytes != 0 ? chunk_bytes : settings.chunk_bytes;
  wanted = wanted != 0 ? wanted : chunk_by_rules(row, situation, settings.tuning);
  std::uint64_t chunk = fitting_chunk(wanted, most);
  // Half of the limit, so that make_schedule, which counts elements, never refuses our own choice.
  const auto too_long = [&] {
    const double ranks = situation.rank_count;
    const auto bytes = static_cast<double>(situation.bytes);
    // Parts may differ; what is longer then is for make_schedule to refuse.
    const ScheduleSize size{ranks, bytes, bytes / ranks, static_cast<double>(chunk),
                            static_cast<double>(situation.slot_bytes)};
    return row.op_count_bound(size) > kOpCountMax / 2.0;
  };
  while (chunk < fitting_chunk(chunk * 2, most) && too_long()) {
    chunk = fitting_chunk(chunk * 2, most);
  }
  return {.algorithm = row.algorithm,
          .chunk_bytes = chunk,
          .lane = situation.lane,
          .stream = situation.bytes >= settings.tuning.stream_bytes_min,
          .narrow = wire_type(row, shape, settings),
          .fixed_order = settings.deterministic};
}

Result<ScheduleChoice> choose(const WorkShape& shape, int rank_count,
                              const SelectorSettings& settings) {
  return choose(shape, places_of_job(settings.host_of_rank, rank_count), settings);
}

Result<ScheduleChoice> choose(const WorkShape& shape, const JobPlaces& places,
                              const SelectorSettings& given) {
  SelectorSettings settings = given;
  if (settings.deterministic) {
    settings.tuning = {};
  }
  const Situation situation = situation_of(shape, places, settings);
  HVD_ASSIGN(const AlgorithmRow* forced, forced_algorithm(situation, settings));
  const AlgorithmRow& row = forced != nullptr ? *forced : row_by_rules(situation, settings);
  return pack_choice(spec_of(row, 0, shape, situation, settings));
}

Result<Schedule> make_schedule(ScheduleChoice choice, CollectiveKind kind, DType dtype,
                               ScheduleParams params) {
  HVD_ASSIGN(const ScheduleSpec spec, unpack_choice(choice, kind));
  params.chunk_element_count = spec.chunk_bytes / dtype_bytes(dtype);
  params.stream = spec.stream;
  params.narrow = spec.narrow != WireType::own;
  params.fixed_order = spec.fixed_order;
  HVD_TRY(check_params(kind, params));
  const AlgorithmRow& row = *find_algorithm(kind, spec.algorithm);
  if (const std::string_view need = unmet_need(row, params); !need.empty()) {
    return error(StatusCode::invalid_argument, collective_name(kind), " by ", row.name,
                 " was chosen, but ", need, ". do all ranks have the same settings?");
  }
  const std::uint64_t elements = total_elements(kind, params);
  const ScheduleSize size{
      static_cast<double>(params.rank_count), static_cast<double>(elements),
      static_cast<double>(std::max(longest_of(params.counts), longest_of(params.send_counts))),
      static_cast<double>(params.chunk_element_count),
      static_cast<double>(params.slot_element_count)};
  if (row.op_count_bound(size) > kOpCountMax) {
    return error(StatusCode::invalid_argument, "a ", collective_name(kind), " of ", elements,
                 " elements in chunks of ", spec.chunk_bytes, " bytes takes more than ",
                 kOpCountMax, " steps on one rank. see HVD_CHUNK_BYTES");
  }
  return row.make(params);
}

}  // namespace hvd
