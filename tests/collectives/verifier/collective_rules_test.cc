#include "collectives/verifier/collective_rules.h"

#include <functional>

#include "tests/catch.h"

namespace hvd {
namespace {

std::vector<Schedule> of_ranks(int rank_count, CollectiveKind kind, std::uint64_t element_count) {
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < rank_count; ++rank) {
    Schedule schedule;
    schedule.kind = kind;
    schedule.rank = Rank{rank};
    schedule.rank_count = rank_count;
    schedule.element_count = element_count;
    schedule.chunk_element_count = 4;
    schedules.push_back(schedule);
  }
  return schedules;
}

std::string first_fault(const std::vector<Schedule>& schedules) {
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    if (std::string fault = collective_fault(schedules, rank); !fault.empty()) {
      return fault;
    }
  }
  return "";
}

TEST_CASE("schedules with parameters that contradict one another are refused",
          "[collective_rules]") {
  std::vector<Schedule> schedules = of_ranks(2, CollectiveKind::allreduce, 8);
  const auto set = [&](const std::function<void(Schedule&)>& change) {
    for (Schedule& schedule : schedules) {
      change(schedule);
    }
    return first_fault(schedules);
  };
  const std::string contradiction = "its parameters contradict one another";
  CHECK(first_fault(schedules).empty());
  CHECK(set([](Schedule& schedule) { schedule.counts = {4, 4}; }) == contradiction);
  for (const CollectiveKind kind : {CollectiveKind::allgather, CollectiveKind::reduce_scatter,
                                    CollectiveKind::gather, CollectiveKind::scatter}) {
    CHECK(set([&](Schedule& schedule) { schedule.kind = kind; }).empty());
  }
  CHECK(set([](Schedule& schedule) { schedule.counts = {4, 5}; }) == contradiction);
  CHECK(set([](Schedule& schedule) { schedule.counts = {4, 4, 0}; }) == contradiction);
  CHECK(set([](Schedule& schedule) {
          schedule.counts = {4, 0 - std::uint64_t{4}};
        }) == contradiction);
  CHECK(set([](Schedule& schedule) {
          schedule.counts = {4, 4};
          schedule.narrow = true;
        }) == contradiction);
  CHECK(set([](Schedule& schedule) { schedule.kind = CollectiveKind::reduce_scatter; }).empty());
  CHECK(set([](Schedule& schedule) { schedule.in_place = true; }) == contradiction);
}

TEST_CASE("what ranks of an alltoall send one another is what they take", "[collective_rules]") {
  std::vector<Schedule> schedules = of_ranks(2, CollectiveKind::alltoall, 0);
  schedules[0].send_counts = {1, 2};
  schedules[1].send_counts = {3, 0};
  schedules[0].counts = {1, 3};
  schedules[1].counts = {2, 0};
  schedules[0].element_count = 4;
  schedules[1].element_count = 2;
  CHECK(first_fault(schedules).empty());
  schedules[1].send_counts = {2, 0};
  CHECK(first_fault(schedules) == "it takes 3 elements of rank 1, which sends 2");
}

TEST_CASE("a send has one receive of as many elements", "[collective_rules]") {
  std::vector<Schedule> schedules = of_ranks(3, CollectiveKind::send, 0);
  CHECK(first_fault(schedules).empty());
  schedules[0].element_count = 5;
  CHECK(first_fault(schedules) == "its send has no partner");
  schedules[2].element_count = 5;
  CHECK(first_fault(schedules) == "its send of 5 elements does not fit to rank 2's send of 5");
  schedules[2].kind = CollectiveKind::recv;
  CHECK(first_fault(schedules).empty());
  schedules[1] = schedules[2];
  schedules[1].rank = Rank{1};
  CHECK(first_fault(schedules) == "its send has no partner");
  schedules[1].element_count = 0;
  schedules[2].element_count = 4;
  CHECK(first_fault(schedules) == "its send of 5 elements does not fit to rank 2's recv of 4");
}

TEST_CASE("ranks that share slots agree on who they are and how many", "[collective_rules]") {
  std::vector<Schedule> schedules = of_ranks(4, CollectiveKind::allreduce, 8);
  for (const std::size_t rank : {0U, 2U}) {
    schedules[rank].slot_ranks = {Rank{0}, Rank{2}};
    schedules[rank].slot_element_count = 3;
  }
  schedules[3].slot_ranks = {Rank{3}};
  CHECK(first_fault(schedules).empty());
  SECTION("not ascending") {
    schedules[3].slot_ranks = {Rank{3}, Rank{3}};
    CHECK(first_fault(schedules) ==
          "the ranks that share its slots are no ascending list of ranks");
  }
  SECTION("no rank") {
    schedules[3].slot_ranks = {Rank{3}, Rank{4}};
    CHECK_FALSE(first_fault(schedules).empty());
  }
  SECTION("without itself") {
    schedules[3].slot_ranks = {Rank{1}};
    CHECK(first_fault(schedules) == "it does not share its own slots");
  }
  SECTION("a third that knows nothing of it") {
    schedules[0].slot_ranks = {Rank{0}, Rank{1}, Rank{2}};
    schedules[2].slot_ranks = {Rank{0}, Rank{1}, Rank{2}};
    CHECK(first_fault(schedules) == "it shares slots with rank 1, which says otherwise about them");
  }
  SECTION("one that sees another list than the first") {
    schedules[3].slot_ranks = {Rank{2}, Rank{3}};
    CHECK(first_fault(schedules) == "it shares slots with rank 2, which says otherwise about them");
  }
  SECTION("slots for nobody") {
    schedules[1].slot_element_count = 2;
    CHECK(first_fault(schedules) == "it offers slots to nobody");
  }
}

}  // namespace
}  // namespace hvd
