// Schedules that are right alone may block or spoil one another on what they share. Random items of
// random groups, of every algorithm, over the smallest edges and uncleared slots.
#include <set>

#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/shared_world.h"

namespace hvd {
namespace {

constexpr std::size_t kItemCount = 14;

std::string fault_of_world(const WorldRules& rules, std::uint64_t seed,
                           std::set<const AlgorithmRow*>* seen = nullptr) {
  Random random(seed);
  // Now and then more, so that trees are deep and rounds are several.
  const int rank_count = static_cast<int>(random.below(random.below(4) == 0 ? 8 : 4)) + 3;
  SharedWorld world(rank_count, rules, random);
  const std::span<const AlgorithmRow> rows = algorithm_rows();
  for (std::size_t i = 0; i < kItemCount; ++i) {
    AlgorithmCase one;
    do {
      one = random_case(rows[static_cast<std::size_t>(random.below(rows.size()))], rank_count,
                        random);
    } while (one.params.send_ahead > rules.edge_slot_count);
    if (seen != nullptr) {
      seen->insert(one.row);
    }
    world.start(one, static_cast<std::size_t>(random.below(2)));
  }
  return world.run();
}

int faulty_count(const WorldRules& rules, std::uint64_t seed_count) {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
    count += fault_of_world(rules, seed).empty() ? 0 : 1;
  }
  return count;
}

void require_right_worlds(std::uint64_t first_seed, std::uint64_t last_seed) {
  std::set<const AlgorithmRow*> seen;
  for (const int edge_slots : {1, 2}) {
    WorldRules rules;
    rules.edge_slot_count = edge_slots;
    for (std::uint64_t seed = first_seed; seed <= last_seed; ++seed) {
      if (const std::string fault = fault_of_world(rules, seed, &seen); !fault.empty()) {
        FAIL("seed " << seed << ", " << edge_slots << " slots an edge: " << fault);
      }
    }
  }
  CHECK(seen.size() == algorithm_rows().size());
}

TEST_CASE("items of many groups share edges and slots without blocking or spoiling one another",
          "[composition]") {
  require_right_worlds(1, 2000);
}

// Hidden: a part of ./dev test full.
TEST_CASE("items of 80000 more worlds do not block or spoil one another", "[.][composition-full]") {
  require_right_worlds(2001, 42000);
}

// The simulation must be able to see what it is there to see.
TEST_CASE("slots that are written before their readers have gone on are noticed", "[composition]") {
  WorldRules rules;
  rules.banks_wait = false;
  CHECK(faulty_count(rules, 300) > 10);
}

TEST_CASE("a rank that takes items in another order is noticed", "[composition]") {
  WorldRules rules;
  rules.in_agreed_order = false;
  CHECK(faulty_count(rules, 100) > 50);
}

}  // namespace
}  // namespace hvd
