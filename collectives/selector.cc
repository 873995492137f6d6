#include "collectives/selector.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/tree_allreduce.h"
#include "collectives/generators/tree_broadcast.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;

// A choice is, from the lowest bit: 8 bits algorithm, 32 bits chunk bytes, 16 bits zero, 8 bits
// layout.
constexpr std::uint64_t kLayout = 1;
constexpr unsigned kChunkShift = 8;
constexpr unsigned kLayoutShift = 56;

// Which algorithms a collective has; the first is taken where no rule says otherwise.
struct Offer {
  CollectiveKind kind;
  Algorithm algorithm;
};
constexpr std::array<Offer, 6> kOffers = {{
    {CollectiveKind::allreduce, Algorithm::ring},
    {CollectiveKind::allreduce, Algorithm::recursive_doubling},
    {CollectiveKind::allreduce, Algorithm::tree},
    {CollectiveKind::allgather, Algorithm::ring},
    {CollectiveKind::broadcast, Algorithm::tree},
    {CollectiveKind::barrier, Algorithm::dissemination},
}};

bool offered(CollectiveKind kind, Algorithm algorithm) {
  return std::any_of(kOffers.begin(), kOffers.end(), [&](const Offer& offer) {
    return offer.kind == kind && offer.algorithm == algorithm;
  });
}

Algorithm default_algorithm(CollectiveKind kind) {
  return std::find_if(kOffers.begin(), kOffers.end(),
                      [&](const Offer& offer) { return offer.kind == kind; })
      ->algorithm;
}

// The first row whose limits hold decides. No row chooses the tree: it has twice the rounds of
// recursive doubling and moves log p times the ring's bytes through rank 0. It is there for those
// who force it, and for wires on which only few pairs may talk.
struct AllreduceRule {
  int rank_count_most;
  std::uint64_t bytes_most;
  Algorithm algorithm;
  std::string_view reason;
};
constexpr std::array<AllreduceRule, 3> kAllreduceRules = {{
    {2, 64 * kKiB, Algorithm::recursive_doubling,
     "one round instead of two; a rank reads and writes 5 n bytes instead of 4.5 n"},
    {kRankCountMax, 32 * kKiB, Algorithm::recursive_doubling,
     "log p rounds instead of 2 (p - 1), and rounds cost more than bytes here"},
    {kRankCountMax, std::numeric_limits<std::uint64_t>::max(), Algorithm::ring,
     "2 (p - 1) / p of the vector is the least that a rank can send"},
}};

Algorithm allreduce_by_size(int rank_count, std::uint64_t bytes) {
  return std::find_if(kAllreduceRules.begin(), kAllreduceRules.end(),
                      [&](const AllreduceRule& rule) {
                        return rank_count <= rule.rank_count_most && bytes <= rule.bytes_most;
                      })
      ->algorithm;
}

Result<Algorithm> choose_algorithm(const WorkShape& shape, int rank_count, std::uint64_t bytes,
                                   std::string_view wanted) {
  if (shape.kind != CollectiveKind::allreduce) {
    return default_algorithm(shape.kind);
  }
  if (wanted == "auto" || wanted.empty()) {
    return allreduce_by_size(rank_count, bytes);
  }
  for (const Offer& offer : kOffers) {
    if (offer.kind == shape.kind && algorithm_name(offer.algorithm) == wanted) {
      return offer.algorithm;
    }
  }
  return error(StatusCode::invalid_argument, "setting HVD_ALGORITHM has the value '", wanted,
               "'; allowed is auto, ring, recursive_doubling or tree. unset it or correct it");
}

// Chunks of 256 KiB: 64 KiB cost 25-30 % on long vectors (data_plane.md, "Shared memory"), larger
// ones leave the caches. Below that, a piece that travels as a whole (the vector, or a rank's block
// of it) is cut in two, so that the second half is under way while the first is reduced; cutting
// below 16 KiB would cost more than it hides.
std::uint64_t chunk_by_size(Algorithm algorithm, int rank_count, std::uint64_t bytes) {
  const std::uint64_t piece =
      algorithm == Algorithm::ring ? bytes / static_cast<std::uint64_t>(rank_count) : bytes;
  return std::clamp((piece + 1) / 2, 16 * kKiB, 256 * kKiB);
}

// Ops of one rank, at most; in double, which cannot overflow and is exact enough for a limit.
double op_count_bound(Algorithm algorithm, int rank_count, double elements, double chunk_elements) {
  const double p = rank_count;
  const double rounds = std::bit_width(static_cast<unsigned>(rank_count));
  const double whole = elements / chunk_elements + 1;
  const double ring_chunks = elements / chunk_elements + p;  // over one turn around the ring
  switch (algorithm) {
    case Algorithm::ring:
      return 4 * ring_chunks + whole;
    case Algorithm::recursive_doubling:
    case Algorithm::tree:
      return (2 * rounds + 3) * whole;
    case Algorithm::dissemination:
      return 2 * rounds;
  }
  return 0;
}

