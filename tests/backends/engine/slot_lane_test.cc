#include "backends/engine/slot_lane.h"

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct TwoLanes {
  SteadyClock clock;
  LoopbackWorld world{3, clock};
  std::vector<std::unique_ptr<LoopbackTransport>> transports;
  std::vector<SlotLane> lanes;
  const std::vector<Rank> all = {Rank{0}, Rank{1}, Rank{2}};
  const std::vector<Rank> first_two = {Rank{0}, Rank{1}};

  TwoLanes() {
    for (int rank = 0; rank < 3; ++rank) {
      transports.push_back(world.make_transport(Rank{rank}));
    }
    for (int rank = 0; rank < 3; ++rank) {
      lanes.emplace_back(*transports[static_cast<std::size_t>(rank)], Lane::express, Rank{rank});
    }
  }
  void begin(const std::vector<Rank>& sharers, std::uint64_t id, unsigned bank) {
    for (const Rank rank : sharers) {
      lanes[rank.index()].begin(id, bank, sharers);
    }
  }
};

TEST_CASE("a flag of an earlier item does not pass for one of this", "[engine]") {
  TwoLanes ranks;
  ranks.begin(ranks.all, 4, 0);
  REQUIRE(ranks.lanes[1].open_bank());
  ranks.lanes[1].post(0, 9);
  CHECK(ranks.lanes[0].has_reached(Rank{1}, 0, 9));
  ranks.lanes[0].end();
  ranks.lanes[0].begin(5, 0, ranks.all);
  CHECK_FALSE(ranks.lanes[0].has_reached(Rank{1}, 0, 1));
  // But one of a later item says that all before is done.
  ranks.lanes[1].end();
  ranks.lanes[1].begin(6, 0, ranks.all);
  ranks.lanes[1].post(3, 1);
  CHECK(ranks.lanes[0].has_reached(Rank{1}, 3, 2));
}

TEST_CASE("a bank is free once all who read it have gone on or said that they are done",
          "[engine]") {
  TwoLanes ranks;
  ranks.begin(ranks.all, 1, 0);
  REQUIRE(ranks.lanes[0].open_bank());
  ranks.lanes[0].end();
  ranks.lanes[0].begin(2, 1, ranks.all);
  CHECK(ranks.lanes[0].open_bank());  // the other bank
  ranks.lanes[0].end();
  ranks.lanes[0].begin(3, 0, ranks.all);
  CHECK_FALSE(ranks.lanes[0].open_bank());
  ranks.lanes[1].end();
  ranks.lanes[1].tell_done();
  CHECK_FALSE(ranks.lanes[0].open_bank());
  CHECK(ranks.lanes[0].bank_reader() == Rank{2});
  ranks.lanes[2].end();
  ranks.lanes[2].begin(2, 1, ranks.all);
  ranks.lanes[2].post(1, 1);
  CHECK_FALSE(ranks.lanes[0].open_bank());  // it was not looked at that flag
  ranks.lanes[2].end();
  ranks.lanes[2].tell_done();
  CHECK(ranks.lanes[0].open_bank());
}

TEST_CASE("a bank of one group waits for the ranks of the group that had it before", "[engine]") {
  TwoLanes ranks;
  ranks.begin(ranks.all, 1, 0);
  REQUIRE(ranks.lanes[0].open_bank());
  for (SlotLane& lane : ranks.lanes) {
    lane.end();
  }
  ranks.lanes[1].tell_done();
  ranks.begin(ranks.first_two, 2, 0);
  CHECK_FALSE(ranks.lanes[0].open_bank());
  CHECK(ranks.lanes[0].bank_reader() == Rank{2});
  ranks.lanes[2].tell_done();
  CHECK(ranks.lanes[0].open_bank());
}

TEST_CASE("whoever sleeps is rung when a flag is raised and when a rank is done", "[engine]") {
  TwoLanes ranks;
  const auto bell = ranks.world.make_idle(Rank{1});
  ranks.begin(ranks.all, 1, 0);
  ranks.transports[1]->prepare_sleep();
  ranks.lanes[0].post(1, 1);
  ranks.lanes[0].ring_sleepers();
  CHECK(bell->poll());
  ranks.lanes[0].end();
  ranks.transports[1]->prepare_sleep();
  ranks.lanes[0].tell_done();
  ranks.lanes[0].ring_sleepers();
  CHECK(bell->poll());
  ranks.transports[1]->prepare_sleep();
  ranks.lanes[0].ring_sleepers();  // nothing was raised since
  CHECK_FALSE(bell->poll());
}

TEST_CASE("a rank has let go of an item once it is done with it, or has stopped altogether",
          "[engine]") {
  TwoLanes ranks;
  ranks.begin(ranks.all, 1, 0);
  REQUIRE(ranks.lanes[1].open_bank());
  ranks.lanes[1].post(0, 3);
  CHECK_FALSE(ranks.lanes[0].has_let_go(Rank{1}));
  ranks.lanes[1].end();
  ranks.lanes[1].tell_done();
  CHECK(ranks.lanes[0].has_let_go(Rank{1}));
  ranks.lanes[0].end();
  ranks.begin(ranks.first_two, 2, 1);
  CHECK_FALSE(ranks.lanes[0].has_let_go(Rank{1}));
  ranks.lanes[1].tell_stopped();
  CHECK(ranks.lanes[0].has_let_go(Rank{1}));
  CHECK_FALSE(ranks.lanes[0].has_let_go(Rank{2}));
}

}  // namespace
}  // namespace hvd
