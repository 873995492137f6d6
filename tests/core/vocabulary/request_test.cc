#include "core/vocabulary/request.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a request that nobody filled scales nothing and never expires", "[request]") {
  const Request request;
  CHECK(request.prescale == 1.0);
  CHECK(request.postscale == 1.0);
  CHECK(request.deadline == 0);
  CHECK(request.root == kRoot);
  CHECK(request.output == nullptr);
}

TEST_CASE("rows are dealt out evenly, and the first ranks take what is left", "[request]") {
  Request request;
  for (const std::int64_t rows : {0, 1, 2, 3, 7, 9}) {
    request.input.shape = Shape(std::array<std::int64_t, 2>{rows, 5});
    std::int64_t sum = 0;
    std::int64_t before = rows;
    for (int r = 0; r < 3; ++r) {
      const std::int64_t share = split_of(request, Rank(r), 3);
      CHECK(share <= before);
      CHECK((share == rows / 3 || share == rows / 3 + 1));
      sum += share;
      before = share;
    }
    CHECK(sum == rows);
  }
  request.splits = {4, 0, 5};
  CHECK(split_of(request, Rank(2), 3) == 5);
}

TEST_CASE("both ends of a message make the same name, and no two messages do", "[request]") {
  CHECK(point_to_point_name(Rank(0), Rank(1), -7, 2) == "p2p 0>1 tag -7 #2");
  CHECK(point_to_point_name(Rank(0), Rank(1), 0, 2).starts_with(kPointToPointPrefix));
}

}  // namespace
}  // namespace hvd
