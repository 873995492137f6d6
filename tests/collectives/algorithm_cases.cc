#include "tests/collectives/algorithm_cases.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <utility>

#include "core/base/str.h"
namespace hvd {
namespace {

constexpr int kSlotCountMax = 4;

bool is_pairwise(CollectiveKind kind) {
  return kind == CollectiveKind::send || kind == CollectiveKind::recv;
}
bool has_in_place(CollectiveKind kind) {
  return kind == CollectiveKind::allreduce || kind == CollectiveKind::broadcast ||
         kind == CollectiveKind::reduce || kind == CollectiveKind::allgather;
}

// A rank that is in no operation has nothing to do in it.
Schedule empty_schedule(const AlgorithmCase& one, Rank rank) {
  Schedule schedule;
  schedule.kind = one.row->kind;
  schedule.rank = rank;
  schedule.rank_count = one.params.rank_count;
  schedule.chunk_element_count = one.params.chunk_element_count;
  return schedule;
}

Schedule pairwise_schedule(const AlgorithmCase& one, ScheduleParams params) {
  if (params.rank != one.sender && params.rank != one.receiver) {
    return empty_schedule(one, params.rank);
  }
  const bool sends = params.rank == one.sender;
  params.peer = sends ? one.receiver : one.sender;
  return find_algorithm(sends ? CollectiveKind::send : CollectiveKind::recv, one.row->algorithm)
      ->make(params);
}

using Parts = std::vector<std::uint64_t>;

// Shapes of parts, each of at most `most` elements.
enum class PartShape : std::uint8_t { equal, ragged, one_only };
constexpr std::array kPartShapes = {PartShape::equal, PartShape::ragged, PartShape::one_only};

Parts parts_of(PartShape shape, int rank_count, std::uint64_t most, std::uint64_t salt) {
  Parts parts(static_cast<std::size_t>(rank_count), most);
  for (std::size_t rank = 0; rank < parts.size() && shape != PartShape::equal; ++rank) {
    const bool is_full = rank == (parts.size() / 2 + salt) % parts.size();
    parts[rank] = is_full                        ? most
                  : shape == PartShape::one_only ? 0
                                                 : (rank * 7 + salt * 3 + 3) % (most + 1);
  }
  return parts;
}

// Numbered in the order of the hosts' lowest ranks.
std::vector<std::vector<int>> host_layouts(int rank_count) {
  const auto numbered = [&](const auto& host_of) {
    std::vector<int> seen;
    std::vector<int> hosts;
    for (int rank = 0; rank < rank_count; ++rank) {
      const auto at = std::find(seen.begin(), seen.end(), host_of(rank));
      hosts.push_back(static_cast<int>(at - seen.begin()));
      if (at == seen.end()) {
        seen.push_back(host_of(rank));
      }
    }
    return hosts;
  };
  std::set<std::vector<int>> layouts = {
      numbered([&](int rank) { return rank < (rank_count + 1) / 2 ? 0 : 1; }),
      numbered([](int rank) { return rank == 0 ? 0 : 1; }),
      numbered([&](int rank) { return rank == rank_count - 1 ? 1 : 0; }),
      numbered([](int rank) { return rank / 2; }),
      numbered([](int rank) { return rank / 3; }),
      numbered([](int rank) { return rank % 2; }),
      numbered([](int rank) { return rank % 3; }),
      numbered([](int rank) { return rank; }),
      numbered([](int rank) { return rank < 3   ? 0
                                     : rank < 4 ? 1
                                                : 2; }),
      numbered([](int rank) { return rank * rank % 5; }),
      numbered([](int rank) { return rank / 8; }),
  };
  return {layouts.begin(), layouts.end()};
}

// The cases of one row and rank count, in the order of what costs little to vary.
class Cases {
 public:
  Cases(const AlgorithmRow& row, int rank_count, Extent extent,
        const std::function<void(const AlgorithmCase&)>& use)
      : extent_(extent), use_(use), ranks_(static_cast<std::uint64_t>(rank_count)) {
    one_.row = &row;
    one_.params.rank_count = rank_count;
    one_.params.in_arena = (row.needs & kNeedsArena) != 0;
    one_.params.reads_peers = (row.needs & kNeedsReads) != 0;
    const bool spans_hosts = (row.needs & kNeedsSeveralHosts) != 0;
    layouts_ = spans_hosts ? host_layouts(rank_count) : std::vector<std::vector<int>>{{}};
  }

  void run() {
    const bool is_on_slots = (one_.row->needs & kNeedsSlots) != 0;
    for (int slots = 1; slots <= kSlotCountMax; ++slots) {
      if ((extent_ == Extent::sample && slots == 3) || (extent_ == Extent::probe && slots != 2)) {
        continue;
      }
      one_.edge_slot_count = slots;
      for (const auto& [elements, chunk] : sizes(slots)) {
        one_.params.chunk_element_count = chunk;
        for (const int ahead :
             extent_ == Extent::probe ? std::set<int>{slots} : std::set<int>{1, slots}) {
          one_.params.send_ahead = ahead;
          // Places in shared memory as well as slots of an edge, and stripes of them for each rank.
          one_.params.slot_element_count =
              chunk * static_cast<std::uint64_t>(slots) + (turn_ % 3 == 0 ? 1 : 0);
          with_sizes(elements);
          if (is_on_slots) {
            one_.params.slot_element_count *= ranks_;
            with_sizes(elements);
          }
        }
      }
    }
  }

