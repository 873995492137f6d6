// tests/collectives/shared_world.h: many items at once on the edges and slots that ranks share.
// Not here: sockets, real flags (backends/engine); one item by itself (reference_machine.h).
// Threads: one.  Limits: elements are fp32.
// Read next: composition_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/random.h"
#include "tests/collectives/algorithm_cases.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {

// What the engine promises to schedules, and what the tests leave out to see that it is needed.
struct WorldRules {
  int edge_slot_count = 1;
  bool banks_wait = true;       // a bank is written once those who read it before have gone on
  bool in_agreed_order = true;  // false: rank 0 exchanges neighbours
};

// Every rank runs the items of its groups, in each lane one after the other, in the agreed order. A
// rank may be ahead of others. An edge from one rank to another in a lane is a queue of few chunks,
// whatever items they are of; each rank has two banks of slots in each lane, and the items of a
// group take them in turn, without being cleared.
class SharedWorld {
 public:
  SharedWorld(int rank_count, const WorldRules& rules, Random& random);

  // An item of a random group, started after all before it. All of a lane have bank_bytes.
  void start(const AlgorithmCase& one, std::size_t lane);
  // Ranks and lanes take random turns to the end. What is wrong, or "".
  std::string run();

 private:
  static constexpr std::size_t kLaneCount = 2;
  static constexpr std::size_t kBankCount = 2;
  struct Item {
    std::vector<Schedule> schedules;
    std::vector<std::vector<std::byte>> inputs;
    std::vector<ReferenceMachine> machine;  // one
    std::vector<int> group;                 // world ranks, by the item's rank
    std::size_t bank = 0;
    std::string text;
  };
  struct Bank {
    std::vector<std::byte> bytes;
    std::vector<int> readers;  // of the item that had it last
    std::size_t used_by = 0;
  };
  struct LaneOfRank {
    std::vector<std::size_t> items;  // in order
    std::size_t done_count = 0;
    bool is_open = false;  // the bank of the item at hand may be written
    std::array<Bank, kBankCount> banks;
  };
  using Edge = std::vector<std::size_t>;  // items of the chunks that wait

  LaneOfRank& at(int rank, std::size_t lane) {
    return lanes_[static_cast<std::size_t>(rank) * kLaneCount + lane];
  }
  Edge& edge(std::size_t lane, int from, int to) { return edges_[{lane, from, to}]; }
  std::size_t rank_in(const Item& item, int rank) const;
  bool is_done_with(int rank, std::size_t lane, std::size_t item);
  bool may_write(int rank, std::size_t lane, const Item& item);
  bool can_step(int rank, std::size_t lane);
  void step(int rank, std::size_t lane);
  void run_op(Item& item, std::size_t index, int rank, std::size_t lane);
  void finish_item(Item& item, std::size_t index, int rank, std::size_t lane);
  std::string outcome();

  const int rank_count_;
  const WorldRules rules_;
  Random& random_;
  std::vector<Item> items_;
  std::vector<LaneOfRank> lanes_;
  std::map<std::tuple<std::size_t, int, int>, Edge> edges_;
  std::map<std::pair<std::size_t, std::vector<int>>, std::size_t> bank_of_group_;
  std::string fault_;
};

}  // namespace hvd
