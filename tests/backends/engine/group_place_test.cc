#include "backends/engine/group_place.h"

#include "tests/catch.h"

namespace hvd {
namespace {

const std::vector<Rank> kMembers = {Rank{1}, Rank{2}, Rank{5}};

TEST_CASE("a rank's place in a group is counted among its members", "[engine]") {
  const GroupPlace place = make_group_place(7, kMembers, Rank{5}, {});
  CHECK(place.id == 7);
  CHECK(place.rank == Rank{2});
  CHECK(place.members == kMembers);
  CHECK(place.host_of_rank.empty());
}

TEST_CASE("hosts are named by their lowest member, and one host by none", "[engine]") {
  const std::vector<int> two = {0, 1, 0, 1, 0, 1};
  CHECK(make_group_place(7, kMembers, Rank{2}, two).host_of_rank == std::vector<int>{0, 1, 0});
  const std::vector<int> one = {0, 1, 1, 0, 0, 1};
  CHECK(make_group_place(7, kMembers, Rank{2}, one).host_of_rank.empty());
}

}  // namespace
}  // namespace hvd
