#include "collectives/verifier/shared_accesses.h"

#include "tests/catch.h"

namespace hvd {
namespace {

const VectorClock kKnowsNothing = {0, 0, 0};

TEST_CASE("a write conflicts with reads and writes that nothing orders before it",
          "[shared_accesses]") {
  SharedAccesses memory(8);
  CHECK_FALSE(memory.write(0, 8, {Rank{0}, 3}, kKnowsNothing));
  CHECK_FALSE(memory.read(2, 4, {Rank{1}, 0}, {4, 0, 0}));  // knows that rank 0's op 3 is over
  const auto conflict = memory.write(0, 8, {Rank{2}, 0}, {4, 0, 0});
  REQUIRE(conflict);
  CHECK(conflict->earlier.rank == Rank{1});
  CHECK_FALSE(conflict->earlier_writes);
  CHECK(conflict->element_begin == 2);
  CHECK(conflict->element_end == 4);
}

TEST_CASE("a read conflicts with a write that is over one op too late", "[shared_accesses]") {
  SharedAccesses memory(4);
  CHECK_FALSE(memory.write(1, 2, {Rank{0}, 3}, kKnowsNothing));
  CHECK_FALSE(memory.read(0, 1, {Rank{1}, 0}, {3, 0, 0}));
  const auto conflict = memory.read(0, 4, {Rank{1}, 1}, {3, 0, 0});
  REQUIRE(conflict);
  CHECK(conflict->earlier_writes);
  CHECK(conflict->earlier.op_index == 3);
}

TEST_CASE("reads never conflict, and a rank never conflicts with itself", "[shared_accesses]") {
  SharedAccesses memory(4);
  CHECK_FALSE(memory.read(0, 4, {Rank{0}, 0}, kKnowsNothing));
  CHECK_FALSE(memory.read(0, 4, {Rank{1}, 0}, kKnowsNothing));
  SharedAccesses own(4);
  CHECK_FALSE(own.read(0, 4, {Rank{0}, 0}, kKnowsNothing));
  CHECK_FALSE(own.write(0, 4, {Rank{0}, 0}, kKnowsNothing));
  CHECK_FALSE(own.write(0, 4, {Rank{0}, 1}, kKnowsNothing));
}

}  // namespace
}  // namespace hvd
