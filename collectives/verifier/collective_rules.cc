#include "collectives/verifier/collective_rules.h"

#include <limits>
#include <optional>

#include "core/base/str.h"

namespace hvd {
namespace {

bool is_pairwise(CollectiveKind kind) {
  return kind == CollectiveKind::send || kind == CollectiveKind::recv;
}
bool has_in_place(CollectiveKind kind) {
  return kind == CollectiveKind::allreduce || kind == CollectiveKind::broadcast ||
         kind == CollectiveKind::reduce || kind == CollectiveKind::allgather;
}

// None if the sum does not fit.
std::optional<std::uint64_t> sum_of(const std::vector<std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    if (count > std::numeric_limits<std::uint64_t>::max() - sum) {
      return std::nullopt;
    }
    sum += count;
  }
  return sum;
}

bool fits_the_collective(const Schedule& schedule) {
  const CollectiveKind kind = schedule.kind;
  const auto ranks = static_cast<std::size_t>(schedule.rank_count);
  if (schedule.counts.size() != (has_counts(kind) ? ranks : 0) ||
      schedule.send_counts.size() != (kind == CollectiveKind::alltoall ? ranks : 0)) {
    return false;
  }
  const std::optional<std::uint64_t> sum = sum_of(schedule.counts);
  if (!sum || !sum_of(schedule.send_counts) ||
      (has_counts(kind) && *sum != schedule.element_count) ||
      (kind == CollectiveKind::barrier && schedule.element_count != 0)) {
    return false;
  }
  if (schedule.weighs ? schedule.kind != CollectiveKind::allreduce || schedule.narrow
                      : schedule.product_count != 0) {
    return false;
  }
  const bool scales = schedule.prescale || schedule.postscale || schedule.narrow;
  return (reduces(kind) || !scales) && (has_in_place(kind) || !schedule.in_place);
}

bool same_but_counts(const Schedule& a, const Schedule& b) {
  return a.chunk_element_count == b.chunk_element_count && a.prescale == b.prescale &&
         a.postscale == b.postscale && a.narrow == b.narrow && a.weighs == b.weighs;
}

std::string alltoall_fault(std::span<const Schedule> schedules, std::size_t rank) {
  for (std::size_t other = 0; other < schedules.size(); ++other) {
    const std::vector<std::uint64_t>& sent = schedules[other].send_counts;
    if (sent.size() == schedules.size() && sent[rank] != schedules[rank].counts[other]) {
      return str("it takes ", schedules[rank].counts[other], " elements of rank ", other,
                 ", which sends ", sent[rank]);
    }
  }
  return "";
}

// One rank sends to one other as many elements as that receives; the others do nothing.
std::string pair_fault(std::span<const Schedule> schedules, std::size_t rank) {
  const Schedule& schedule = schedules[rank];
  if (!is_pairwise(schedules.front().kind)) {
    return "it is about another collective than rank 0's, or has other parameters";
  }
  if (schedule.element_count == 0) {
    return "";
  }
  std::size_t other_count = 0;
  for (const Schedule& other : schedules) {
    if (other.element_count == 0 || &other == &schedule) {
      continue;
    }
    ++other_count;
    if (other.kind == schedule.kind || other.element_count != schedule.element_count ||
        !same_but_counts(other, schedule)) {
      return str("its ", collective_name(schedule.kind), " of ", schedule.element_count,
                 " elements does not fit to rank ", other.rank, "'s ", collective_name(other.kind),
                 " of ", other.element_count);
    }
  }
  return other_count == 1 ? "" : str("its ", collective_name(schedule.kind), " has no partner");
}

std::string slot_ranks_fault(std::span<const Schedule> schedules, std::size_t rank) {
  const Schedule& schedule = schedules[rank];
  if (schedule.slot_ranks.empty()) {
    return schedule.slot_element_count == 0 ? "" : "it offers slots to nobody";
  }
  int previous = -1;
  bool has_itself = false;
  for (const Rank member : schedule.slot_ranks) {
    if (member.value <= previous || member.value >= schedule.rank_count) {
      return "the ranks that share its slots are no ascending list of ranks";
    }
    previous = member.value;
    has_itself = has_itself || member == schedule.rank;
  }
  if (!has_itself) {
    return "it does not share its own slots";
  }
  // The first of the list compares with all, the others with the first: that is enough.
  const bool is_first = schedule.slot_ranks.front() == schedule.rank;
  const std::size_t compared_count = is_first ? schedule.slot_ranks.size() : 1;
  for (std::size_t i = 0; i < compared_count; ++i) {
    const Schedule& other = schedules[schedule.slot_ranks[i].index()];
    // How many slots each offers is its own matter: an op is held to those of their owner.
    if (other.slot_ranks != schedule.slot_ranks) {
      return str("it shares slots with rank ", schedule.slot_ranks[i],
                 ", which says otherwise about them");
    }
  }
  return "";
}

}  // namespace

std::string collective_fault(std::span<const Schedule> schedules, std::size_t rank) {
  const Schedule& first = schedules.front();
  const Schedule& schedule = schedules[rank];
  if (schedule.rank.value != static_cast<int>(rank) ||
      schedule.rank_count != static_cast<int>(schedules.size())) {
    return str("schedule ", rank, " of ", schedules.size(), " says that it is rank ", schedule.rank,
               " of ", schedule.rank_count);
  }
  if (!valid_collective(static_cast<int>(schedule.kind))) {
    return "there is no such collective";
  }
  const bool is_alltoall = schedule.kind == CollectiveKind::alltoall;
  if (is_pairwise(schedule.kind)) {
    if (std::string fault = pair_fault(schedules, rank); !fault.empty()) {
      return fault;
    }
  } else if (schedule.kind != first.kind || schedule.root != first.root ||
             (!is_alltoall &&
              (schedule.element_count != first.element_count || schedule.counts != first.counts)) ||
             !same_but_counts(schedule, first)) {
    return "it is about another collective than rank 0's, or has other parameters";
  }
  if (schedule.root.value < 0 || schedule.root.value >= schedule.rank_count) {
    return str("its root is rank ", schedule.root);
  }
  if (!fits_the_collective(schedule)) {
    return "its parameters contradict one another";
  }
  if (is_alltoall) {
    if (std::string fault = alltoall_fault(schedules, rank); !fault.empty()) {
      return fault;
    }
  }
  return slot_ranks_fault(schedules, rank);
}

}  // namespace hvd