 private:
  // Elements of the vector, or of the longest part, and the chunk.
  std::set<std::pair<std::uint64_t, std::uint64_t>> sizes(int slots) const {
    std::set<std::pair<std::uint64_t, std::uint64_t>> sizes;
    if (extent_ == Extent::probe) {
      // Three chunks, and of a vector that is cut into parts a chunk for most of them.
      return has_counts(one_.row->kind) ? decltype(sizes){{11, 4}}
                                        : decltype(sizes){{ranks_ * 65 + 3, ranks_ * 32}};
    }
    const bool is_sample = extent_ == Extent::sample;
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, ranks_ - 1, ranks_ + 1}) {
      sizes.insert({n, is_sample ? 3 : 1});
      sizes.insert({n, 3});
    }
    const auto step = static_cast<std::uint64_t>(is_sample ? slots : 1);
    const std::uint64_t aligned = 64 * ranks_ + 5;  // of which each rank has a share
    for (std::uint64_t chunks = 1; chunks <= 2 * static_cast<std::uint64_t>(slots) + 1;
         chunks += step) {
      sizes.insert({chunks * 4 - 1, 4});
      if (has_counts(one_.row->kind)) {
        continue;
      }
      if ((one_.row->needs & kNeedsSlots) != 0) {
        sizes.insert({chunks * aligned - 3, aligned});
      }
      if ((one_.row->needs & kNeedsOneHost) == 0) {
        sizes.insert({chunks * 4 * ranks_ - 3, 4});
      }
    }
    return sizes;
  }

  void with_sizes(std::uint64_t elements) {
    const CollectiveKind kind = one_.row->kind;
    if (!has_counts(kind)) {
      one_.params.element_count = kind == CollectiveKind::barrier ? 0 : elements;
      return with_hosts();
    }
    for (const PartShape shape : kPartShapes) {
      const bool must_be_equal = (one_.row->needs & kNeedsEqualCounts) != 0;
      const auto probed = must_be_equal ? PartShape::equal : PartShape::ragged;
      if (shape != probed && (extent_ == Extent::probe || must_be_equal)) {
        continue;
      }
      if (kind == CollectiveKind::alltoall) {
        one_.sent.clear();
        for (std::uint64_t rank = 0; rank < ranks_; ++rank) {
          one_.sent.push_back(parts_of(shape, one_.params.rank_count, elements, rank));
        }
        one_.params.counts = one_.sent[0];
      } else {
        one_.params.counts = parts_of(shape, one_.params.rank_count, elements, turn_);
      }
      with_hosts();
    }
  }

  void with_hosts() {
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      // Where there are many, a size sees some of them.
      const std::size_t stride = extent_ == Extent::full ? 2 : extent_ == Extent::quick ? 4 : 6;
      if (layouts_.size() == 1 || (i + turn_) % stride == 0) {
        one_.params.host_of_rank = layouts_[i];
        with_variants();
      }
    }
    ++turn_;
  }

  // In place, factors, narrow and stream, a bit each.
  void with_variants() {
    const unsigned count = reduces(one_.row->kind) ? 16 : has_in_place(one_.row->kind) ? 2 : 1;
    const unsigned step = extent_ == Extent::full ? 1 : std::max(1U, count / 2);
    for (unsigned i = static_cast<unsigned>(turn_) % step; i < count; i += step) {
      ScheduleParams& params = one_.params;
      params.in_place = (i & 1U) != 0 && has_in_place(one_.row->kind);
      params.prescale = (i & 2U) != 0;
      params.postscale = (i & 4U) != 0;
      params.narrow = (i & 8U) != 0;
      params.stream = turn_ % 2 == 0;
      params.fixed_order = turn_ % 4 < 2;
      with_roots();
      if (extent_ <= Extent::sample) {
        return;
      }
    }
  }

  void with_roots() {
    const std::uint64_t root = std::array{std::uint64_t{0}, ranks_ - 1, ranks_ / 2,
                                          1 % ranks_}[static_cast<std::size_t>(turn_ % 4)];
    if (has_root(one_.row->kind)) {
      one_.params.root = Rank{static_cast<std::size_t>(root)};
    }
    if (is_pairwise(one_.row->kind)) {
      if (ranks_ == 1) {
        return;
      }
      one_.sender = Rank{static_cast<std::size_t>(root)};
      one_.receiver = Rank{static_cast<std::size_t>((root + 1 + turn_ % (ranks_ - 1)) % ranks_)};
    }
    if (unmet_need(*one_.row, one_.params).empty()) {
      use_(one_);
    }
  }

  const Extent extent_;
  const std::function<void(const AlgorithmCase&)>& use_;
  const std::uint64_t ranks_;
  std::vector<std::vector<int>> layouts_;
  AlgorithmCase one_;
  std::uint64_t turn_ = 0;
};

}  // namespace

