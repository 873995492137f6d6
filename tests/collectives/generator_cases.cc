#include "tests/collectives/generator_cases.h"

#include <array>
#include <map>
#include <set>
#include <utility>

#include "core/base/random.h"
#include "core/base/str.h"
#include "tests/catch.h"

namespace hvd {

std::string params_text(const ScheduleParams& params, int edge_slot_count) {
  std::string counts;
  for (const std::uint64_t count : params.counts) {
    counts += str(" ", count);
  }
  std::string hosts;
  for (const int host : params.host_of_rank) {
    hosts += str(" ", host);
  }
  return str("p ", params.rank_count, " n ", params.element_count, " chunk ",
             params.chunk_element_count, " root ", params.root, " in place ", params.in_place,
             " pre ", params.prescale, " post ", params.postscale, " ahead ", params.send_ahead,
             " edge slots ", edge_slot_count, " shared slots ", params.slot_element_count, " hosts",
             hosts, " counts", counts);
}

namespace {

void require_proof(const std::vector<Schedule>& schedules, const ScheduleParams& params,
                   int edge_slot_count) {
  const VerifierReport report = verify_schedules(schedules, edge_slot_count);
  if (!report.ok()) {
    FAIL(report.status.message() << "\nparameters: " << params_text(params, edge_slot_count));
  }
}

std::vector<std::uint64_t> random_counts(const ScheduleParams& params, int list, Random& random) {
  const auto p = static_cast<std::size_t>(params.rank_count);
  const std::uint64_t n = params.element_count;
  std::vector<std::uint64_t> counts(p, 0);
  if (list == 0) {
    counts.assign(p, (n + p - 1) / p);  // equal parts
  } else if (list == 1) {
    counts[random.below(p)] = n;  // one has all
  } else {
    for (std::uint64_t& count : counts) {  // anything, many zeros among it
      count = random.below(3) == 0 ? 0 : random.below(n / p + 2);
    }
  }
  return counts;
}

std::vector<Schedule> alltoall_schedules(Generator generator, ScheduleParams params, int list,
                                         Random& random) {
  std::vector<std::vector<std::uint64_t>> sent;
  sent.reserve(static_cast<std::size_t>(params.rank_count));
  for (int rank = 0; rank < params.rank_count; ++rank) {
    sent.push_back(random_counts(params, list, random));
  }
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.rank = Rank{rank};
    params.send_counts = sent[params.rank.index()];
    params.counts.clear();
    for (const std::vector<std::uint64_t>& of_other : sent) {
      params.counts.push_back(of_other[params.rank.index()]);
    }
    schedules.push_back(generator(params));
  }
  return schedules;
}

bool has_in_place(CollectiveKind kind) {
  return kind == CollectiveKind::allreduce || kind == CollectiveKind::broadcast ||
         kind == CollectiveKind::reduce || kind == CollectiveKind::allgather;
}

// Eight of each size, so that every way to set one property meets each other in some of them.
void verify_variants(CollectiveKind kind, Generator generator, ScheduleParams params,
                     int edge_slot_count, Random& random) {
  for (int variant = 0; variant < 8; ++variant) {
    params.in_place = has_in_place(kind) && (variant & 1) != 0;
    params.prescale = reduces(kind) && (variant & 2) != 0;
    params.postscale = reduces(kind) && (variant & 4) != 0;
    params.stream = variant % 3 == 0;
    params.narrow = reduces(kind) && variant % 3 == 1;
    params.root =
        has_root(kind) ? Rank{random.below(static_cast<std::uint64_t>(params.rank_count))} : kRoot;
    if (kind == CollectiveKind::alltoall) {
      require_proof(alltoall_schedules(generator, params, variant % 3, random), params,
                    edge_slot_count);
      continue;
    }
    if (has_counts(kind)) {
      params.counts = random_counts(params, variant % 3, random);
    }
    require_proof(schedules_of_all_ranks(generator, params), params, edge_slot_count);
  }
}

// Two hosts or more, of any sizes, ranks of one host not always next to one another.
std::vector<int> random_hosts(int rank_count, Random& random) {
  const std::uint64_t host_count = random.below(static_cast<std::uint64_t>(rank_count) - 1) + 2;
  std::map<std::uint64_t, int> numbers;
  std::vector<int> hosts;
  for (int rank = 0; rank < rank_count; ++rank) {
    const std::uint64_t host = random.below(2) == 0
                                   ? random.below(host_count)
                                   : static_cast<std::uint64_t>(rank) * host_count /
                                         static_cast<std::uint64_t>(rank_count);
    hosts.push_back(numbers.emplace(host, static_cast<int>(numbers.size())).first->second);
  }
  if (numbers.size() == 1) {
    hosts.back() = 1;
  }
  return hosts;
}

}  // namespace

