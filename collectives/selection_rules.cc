#include "collectives/selection_rules.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>
#include <string_view>

#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;

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

}  // namespace

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

std::uint64_t piece_bytes_of(const AlgorithmRow& row, const Situation& situation) {
  return situation.bytes / piece_count_of(row, situation);
}

// Long vectors go in the chunks that were best on this host (64 KiB cost 25-30 % more than 256 KiB,
// data_plane.md, "Shared memory"; larger ones leave the caches). Below that, a piece that travels
// as a whole (the vector, or a rank's block of it) is cut in two, so that the second half is under
// way while the first is reduced; in eight where it passes through hosts, whose stages overlap; and
// in 32 where it goes down log p levels, each of which waits for a chunk.
// Cutting below 16 KiB would cost more than it hides; and below 64 KiB where the pieces pass
// through shared slots: a wait for all ranks costs 2 us where four of them share two cores (64 KiB
// at p 4: 16 us whole, 18 in halves, 25 in quarters), and p 2 gains nothing.
std::uint64_t chunk_by_rules(const AlgorithmRow& row, const Situation& situation,
                             const HostTuning& tuning) {
  const std::uint64_t piece = piece_bytes_of(row, situation);
  const std::uint64_t cuts = row.algorithm == Algorithm::hierarchical  ? 8
                             : row.algorithm == Algorithm::double_tree ? 32
                                                                       : 2;
  const bool only_slots = (row.needs & kNeedsSlots) != 0 && (row.needs & kNeedsOneHost) != 0;
  const std::uint64_t least = std::min((only_slots ? 64 : 16) * kKiB, tuning.chunk_bytes);
  return std::clamp((piece + cuts - 1) / cuts, least, tuning.chunk_bytes);
}

}  // namespace hvd
