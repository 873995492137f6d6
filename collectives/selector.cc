#include "collectives/selector.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <string>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;

// A choice is, from the lowest bit: 8 bits algorithm, 32 bits chunk bytes, 1 bit lane, 1 bit
// stream, 2 bits wire type, 1 bit fixed order, 11 bits zero, 8 bits layout.
constexpr std::uint64_t kLayout = 1;
constexpr unsigned kChunkShift = 8;
constexpr unsigned kLaneShift = 40;
constexpr unsigned kStreamShift = 41;
constexpr unsigned kNarrowShift = 42;
constexpr unsigned kOrderShift = 44;
constexpr unsigned kLayoutShift = 56;

// What the rules look at.
struct Situation {
  CollectiveKind kind;
  bool is_adasum;
  int rank_count;
  std::uint64_t bytes;
  Lane lane;
  std::uint64_t slot_bytes;  // shared, of that lane
  int host_count;
  int ranks_per_host;  // that every host has at least
  bool in_arena;
  bool reads_peers;
  bool even_parts;
  bool deterministic;
  bool narrow;  // where it goes over edges
  bool shares() const { return slot_bytes >= kChunkBytesMin; }
};

// How many hosts, and how many ranks each has at least.
std::pair<int, int> host_sizes(std::span<const int> host_of_rank, int rank_count) {
  std::map<int, int> sizes;
  for (const int host : host_of_rank) {
    ++sizes[host];
  }
  if (sizes.empty()) {
    return {1, rank_count};
  }
  const auto smallest = std::min_element(
      sizes.begin(), sizes.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
  return {static_cast<int>(sizes.size()), smallest->second};
}

Situation situation_of(const WorkShape& shape, int rank_count, const SelectorSettings& settings) {
  const std::uint64_t bytes = shape.element_count * dtype_bytes(shape.dtype);
  const Lane lane = bytes <= settings.tuning.express_bytes_most ? Lane::express : Lane::bulk;
  const auto [host_count, ranks_per_host] = host_sizes(settings.host_of_rank, rank_count);
  std::uint64_t slot_bytes =
      lane == Lane::express ? settings.slot_bytes_express : settings.slot_bytes_bulk;
  if (settings.deterministic && settings.slot_bytes_express * settings.slot_bytes_bulk == 0) {
    slot_bytes = 0;  // a lane is a matter of size, and decides no order
  }
  return {shape.kind,
          reduces(shape.kind) && shape.op == ReduceOp::adasum,
          rank_count,
          bytes,
          lane,
          slot_bytes,
          host_count,
          ranks_per_host,
          settings.in_arena && shape.tensor_count <= slot_bytes / kTensorPlaceBytes,
          settings.reads_peers,
          shape.even_parts,
          settings.deterministic,
          shape.dtype == DType::float32 && settings.narrow != WireType::own};
}

// What is fused with others may be of any length and lie anywhere in it.
bool may_be_fused(const Situation& situation) {
  return (situation.kind == CollectiveKind::allreduce && !situation.is_adasum) ||
         situation.kind == CollectiveKind::reduce;
}

// The one order in which elements are combined here, whatever the size.
CombiningOrder order_of(const Situation& situation) {
  if (situation.shares() && situation.host_count == 1) {
    return CombiningOrder::ranks;
  }
  if (situation.kind == CollectiveKind::reduce) {
    return CombiningOrder::tree;
  }
  return situation.shares() && situation.host_count < situation.rank_count ? CombiningOrder::hosts
                                                                           : CombiningOrder::halves;
}

bool keeps_order(const AlgorithmRow& row, const Situation& situation) {
  return !situation.deterministic || !may_be_fused(situation) ||
         combining_order(row, situation.narrow && (row.needs & kNeedsOneHost) == 0) ==
             order_of(situation);
}

// Whether the algorithm could run.
bool is_possible(const AlgorithmRow& row, const Situation& situation) {
  const auto ranks = static_cast<std::uint64_t>(situation.rank_count);
  return ((row.needs & kNeedsAdasum) != 0) == situation.is_adasum &&
         ((row.needs & kNeedsSlots) == 0 || situation.shares()) &&
         ((row.needs & kNeedsStripes) == 0 || situation.slot_bytes / kChunkBytesMin >= ranks) &&
         ((row.needs & kNeedsOneHost) == 0 || situation.host_count == 1) &&
         ((row.needs & kNeedsSeveralHosts) == 0 || situation.host_count > 1) &&
         ((row.needs & kNeedsArena) == 0 || situation.in_arena) &&
         ((row.needs & kNeedsReads) == 0 || situation.reads_peers) &&
         ((row.needs & kNeedsEqualCounts) == 0 || situation.even_parts);
}

// The first row whose limits hold decides. No row chooses the tree: it has twice the rounds of
// recursive doubling and moves log p times the ring's bytes through rank 0. It is there for those
// who force it, and for wires on which only few pairs may talk.
struct AllreduceRule {
  int rank_count_most;
  bool any_rank_count;                // or powers of two only
  std::uint64_t bytes_most;           // of the vector
  std::uint64_t bytes_per_rank_most;  // of a rank's block of it
  Algorithm algorithm;
  std::string_view reason;
};
constexpr std::uint64_t kAnyBytes = std::numeric_limits<std::uint64_t>::max();
constexpr std::array<AllreduceRule, 5> kEdgeRules = {{
    {2, true, 64 * kKiB, kAnyBytes, Algorithm::recursive_doubling,
     "one round instead of two; a rank reads and writes 5 n bytes instead of 4.5 n"},
    {kRankCountMax, true, 32 * kKiB, kAnyBytes, Algorithm::recursive_doubling,
     "log p rounds instead of 2 (p - 1), and rounds cost more than bytes here"},
    {kRankCountMax, false, kAnyBytes, 32 * kKiB, Algorithm::halving_doubling,
     "the ring's bytes in 2 log p rounds; with blocks so short its 2 (p - 1) rounds cost more than "
     "the neighbours that it keeps to"},
    {kRankCountMax, true, kAnyBytes, 32 * kKiB, Algorithm::circulant,
     "the same where p is no power of two: halving and doubling would send the vector once more"},
    {kRankCountMax, true, kAnyBytes, kAnyBytes, Algorithm::ring,
     "2 (p - 1) / p of the vector is the least that a rank can send, for any p"},
}};

// Through slots one-shot waits once a chunk and moves p (p + 2) n bytes, two-shot waits twice and
// moves (5 p - 2) n: for two ranks 8 n both, but one-shot reads the own tensor twice, and two-shot
// reads and writes a fifth less of what stays in the caches (p 2, 256 KiB to 64 MiB: 75 to 100 %
// of one-shot's time; level at 128 KiB). Where hosts have one rank each, there is nothing to do
// inside them.
Algorithm allreduce_by_size(const Situation& situation, const HostTuning& tuning) {
  if (situation.shares() && situation.host_count == 1) {
    // Its two waits cost a short vector more than a copy does.
    if (situation.in_arena && situation.lane == Lane::bulk) {
      return Algorithm::arena;
    }
    const std::uint64_t one_shot_most =
        situation.rank_count == 2 ? tuning.one_shot_bytes_most_of_two : tuning.one_shot_bytes_most;
    return situation.bytes <= one_shot_most ? Algorithm::one_shot : Algorithm::two_shot;
  }
  if (situation.shares() && situation.host_count < situation.rank_count) {
    return Algorithm::hierarchical;
  }
  const std::uint64_t per_rank = situation.bytes / static_cast<std::uint64_t>(situation.rank_count);
  const bool is_power_of_two = std::has_single_bit(static_cast<unsigned>(situation.rank_count));
  const Algorithm algorithm =
      std::find_if(kEdgeRules.begin(), kEdgeRules.end(), [&](const AllreduceRule& rule) {
        return situation.rank_count <= rule.rank_count_most &&
               (rule.any_rank_count || is_power_of_two) && situation.bytes <= rule.bytes_most &&
               per_rank <= rule.bytes_per_rank_most;
      })->algorithm;
  // As many bytes as the ring sends, or one vector more, in the order that short ones have.
  const bool keeps_order = algorithm == Algorithm::recursive_doubling;
  return situation.deterministic && !keeps_order ? Algorithm::halving_doubling : algorithm;
}

// A chain moves each byte over each link once, but its last rank waits p chunks for the first; a
// tree moves log p times the bytes through the root. So chains are for more chunks than ranks. Two
// trees have both: from 8 ranks on they are first or within 5 % of the chain for all but short
// vectors, which are bound by their rounds (docs/decisions/0010-candidates.md).
Algorithm along_edges(const Situation& situation, const HostTuning& tuning) {
  if (situation.rank_count >= 8) {
    return situation.bytes > 32 * kKiB ? Algorithm::double_tree : Algorithm::tree;
  }
  const std::uint64_t chunks = situation.bytes / tuning.chunk_bytes;
  const bool is_long = chunks > static_cast<std::uint64_t>(situation.rank_count);
  return is_long && situation.rank_count > 2 ? Algorithm::chain : Algorithm::tree;
}

Algorithm reduce_by_size(const Situation& situation, const HostTuning& tuning) {
  if (!situation.shares() || situation.host_count == situation.rank_count) {
    return along_edges(situation, tuning);
  }
  if (situation.host_count > 1) {
    return Algorithm::hierarchical;
  }
  const bool is_small = situation.rank_count <= tuning.reducing_root_rank_count_most ||
                        situation.bytes <= tuning.one_shot_bytes_most;
  return is_small ? Algorithm::slots : Algorithm::two_shot;
}

Algorithm broadcast_by_size(const Situation& situation, const HostTuning& tuning) {
  if (situation.shares() && situation.host_count < situation.rank_count) {
    return situation.host_count == 1 ? Algorithm::slots : Algorithm::hierarchical;
  }
  return along_edges(situation, tuning);
}

// Parts of all ranks. Between hosts a part is sent once to each other host, not to each rank there.
// Short parts in ceil(log2 p) rounds; a long one goes to neighbours only. Of parts that differ a
// long one would be in every round.
Algorithm parts_by_size(const Situation& situation, Algorithm of_long_parts) {
  if (situation.shares() && situation.host_count < situation.rank_count) {
    return situation.host_count == 1 ? Algorithm::slots : Algorithm::hierarchical;
  }
  const std::uint64_t per_rank = situation.bytes / static_cast<std::uint64_t>(situation.rank_count);
  return situation.even_parts && per_rank <= 32 * kKiB ? Algorithm::circulant : of_long_parts;
}

// Parts so short that log2 p messages of half of all cost less than p - 1 of one part each: from 32
// ranks on, where the copies and the bytes, which are log2 p / 2 times as many, do not count yet.
Algorithm alltoall_by_size(const Situation& situation) {
  if (situation.shares() && situation.host_count == 1) {
    return Algorithm::slots;
  }
  const std::uint64_t per_rank = situation.bytes / static_cast<std::uint64_t>(situation.rank_count);
  const bool is_small = situation.rank_count >= 32 && per_rank <= 512;
  return is_small && situation.even_parts ? Algorithm::bruck : Algorithm::pairwise;
}

// A copy less is less to do, but the kernel copies at half of a core's pace, or less. So it can pay
// where every rank reads something else, and where but one reads what otherwise would be put into
// slots once for all; whether it does depends on how far apart the cores are (decision 0013). Of a
// broadcast the root would look on while the others read: it had better put chunks into slots.
bool has_two_ways(const Situation& situation, const HostTuning& tuning) {
  const bool is_shared = situation.kind == CollectiveKind::allgather &&
                         situation.rank_count <= tuning.single_copy_rank_count_most;
  const AlgorithmRow* row = find_algorithm(situation.kind, Algorithm::single_copy);
  return (is_shared || situation.kind == CollectiveKind::alltoall) && situation.rank_count > 1 &&
         situation.bytes / static_cast<std::uint64_t>(situation.rank_count) >=
             tuning.single_copy_bytes_min &&
         row != nullptr && is_possible(*row, situation);
}

// What the rules prefer, or else the kind's first row that is possible.
const AlgorithmRow& row_by_rules(const Situation& situation, const SelectorSettings& settings) {
  const HostTuning& tuning = settings.tuning;
  const AlgorithmRow* wanted = nullptr;
  if (situation.kind == CollectiveKind::allreduce) {
    wanted = find_algorithm(situation.kind, allreduce_by_size(situation, tuning));
  } else if (situation.kind == CollectiveKind::reduce) {
    wanted = find_algorithm(situation.kind, reduce_by_size(situation, tuning));
  } else if (situation.kind == CollectiveKind::broadcast) {
    wanted = find_algorithm(situation.kind, broadcast_by_size(situation, tuning));
  } else if (situation.kind == CollectiveKind::allgather) {
    wanted = find_algorithm(situation.kind, parts_by_size(situation, Algorithm::ring));
  } else if (situation.kind == CollectiveKind::alltoall) {
    wanted = find_algorithm(situation.kind, alltoall_by_size(situation));
  } else if (situation.kind == CollectiveKind::reduce_scatter) {
    wanted = find_algorithm(situation.kind, parts_by_size(situation, Algorithm::pairwise));
  }
  if (settings.prefers_single_copy && has_two_ways(situation, tuning)) {
    wanted = find_algorithm(situation.kind, Algorithm::single_copy);
  }
  if (wanted != nullptr && is_possible(*wanted, situation) && keeps_order(*wanted, situation)) {
    return *wanted;
  }
  const std::span<const AlgorithmRow> rows = algorithm_rows();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const AlgorithmRow& any) {
    return any.kind == situation.kind && is_possible(any, situation) && keeps_order(any, situation);
  });
  HVD_CHECK(row != rows.end());  // pair: each kind has a row that needs nothing
  return *row;
}

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

