#include "collectives/situation.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

Situation of(CollectiveKind kind, std::size_t float_count, const JobPlaces& places,
             const SelectorSettings& settings) {
  return situation_of({.kind = kind, .dtype = DType::float32, .element_count = float_count}, places,
                      settings);
}

TEST_CASE("hosts are counted, and the ranks that the smallest has", "[situation]") {
  const std::array uneven = {0, 0, 1, 1, 1, 2};
  const JobPlaces places = places_of_job(uneven, 6);
  CHECK(places.rank_count == 6);
  CHECK(places.host_count == 3);
  CHECK(places.ranks_per_host == 1);
  const JobPlaces alone = places_of_job({}, 4);
  CHECK(alone.host_count == 1);
  CHECK(alone.ranks_per_host == 4);
}

TEST_CASE("what needs slots, one host or several of them is possible only there", "[situation]") {
  const SelectorSettings shared{.slot_bytes_express = 1 << 18, .slot_bytes_bulk = 1 << 20};
  const auto possible = [](Algorithm algorithm, const Situation& situation) {
    return is_possible(*find_algorithm(situation.kind, algorithm), situation);
  };
  const Situation one_host = of(CollectiveKind::allreduce, 100, {4, 1, 4}, shared);
  const Situation two_hosts = of(CollectiveKind::allreduce, 100, {4, 2, 2}, shared);
  const Situation edges_only = of(CollectiveKind::allreduce, 100, {4, 1, 4}, {});
  CHECK(possible(Algorithm::one_shot, one_host));
  CHECK_FALSE(possible(Algorithm::one_shot, two_hosts));
  CHECK_FALSE(possible(Algorithm::one_shot, edges_only));
  CHECK(possible(Algorithm::hierarchical, two_hosts));
  CHECK_FALSE(possible(Algorithm::hierarchical, one_host));
  CHECK(possible(Algorithm::ring, edges_only));
  CHECK_FALSE(possible(Algorithm::adasum, one_host));
}

TEST_CASE("with HVD_DETERMINISTIC only algorithms of one order are left, of any size",
          "[situation]") {
  SelectorSettings settings;
  settings.deterministic = true;
  for (const std::size_t float_count : {std::size_t{1}, std::size_t{1} << 24}) {
    for (const AlgorithmRow& row : algorithm_rows()) {
      if (row.kind == CollectiveKind::allreduce && row.needs == 0) {
        const Situation lone = of(row.kind, float_count, {4, 4, 1}, settings);
        CHECK(keeps_order(row, lone) == (combining_order(row, false) == CombiningOrder::halves));
      }
    }
  }
  settings.deterministic = false;
  CHECK(keeps_order(*find_algorithm(CollectiveKind::allreduce, Algorithm::ring),
                    of(CollectiveKind::allreduce, 1, {4, 4, 1}, settings)));
}

}  // namespace
}  // namespace hvd
