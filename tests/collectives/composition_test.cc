// Schedules that are right alone may block or spoil one another on what they share. Random items of
// random groups, of every algorithm, over the smallest edges and uncleared slots.
#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/shared_world.h"

namespace hvd {
namespace {

constexpr std::size_t kItemCount = 14;

std::string fault_of_world(const WorldRules& rules, std::uint64_t seed) {
  Random random(seed);
  const int rank_count = static_cast<int>(random.below(4)) + 3;
  SharedWorld world(rank_count, rules, random);
  const std::span<const AlgorithmRow> rows = algorithm_rows();
  for (std::size_t i = 0; i < kItemCount; ++i) {
    AlgorithmCase one;
    do {
      one = random_case(rows[static_cast<std::size_t>(random.below(rows.size()))], rank_count,
                        random);
    } while (one.params.send_ahead > rules.edge_slot_count);
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

TEST_CASE("items of many groups share edges and slots without blocking or spoiling one another",
          "[composition]") {
  for (const int edge_slots : {1, 2}) {
    WorldRules rules;
    rules.edge_slot_count = edge_slots;
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
      if (const std::string fault = fault_of_world(rules, seed); !fault.empty()) {
        FAIL("seed " << seed << ", " << edge_slots << " slots an edge: " << fault);
      }
    }
  }
  SUCCEED("4000 worlds");
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
