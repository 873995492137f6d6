#include "backends/engine/group_place.h"

#include <utility>

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

TEST_CASE("a group that cannot be is refused by name", "[engine]") {
  const auto text = [](std::vector<Rank> members, int self) {
    return check_group({.id = 7, .members = std::move(members)}, Rank{self}, 6).message();
  };
  CHECK(check_group({.id = 7, .members = kMembers}, Rank{2}, 6).ok());
  CHECK(text(kMembers, 0) ==
        "group 7 of ranks 1 2 5: rank 0 is not in it, so it cannot take part in its operations");
  CHECK(text({Rank{0}, Rank{6}}, 0) ==
        "group 7 of ranks 0 6: rank 6 is not one of the ranks 0 to 5");
  CHECK_THAT(text({Rank{0}, Rank{-1}}, 0), Catch::Contains("rank -1 is not one of"));
  CHECK_THAT(text({Rank{0}, Rank{3}, Rank{0}}, 0), Catch::Contains("rank 0 is there twice"));
  CHECK_THAT(text({}, 0), Catch::Contains("ranks none") && Catch::Contains("not in it"));
}

}  // namespace
}  // namespace hvd