void require_verified(Generator generator, const ScheduleParams& params, int edge_slot_count) {
  require_proof(schedules_of_all_ranks(generator, params), params, edge_slot_count);
}

int verify_kind(CollectiveKind kind, Generator generator, Ground ground) {
  Random random(20240607);
  int count = 0;
  for (int p = ground == Ground::hosts ? 2 : 1; p <= 9; ++p) {
    const auto ranks = static_cast<std::uint64_t>(p);
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, ranks - 1, ranks,
                                  2 * ranks + 3, 4 * ranks, std::uint64_t{29}, 11 * ranks + 1}) {
      for (const std::uint64_t chunk : {1, 3, 4}) {
        ScheduleParams params;
        params.rank_count = p;
        params.element_count = n;
        params.chunk_element_count = chunk;
        for (int room = 0; room < 5; ++room) {
          const int edge_slot_count = ground == Ground::slots ? 1 : room % 3 + 1;
          params.send_ahead = room < 3 ? edge_slot_count : 1;
          params.slot_element_count =
              ground == Ground::edges ? 0 : ranks * std::array{1, 2, 3, 7, 40}[room];
          if (ground == Ground::hosts) {
            params.host_of_rank = random_hosts(p, random);
          }
          verify_variants(kind, generator, params, edge_slot_count, random);
          count += 8;
        }
      }
    }
  }
  return count;
}

void for_sizes(const std::function<void(const ScheduleParams&, int edge_slot_count)>& use) {
  for (int p = 1; p <= kExhaustiveRankCount; ++p) {
    const auto ranks = static_cast<std::uint64_t>(p);
    for (int slots = 1; slots <= kExhaustiveSlotCount; ++slots) {
      std::set<std::pair<std::uint64_t, std::uint64_t>> sizes;  // elements, chunk
      for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, ranks - 1, ranks, ranks + 1,
                                    2 * ranks + 3, 3 * ranks}) {
        sizes.insert({n, 1});
        sizes.insert({n, 3});
      }
      for (int chunks = 1; chunks <= 2 * slots + 1; ++chunks) {
        const auto whole = static_cast<std::uint64_t>(chunks) * 4;
        sizes.insert({whole - 1, 4});          // chunks of the vector, the last one short
        sizes.insert({whole * ranks - 3, 4});  // chunks of a block; later blocks are shorter
      }
      for (const auto& [n, chunk] : sizes) {
        ScheduleParams params;
        params.rank_count = p;
        params.element_count = n;
        params.chunk_element_count = chunk;
        for (const int ahead : std::set<int>{1, (slots + 1) / 2, slots}) {
          params.send_ahead = ahead;
          use(params, slots);
        }
      }
    }
  }
}

int verify_allreduce(Generator generator) {
  int count = 0;
  for_sizes([&](ScheduleParams params, int edge_slot_count) {
    for (const bool in_place : {false, true}) {
      for (const unsigned factors : {0U, 1U, 2U, 3U}) {
        params.in_place = in_place;
        params.prescale = (factors & 1U) != 0;
        params.postscale = (factors & 2U) != 0;
        require_verified(generator, params, edge_slot_count);
        ++count;
      }
    }
  });
  return count;
}

}  // namespace hvd
