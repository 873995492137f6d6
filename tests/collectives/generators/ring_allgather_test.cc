#include "collectives/generators/ring_allgather.h"

#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

std::vector<std::vector<std::uint64_t>> count_lists(const ScheduleParams& params, Random& random) {
  const auto p = static_cast<std::size_t>(params.rank_count);
  const std::uint64_t n = params.element_count;
  std::vector<std::vector<std::uint64_t>> lists;
  lists.emplace_back(p, n / p);  // equal parts
  lists.emplace_back(p, 0);
  lists.back()[random.below(p)] = n;  // one has all
  lists.emplace_back();               // anything, many zeros among it
  for (std::size_t rank = 0; rank < p; ++rank) {
    lists.back().push_back(random.below(3) == 0 ? 0 : random.below(n + 1));
  }
  return lists;
}

TEST_CASE("ring allgather is proven for equal and unequal parts on up to 9 ranks",
          "[ring_allgather]") {
  int count = 0;
  Random random(20240607);
  for_sizes([&](ScheduleParams params, int edge_slot_count) {
    for (const std::vector<std::uint64_t>& counts : count_lists(params, random)) {
      for (const bool in_place : {false, true}) {
        params.counts = counts;
        params.in_place = in_place;
        require_verified(make_ring_allgather, params, edge_slot_count);
        ++count;
      }
    }
  });
  CHECK(count > 10'000);
}

}  // namespace
}  // namespace hvd