std::vector<Schedule> schedules_of(const AlgorithmCase& one) {
  std::vector<Schedule> schedules;
  ScheduleParams params = one.params;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.rank = Rank{rank};
    if (is_pairwise(one.row->kind)) {
      schedules.push_back(pairwise_schedule(one, params));
      continue;
    }
    if (!one.sent.empty()) {
      params.send_counts = one.sent[params.rank.index()];
      for (std::size_t from = 0; from < one.sent.size(); ++from) {
        params.counts[from] = one.sent[from][params.rank.index()];
      }
    }
    schedules.push_back(one.row->make(params));
  }
  return schedules;
}

std::string case_text(const AlgorithmCase& one) {
  const ScheduleParams& params = one.params;
  std::string text = str(
      collective_name(one.row->kind), " ", one.row->name, ": p ", params.rank_count, " n ",
      params.element_count, " chunk ", params.chunk_element_count, " root ", params.root,
      " in place ", params.in_place, " pre ", params.prescale, " post ", params.postscale,
      " narrow ", params.narrow, " fixed order ", params.fixed_order, " ahead ", params.send_ahead,
      " slots of an edge ", one.edge_slot_count, " shared ", params.slot_element_count, " counts");
  for (const std::uint64_t count : params.counts) {
    text += str(" ", count);
  }
  text += " hosts";
  for (const int host : one.params.host_of_rank) {
    text += str(" ", host);
  }
  for (const Parts& sent : one.sent) {
    text += "\n  sends";
    for (const std::uint64_t count : sent) {
      text += str(" ", count);
    }
  }
  return text + (one.sender.value < 0 ? "" : str("\n  ", one.sender, " to ", one.receiver));
}

void for_cases(const AlgorithmRow& row, int rank_count, Extent extent,
               const std::function<void(const AlgorithmCase&)>& use) {
  Cases(row, rank_count, extent, use).run();
}

AlgorithmCase random_case(const AlgorithmRow& row, int rank_count_max, Random& random) {
  AlgorithmCase one;
  one.row = &row;
  ScheduleParams& params = one.params;
  params.in_arena = (row.needs & kNeedsArena) != 0;
  params.reads_peers = (row.needs & kNeedsReads) != 0;
  while (true) {
    const auto ranks = random.below(static_cast<std::uint64_t>(rank_count_max) - 1) + 2;
    params.rank_count = static_cast<int>(ranks);
    const bool is_counted = has_counts(row.kind);
    params.element_count =
        is_counted || row.kind == CollectiveKind::barrier ? 0 : random.below(10) + 1;
    params.chunk_element_count = random.below(4) + 1;
    if ((row.needs & kNeedsSlots) != 0 && params.element_count > 0 && random.below(3) == 0) {
      params.chunk_element_count = 64 * ranks + random.below(9);  // of which each rank has a share
      params.element_count = random.below(3 * params.chunk_element_count) + 1;
    }
    const std::uint64_t stripes =
        (row.needs & kNeedsSlots) != 0 && random.below(2) == 0 ? ranks : 1;
    params.slot_element_count = params.chunk_element_count * (random.below(3) + 1) * stripes;
    params.send_ahead = static_cast<int>(random.below(2)) + 1;
    one.edge_slot_count = params.send_ahead + static_cast<int>(random.below(2));
    params.in_place = has_in_place(row.kind) && random.below(2) == 0;
    params.prescale = reduces(row.kind) && random.below(2) == 0;
    params.postscale = reduces(row.kind) && random.below(2) == 0;
    params.narrow = reduces(row.kind) && random.below(4) == 0;
    params.root = has_root(row.kind) ? Rank{static_cast<std::size_t>(random.below(ranks))} : kRoot;
    one.sender = Rank{static_cast<std::size_t>(random.below(ranks))};
    one.receiver = Rank{(one.sender.value + 1) % params.rank_count};
    const auto drawn = kPartShapes[static_cast<std::size_t>(random.below(kPartShapes.size()))];
    const auto shape = (row.needs & kNeedsEqualCounts) != 0 ? PartShape::equal : drawn;
    params.counts = is_counted
                        ? parts_of(shape, params.rank_count, random.below(6) + 1, random.below(5))
                        : Parts{};
    one.sent.clear();
    std::uint64_t most = random.below(4) + 1;
    for (std::uint64_t r = 0; row.kind == CollectiveKind::alltoall && r < ranks; ++r) {
      one.sent.push_back(parts_of(shape, params.rank_count, most, r));
      most = (row.needs & kNeedsEqualCounts) != 0 ? most : random.below(4) + 1;
    }
    if ((row.needs & kNeedsSeveralHosts) != 0) {
      const auto layouts = host_layouts(params.rank_count);
      params.host_of_rank = layouts[static_cast<std::size_t>(random.below(layouts.size()))];
    }
    if (unmet_need(row, params).empty()) {
      return one;
    }
  }
}

}  // namespace hvd
