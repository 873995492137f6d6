#include "collectives/verifier/piece_map.h"

#include <rapidcheck.h>

#include "tests/catch.h"

namespace hvd {
namespace {

std::vector<int> flat(const PieceMap<int>& map) {
  std::vector<int> values;
  for (std::size_t i = 0; i < map.size(); ++i) {
    RC_ASSERT(map[i].begin == values.size());
    RC_ASSERT(map.end_of(i) > map[i].begin);
    values.resize(map.end_of(i), map[i].value);
  }
  return values;
}

TEST_CASE("pieces hold what a plain vector would hold", "[piece_map]") {
  CHECK(rc::check([] {
    const auto n = *rc::gen::inRange<std::size_t>(1, 30);
    PieceMap<int> map(n, 0);
    std::vector<int> plain(n, 0);
    for (int step = 1; step < 20; ++step) {
      const auto begin = *rc::gen::inRange<std::size_t>(0, n);
      const auto end = *rc::gen::inRange<std::size_t>(begin + 1, n + 1);
      const auto middle = *rc::gen::inRange<std::size_t>(begin, end);
      std::vector<PieceMap<int>::Piece> by = {{begin, step}};
      if (middle > begin) {
        by.push_back({middle, -step});
      }
      map.replace(begin, end, by);
      std::fill(plain.begin() + static_cast<std::ptrdiff_t>(begin),
                plain.begin() + static_cast<std::ptrdiff_t>(end), middle > begin ? -step : step);
      std::fill(plain.begin() + static_cast<std::ptrdiff_t>(begin),
                plain.begin() + static_cast<std::ptrdiff_t>(middle), step);
      RC_ASSERT(flat(map) == plain);
    }
  }));
}

TEST_CASE("splitting makes a boundary and changes no value", "[piece_map]") {
  PieceMap<int> map(10, 7);
  CHECK(map.split(4) == 1);
  CHECK(map.split(4) == 1);
  CHECK(map.split(0) == 0);
  CHECK(map.split(10) == 2);
  CHECK(map.size() == 2);
  CHECK(map.find(3) == 0);
  CHECK(map.find(4) == 1);
  CHECK(map[1].value == 7);
  CHECK(PieceMap<int>(0, 7).size() == 0);
}

}  // namespace
}  // namespace hvd
