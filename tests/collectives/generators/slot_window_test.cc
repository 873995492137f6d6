#include "collectives/generators/slot_window.h"

#include <rapidcheck.h>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a window lies in the slots that there are, and chunks in places of their own",
          "[slot_window]") {
  CHECK(rc::check([] {
    ScheduleParams params;
    const int stripes = *rc::gen::inRange(1, 6);
    params.chunk_element_count = *rc::gen::inRange<std::uint64_t>(1, 40);
    params.slot_element_count =
        *rc::gen::inRange<std::uint64_t>(static_cast<std::uint64_t>(stripes), 200);
    const auto n = *rc::gen::inRange<std::uint64_t>(0, 300);
    const SlotWindow window(params, n, stripes);
    RC_ASSERT(window.slot_element_count() <= params.slot_element_count);
    RC_ASSERT(window.chunk_element_count() <= params.chunk_element_count);
    std::uint64_t sum = 0;
    for (std::uint64_t k = 0; k < window.chunk_count(); ++k) {
      sum += window.chunk(k).count;
      RC_ASSERT(window.offset(k, stripes - 1) + window.chunk_element_count() <=
                window.slot_element_count());
      const std::uint32_t taken = window.taken_before(k);
      RC_ASSERT(taken == 0 || window.is_reused(taken - 1));
      RC_ASSERT(taken == 0 || window.offset(taken - 1) == window.offset(k));
    }
    RC_ASSERT(sum == n);
  }));
}

TEST_CASE("two chunks fit where there is room for two elements", "[slot_window]") {
  ScheduleParams params;
  params.chunk_element_count = 100;
  params.slot_element_count = 101;
  CHECK(SlotWindow(params, 100).chunk_element_count() == 100);
  CHECK(SlotWindow(params, 101).chunk_element_count() == 50);
  CHECK(SlotWindow(params, 101).ahead() == 1);
  CHECK(SlotWindow(params, 100).ahead() == 0);
}

TEST_CASE("ranks of one host share slots", "[slot_window]") {
  ScheduleParams params;
  params.rank_count = 4;
  CHECK(slot_ranks_of(params).size() == 4);
  params.rank = Rank{2};
  params.host_of_rank = {0, 1, 0, 1};
  CHECK(slot_ranks_of(params) == std::vector<Rank>{Rank{0}, Rank{2}});
}

}  // namespace
}  // namespace hvd
