#include "backends/bootstrap/topology.h"

#include <rapidcheck.h>

#include <set>

#include "tests/catch.h"

namespace hvd {

TEST_CASE("ranks of one host are numbered within it and hosts are counted across", "[topology]") {
  const std::vector<RankPlace> places = places_of({7, 7, 9, 9});
  REQUIRE(places[0] ==
          RankPlace{.local_rank = 0, .local_size = 2, .cross_rank = 0, .cross_size = 2});
  REQUIRE(places[1] ==
          RankPlace{.local_rank = 1, .local_size = 2, .cross_rank = 0, .cross_size = 2});
  REQUIRE(places[2] ==
          RankPlace{.local_rank = 0, .local_size = 2, .cross_rank = 1, .cross_size = 2});
  REQUIRE(places[3] ==
          RankPlace{.local_rank = 1, .local_size = 2, .cross_rank = 1, .cross_size = 2});
}

TEST_CASE("uneven and interleaved hosts come out right", "[topology]") {
  const std::vector<RankPlace> places = places_of({0, 1, 0, 0});
  REQUIRE(places[0] ==
          RankPlace{.local_rank = 0, .local_size = 3, .cross_rank = 0, .cross_size = 2});
  REQUIRE(places[1] ==
          RankPlace{.local_rank = 0, .local_size = 1, .cross_rank = 1, .cross_size = 2});
  REQUIRE(places[2] ==
          RankPlace{.local_rank = 1, .local_size = 3, .cross_rank = 0, .cross_size = 1});
  REQUIRE(places[3] ==
          RankPlace{.local_rank = 2, .local_size = 3, .cross_rank = 0, .cross_size = 1});
}

TEST_CASE("no two ranks share host and local rank, nor local rank and cross rank", "[topology]") {
  REQUIRE(rc::check([] {
    std::vector<int> hosts(*rc::gen::inRange<std::size_t>(1, 20));
    for (int& host : hosts) {
      host = *rc::gen::inRange(0, 5);
    }
    const std::vector<RankPlace> places = places_of(hosts);
    std::set<std::pair<int, int>> in_host;
    std::set<std::pair<int, int>> across;
    for (std::size_t rank = 0; rank < hosts.size(); ++rank) {
      in_host.emplace(hosts[rank], places[rank].local_rank);
      across.emplace(places[rank].local_rank, places[rank].cross_rank);
      RC_ASSERT(places[rank].local_rank < places[rank].local_size);
      RC_ASSERT(places[rank].cross_rank < places[rank].cross_size);
    }
    RC_ASSERT(in_host.size() == hosts.size());
    RC_ASSERT(across.size() == hosts.size());
  }));
}

TEST_CASE("a place that differs from what was said is refused with both values", "[topology]") {
  const Identity said{.rank = 3, .size = 4, .local_rank = 1, .source = "HVD_RANK 3"};
  REQUIRE(check_place(said, {.local_rank = 1, .local_size = 2}).ok());
  const Status status = check_place(said, {.local_rank = 0, .local_size = 2});
  REQUIRE(status.code() == StatusCode::invalid_argument);
  REQUIRE(status.message().find("local rank 1") != std::string::npos);
  REQUIRE(status.message().find("local rank 0") != std::string::npos);
  REQUIRE(status.message().find("HVD_HOST_KEY") != std::string::npos);
}

}  // namespace hvd