Result<const AlgorithmRow*> choose_algorithm(const Situation& situation,
                                             const SelectorSettings& settings) {
  const std::string_view wanted = settings.algorithm;
  if (!is_free(wanted)) {
    if (situation.kind == CollectiveKind::allreduce) {
      HVD_TRY(check_algorithm(wanted));
    }
    if (situation.deterministic) {
      HVD_TRY(check_order(wanted, settings.narrow));
    }
    // It keeps its own order, and whether it is possible does not depend on the size.
    const AlgorithmRow* row = find_algorithm(situation.kind, wanted);
    if (row != nullptr && is_possible(*row, situation)) {
      return row;
    }
  }
  return &row_by_rules(situation, settings);
}

// How many pieces the vector has that travel by themselves.
std::uint64_t piece_count_of(const AlgorithmRow& row, const Situation& situation) {
  if (row.algorithm == Algorithm::bruck) {
    return 2;  // half of all parts travel together
  }
  const bool goes_in_parts = row.algorithm == Algorithm::ring || has_counts(row.kind);
  if (row.algorithm == Algorithm::hierarchical && !has_counts(row.kind)) {
    return static_cast<std::uint64_t>(situation.ranks_per_host);
  }
  return goes_in_parts ? static_cast<std::uint64_t>(situation.rank_count) : 1;
}