std::uint64_t fitting_chunk(std::uint64_t wanted, std::uint64_t slot_bytes) {
  const std::uint64_t most = std::clamp(slot_bytes, kChunkBytesMin, kChunkBytesMax);
  const std::uint64_t chunk = std::clamp(wanted, kChunkBytesMin, most);
  const std::uint64_t rounded_up = (chunk + kChunkBytesMin - 1) / kChunkBytesMin * kChunkBytesMin;
  return rounded_up <= most ? rounded_up : most / kChunkBytesMin * kChunkBytesMin;
}

std::uint64_t total_elements(CollectiveKind kind, const ScheduleParams& params) {
  if (kind != CollectiveKind::allgather) {
    return params.element_count;
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t count : params.counts) {
    sum += count;
  }
  return sum;
}

Schedule generate(Algorithm algorithm, CollectiveKind kind, const ScheduleParams& params) {
  switch (algorithm) {
    case Algorithm::ring:
      return kind == CollectiveKind::allgather ? make_ring_allgather(params)
                                               : make_ring_allreduce(params);
    case Algorithm::recursive_doubling:
      return make_recursive_doubling_allreduce(params);
    case Algorithm::tree:
      return kind == CollectiveKind::broadcast ? make_tree_broadcast(params)
                                               : make_tree_allreduce(params);
    case Algorithm::dissemination:
      return make_dissemination_barrier(params);
  }
  HVD_CHECK(false);
}

}  // namespace

std::string_view algorithm_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::ring:
      return "ring";
    case Algorithm::recursive_doubling:
      return "recursive_doubling";
    case Algorithm::tree:
      return "tree";
    case Algorithm::dissemination:
      return "dissemination";
  }
  return "unknown";
}

ScheduleChoice pack_choice(const ScheduleSpec& spec) {
  HVD_CHECK(spec.chunk_bytes >= kChunkBytesMin && spec.chunk_bytes <= kChunkBytesMax);
  HVD_CHECK(spec.chunk_bytes % kChunkBytesMin == 0);
  return static_cast<ScheduleChoice>(spec.algorithm) | spec.chunk_bytes << kChunkShift |
         kLayout << kLayoutShift;
}

Result<ScheduleSpec> unpack_choice(ScheduleChoice choice, CollectiveKind kind) {
  const ScheduleSpec spec{static_cast<Algorithm>(choice & 0xffU),
                          (choice >> kChunkShift) & 0xffffffffU};
  if (!offered(kind, spec.algorithm) || spec.chunk_bytes < kChunkBytesMin ||
      spec.chunk_bytes > kChunkBytesMax || spec.chunk_bytes % kChunkBytesMin != 0 ||
      pack_choice(spec) != choice) {
    return error(StatusCode::invalid_argument, "schedule choice ", choice, " is none for ",
                 collective_name(kind), ": algorithm ", choice & 0xffU, ", chunk of ",
                 spec.chunk_bytes, " bytes, layout ", choice >> kLayoutShift,
                 ". do all ranks run the same version of hvd?");
  }
  return spec;
}

Result<ScheduleChoice> choose(const WorkShape& shape, int rank_count,
                              const SelectorSettings& settings) {
  const std::uint64_t bytes = shape.element_count * dtype_bytes(shape.dtype);
  HVD_ASSIGN(const Algorithm algorithm,
             choose_algorithm(shape, rank_count, bytes, settings.algorithm));
  std::uint64_t chunk =
      fitting_chunk(settings.chunk_bytes != 0 ? settings.chunk_bytes
                                              : chunk_by_size(algorithm, rank_count, bytes),
                    settings.slot_bytes);
  // Half of the limit, so that make_schedule, which counts elements, never refuses our own choice.
  while (chunk < fitting_chunk(chunk * 2, settings.slot_bytes) &&
         op_count_bound(algorithm, rank_count, static_cast<double>(bytes),
                        static_cast<double>(chunk)) > kOpCountMax / 2.0) {
    chunk = fitting_chunk(chunk * 2, settings.slot_bytes);
  }
  return pack_choice({algorithm, chunk});
}

Result<Schedule> make_schedule(ScheduleChoice choice, CollectiveKind kind, DType dtype,
                               ScheduleParams params) {
  HVD_ASSIGN(const ScheduleSpec spec, unpack_choice(choice, kind));
  params.chunk_element_count = spec.chunk_bytes / dtype_bytes(dtype);
  HVD_TRY(check_params(kind, params));
  const std::uint64_t elements = total_elements(kind, params);
  if (op_count_bound(spec.algorithm, params.rank_count, static_cast<double>(elements),
                     static_cast<double>(params.chunk_element_count)) > kOpCountMax) {
    return error(StatusCode::invalid_argument, "a ", collective_name(kind), " of ", elements,
                 " elements in chunks of ", spec.chunk_bytes, " bytes takes more than ",
                 kOpCountMax, " steps on one rank. see HVD_CHUNK_BYTES");
  }
  return generate(spec.algorithm, kind, params);
}

}  // namespace hvd
