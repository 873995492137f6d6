#include "collectives/lane.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("lanes index arrays of kLaneCount", "[lane]") {
  CHECK(lane_index(Lane::express) < kLaneCount);
  CHECK(lane_index(Lane::bulk) < kLaneCount);
  CHECK(lane_index(Lane::express) != lane_index(Lane::bulk));
}

}  // namespace
}  // namespace hvd
