#include "tests/collectives/generator_cases.h"

#include <set>
#include <utility>

#include "core/base/str.h"
#include "tests/catch.h"

namespace hvd {

std::string params_text(const ScheduleParams& params, int edge_slot_count) {
  std::string counts;
  for (const std::uint64_t count : params.counts) {
    counts += str(" ", count);
  }
  return str("p ", params.rank_count, " n ", params.element_count, " chunk ",
             params.chunk_element_count, " root ", params.root, " in place ", params.in_place,
             " pre ", params.prescale, " post ", params.postscale, " ahead ", params.send_ahead,
             " slots ", edge_slot_count, " counts", counts);
}

void require_verified(Generator generator, const ScheduleParams& params, int edge_slot_count) {
  const std::vector<Schedule> schedules = schedules_of_all_ranks(generator, params);
  const VerifierReport report = verify_schedules(schedules, edge_slot_count);
  if (!report.ok()) {
    FAIL(report.status.message() << "\nparameters: " << params_text(params, edge_slot_count));
  }
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
