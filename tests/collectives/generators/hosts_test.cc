#include "collectives/generators/hosts.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("hosts are numbered by their lowest rank, and ranks in order", "[hosts]") {
  ScheduleParams params;
  params.rank_count = 5;
  params.rank = Rank{3};
  params.host_of_rank = {7, 2, 7, 2, 7};
  const Hosts hosts(params);
  REQUIRE(hosts.count() == 2);
  CHECK(hosts.ranks[0] == std::vector<Rank>{Rank{0}, Rank{2}, Rank{4}});
  CHECK(hosts.local() == std::vector<Rank>{Rank{1}, Rank{3}});
  CHECK(hosts.my_index == 1);
  CHECK(hosts.fewest == 2);
  CHECK(hosts.peers_at(1) == std::vector<Rank>{Rank{2}, Rank{3}});
  CHECK(hosts.host_of(Rank{4}) == 0);
}

TEST_CASE("leaders form a tree under the root, and a chain for many chunks", "[hosts]") {
  ScheduleParams params;
  params.rank_count = 7;
  params.host_of_rank = {0, 0, 1, 1, 2, 2, 3};
  const Rank root{3};
  params.rank = root;
  CHECK(Hosts(params).leader(1, root) == root);
  CHECK(Hosts(params).leader(2, root) == Rank{4});
  CHECK(Hosts(params).tree(root, 4).children == std::vector<Rank>{Rank{4}, Rank{6}});
  CHECK(Hosts(params).tree(root, 5).children == std::vector<Rank>{Rank{4}});
  params.rank = Rank{0};
  CHECK(Hosts(params).tree(root, 4).parent == Rank{6});
  CHECK(Hosts(params).tree(root, 5).parent == Rank{6});
  CHECK(Hosts(params).tree(root, 5).children.empty());
}

TEST_CASE("without a list all ranks are on one host", "[hosts]") {
  ScheduleParams params;
  params.rank_count = 3;
  CHECK(Hosts(params).count() == 1);
  CHECK(Hosts(params).fewest == 3);
}

}  // namespace
}  // namespace hvd