// Long vectors go in the chunks that were best on this host (64 KiB cost 25-30 % more than 256 KiB,
// data_plane.md, "Shared memory"; larger ones leave the caches). Below that, a piece that travels
// as a whole (the vector, or a rank's block of it) is cut in two, so that the second half is under
// way while the first is reduced; in eight where it passes through hosts, whose stages overlap; and
// in 32 where it goes down log p levels, each of which waits for a chunk.
// Cutting below 16 KiB would cost more than it hides; and below 64 KiB where the pieces pass
// through shared slots: a wait for all ranks costs 2 us where four of them share two cores (64 KiB
// at p 4: 16 us whole, 18 in halves, 25 in quarters), and p 2 gains nothing.
std::uint64_t chunk_by_size(const AlgorithmRow& row, const Situation& situation,
                            const HostTuning& tuning) {
  const std::uint64_t piece = situation.bytes / piece_count_of(row, situation);
  const std::uint64_t cuts = row.algorithm == Algorithm::hierarchical  ? 8
                             : row.algorithm == Algorithm::double_tree ? 32
                                                                       : 2;
  const bool only_slots = (row.needs & kNeedsSlots) != 0 && (row.needs & kNeedsOneHost) != 0;
  const std::uint64_t least = std::min((only_slots ? 64 : 16) * kKiB, tuning.chunk_bytes);
  return std::clamp((piece + cuts - 1) / cuts, least, tuning.chunk_bytes);
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

ScheduleChoice pack_choice(const ScheduleSpec& spec) {
  HVD_CHECK(spec.chunk_bytes >= kChunkBytesMin && spec.chunk_bytes <= kChunkBytesMax);
  HVD_CHECK(spec.chunk_bytes % kChunkBytesMin == 0);
  return static_cast<ScheduleChoice>(spec.algorithm) | spec.chunk_bytes << kChunkShift |
         static_cast<ScheduleChoice>(spec.lane) << kLaneShift |
         static_cast<ScheduleChoice>(spec.stream) << kStreamShift |
         static_cast<ScheduleChoice>(spec.narrow) << kNarrowShift |
         static_cast<ScheduleChoice>(spec.fixed_order) << kOrderShift | kLayout << kLayoutShift;
}

bool streams(ScheduleChoice choice) { return ((choice >> kStreamShift) & 1U) != 0; }

ScheduleChoice with_stream(ScheduleChoice choice, bool stream) {
  const ScheduleChoice bit = ScheduleChoice{1} << kStreamShift;
  return stream ? choice | bit : choice & ~bit;
}

Algorithm algorithm_of(ScheduleChoice choice) { return static_cast<Algorithm>(choice & 0xffU); }

Lane lane_of(ScheduleChoice choice) { return static_cast<Lane>((choice >> kLaneShift) & 1U); }

Result<ScheduleSpec> unpack_choice(ScheduleChoice choice, CollectiveKind kind) {
  const ScheduleSpec spec{algorithm_of(choice),
                          (choice >> kChunkShift) & 0xffffffffU,
                          lane_of(choice),
                          streams(choice),
                          static_cast<WireType>((choice >> kNarrowShift) & 3U),
                          ((choice >> kOrderShift) & 1U) != 0};
  if (find_algorithm(kind, spec.algorithm) == nullptr || spec.chunk_bytes < kChunkBytesMin ||
      spec.chunk_bytes > kChunkBytesMax || spec.chunk_bytes % kChunkBytesMin != 0 ||
      spec.narrow > WireType::bfloat16 || (spec.narrow != WireType::own && !reduces(kind)) ||
      pack_choice(spec) != choice) {
    return error(StatusCode::invalid_argument, "schedule choice ", choice, " is none for ",
                 collective_name(kind), ": algorithm ", choice & 0xffU, ", chunk of ",
                 spec.chunk_bytes, " bytes, layout ", choice >> kLayoutShift,
                 ". do all ranks run the same version of hvd?");
  }
  return spec;
}

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

bool may_read_in_place(const WorkShape& shape, int rank_count, const SelectorSettings& settings) {
  return is_free(settings.algorithm) &&
         has_two_ways(situation_of(shape, rank_count, settings), settings.tuning);
}

Result<ScheduleChoice> choose(const WorkShape& shape, int rank_count,
                              const SelectorSettings& given) {
  SelectorSettings settings = given;
  if (settings.deterministic) {
    settings.tuning = {};
  }
  const Situation situation = situation_of(shape, rank_count, settings);
  HVD_ASSIGN(const AlgorithmRow* row, choose_algorithm(situation, settings));
  const std::uint64_t most = chunk_bytes_most(*row, situation, settings);
  std::uint64_t chunk =
      fitting_chunk(settings.chunk_bytes != 0 ? settings.chunk_bytes
                                              : chunk_by_size(*row, situation, settings.tuning),
                    most);
  // Half of the limit, so that make_schedule, which counts elements, never refuses our own choice.
  const auto too_long = [&] {
    const ScheduleSize size{static_cast<double>(rank_count), static_cast<double>(situation.bytes),
                            // Parts may differ; what is longer then is for make_schedule to refuse.
                            static_cast<double>(situation.bytes) / rank_count,
                            static_cast<double>(chunk), static_cast<double>(situation.slot_bytes)};
    return row->op_count_bound(size) > kOpCountMax / 2.0;
  };
  while (chunk < fitting_chunk(chunk * 2, most) && too_long()) {
    chunk = fitting_chunk(chunk * 2, most);
  }
  return pack_choice({.algorithm = row->algorithm,
                      .chunk_bytes = chunk,
                      .lane = situation.lane,
                      .stream = situation.bytes >= settings.tuning.stream_bytes_min,
                      .narrow = wire_type(*row, shape, settings),
                      .fixed_order = settings.deterministic});
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
