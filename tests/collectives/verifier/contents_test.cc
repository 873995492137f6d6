#include "collectives/verifier/contents.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("elements that are moved still know where they come from", "[contents]") {
  const Contents source(10, Value{5, 0});
  Contents target(10, Value{});
  Elements moved;
  source.read(6, 3, moved);
  CHECK(moved.count == 3);
  CHECK(moved.pieces.at(0).value == Value{5, 6});
  target.write(1, moved);
  CHECK(target.pieces()[1].begin == 1);
  CHECK(target.pieces()[1].value == Value{5, 5});  // place 1 holds element 6
  CHECK(target.pieces()[2].begin == 4);
  CHECK(target.pieces()[2].value == Value{});
  Elements back;
  target.read(2, 2, back);
  target.write(7, back);
  target.read(7, 1, back);
  CHECK(back.pieces.at(0).value.shift == 7);  // element 7, at place 0 of what was read
}

TEST_CASE("a read sees only what lies in it", "[contents]") {
  Contents contents(6, Value{1, 0});
  Elements middle{2, {{0, Value{2, 0}}}};
  contents.write(2, middle);
  Elements seen;
  contents.read(1, 4, seen);
  REQUIRE(seen.pieces.size() == 3);
  CHECK(seen.pieces[1].begin == 1);
  CHECK(seen.pieces[1].value.term == 2);
  CHECK(seen.pieces[2].begin == 3);
  contents.read(6, 0, seen);
  CHECK(seen.pieces.empty());
}

}  // namespace
}  // namespace hvd
