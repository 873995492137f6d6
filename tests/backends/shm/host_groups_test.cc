#include "backends/shm/host_groups.h"

#include <rapidcheck.h>

#include "tests/catch.h"

namespace hvd {
namespace {

std::vector<Rank> ranks(std::initializer_list<int> values) {
  std::vector<Rank> all;
  for (const int value : values) {
    all.emplace_back(value);
  }
  return all;
}

TEST_CASE("ranks that all proved one another share a host", "[shm]") {
  CHECK(fix_hosts({}) == std::vector<int>{});
  CHECK(fix_hosts({{}}) == std::vector<int>{0});
  CHECK(fix_hosts({ranks({1, 2}), ranks({0, 2}), ranks({0, 1})}) == std::vector<int>{0, 0, 0});
  CHECK(fix_hosts({ranks({2}), ranks({3}), ranks({0}), ranks({1})}) ==
        std::vector<int>{0, 1, 0, 1});
}

TEST_CASE("a pair that only one side proved does not count", "[shm]") {
  CHECK(fix_hosts({ranks({1}), {}}) == std::vector<int>{0, 1});
  CHECK(fix_hosts({{}, ranks({0})}) == std::vector<int>{0, 1});
}

TEST_CASE("a rank joins a host only if it shares memory with all of its ranks", "[shm]") {
  // 0-1 and 1-2 are proven, 0-2 is not.
  CHECK(fix_hosts({ranks({1}), ranks({0, 2}), ranks({1})}) == std::vector<int>{0, 0, 2});
}

TEST_CASE("hosts are cliques of pairs that both proved, for any reports", "[shm][fuzz]") {
  CHECK(rc::check([] {
    const int rank_count = *rc::gen::inRange(1, 9);
    PeerReports reports(static_cast<std::size_t>(rank_count));
    for (int rank = 0; rank < rank_count; ++rank) {
      for (int peer = 0; peer < rank_count; ++peer) {
        if (peer != rank && *rc::gen::weightedElement<bool>({{4, true}, {1, false}})) {
          reports[static_cast<std::size_t>(rank)].emplace_back(peer);
        }
      }
    }
    const std::vector<int> hosts = fix_hosts(reports);
    const auto proved = [&](std::size_t a, std::size_t b) {
      return std::count(reports[a].begin(), reports[a].end(), Rank{b}) == 1;
    };
    for (std::size_t a = 0; a < hosts.size(); ++a) {
      RC_ASSERT(hosts[static_cast<std::size_t>(hosts[a])] == hosts[a]);
      RC_ASSERT(hosts[a] <= static_cast<int>(a));
      for (std::size_t b = 0; b < a; ++b) {
        RC_ASSERT(hosts[a] != hosts[b] || (proved(a, b) && proved(b, a)));
      }
    }
    std::vector<std::string> lacks(static_cast<std::size_t>(rank_count));
    lacks[static_cast<std::size_t>(*rc::gen::inRange(0, rank_count))] = "none to be had";
    const HostGroups groups{hosts, fix_domains(hosts, lacks)};
    for (std::size_t a = 0; a < hosts.size(); ++a) {
      RC_ASSERT(groups.domain_of_rank[a] == hosts[a] ||
                groups.domain_of_rank[a] == static_cast<int>(a));
    }
    const HostGroups again = decode_groups(encode_groups(groups), rank_count).value();
    RC_ASSERT(again.host_of_rank == groups.host_of_rank);
    RC_ASSERT(again.domain_of_rank == groups.domain_of_rank);
    RC_ASSERT(decode_reports(encode_reports(reports), rank_count).value() == reports);
  }));
}

TEST_CASE("members of a host come in order and include the rank itself", "[shm]") {
  const std::vector<int> hosts = {0, 1, 0, 1, 0};
  CHECK(host_members(hosts, Rank{2}) == ranks({0, 2, 4}));
  CHECK(host_members(hosts, Rank{3}) == ranks({1, 3}));
}

TEST_CASE("what a rank reports is input: malformed lists are refused", "[shm]") {
  CHECK(decode_peers(encode_peers(ranks({0, 2})), 3).value() == ranks({0, 2}));
  CHECK_FALSE(decode_peers(encode_peers(ranks({0, 3})), 3).ok());   // no such rank
  CHECK_FALSE(decode_peers(encode_peers(ranks({-1, 2})), 3).ok());  // no rank at all
  CHECK_FALSE(decode_peers(encode_peers(ranks({2, 2})), 3).ok());   // twice
  Bytes cut = encode_peers(ranks({0, 2}));
  cut.pop_back();
  CHECK_FALSE(decode_peers(cut, 3).ok());
  Bytes longer = encode_peers(ranks({0}));
  longer.push_back(std::byte{0});
  CHECK_FALSE(decode_peers(longer, 3).ok());
  CHECK_FALSE(decode_peers(ByteWriter().put(~std::uint32_t{0}).take(), 3).ok());
  const std::vector<int> alone = {0, 1, 2};
  CHECK(decode_groups(encode_groups({{0, 0, 2}, alone}), 3).ok());
  CHECK_FALSE(decode_groups(encode_groups({{0, 2, 2}, alone}), 3).ok());  // above itself
  CHECK_FALSE(decode_groups(encode_groups({{0, 0, 1}, alone}), 3).ok());  // no host's name
  CHECK_FALSE(decode_groups(encode_groups({{0, 0}, {0, 1}}), 3).ok());
  CHECK_FALSE(decode_groups(encode_groups({{0, 0, 0}, {0, 1, 1}}), 3).ok());  // half a domain
  CHECK_FALSE(decode_groups(encode_groups({alone, {0, 0, 2}}), 3).ok());      // across hosts
  Bytes report = encode_memory_report({ranks({0, 2}), "no memory"});
  CHECK(decode_memory_report(report, 3).value().lack == "no memory");
  CHECK(decode_memory_report(report, 3).value().proven == ranks({0, 2}));
  CHECK_FALSE(decode_memory_report(report, 2).ok());
  CHECK(decode_memory_report(encode_memory_report({{}, std::string(5000, 'x')}), 2)
            .value()
            .lack.size() < 1000);
  report.pop_back();
  CHECK_FALSE(decode_memory_report(report, 3).ok());
}

TEST_CASE("a rank without memory leaves every rank of its host alone, and no other", "[shm]") {
  const std::vector<int> hosts = {0, 1, 0, 1, 0};
  const auto domains = [&](std::vector<std::string> lacks) { return fix_domains(hosts, lacks); };
  CHECK(domains({"", "", "", "", ""}) == hosts);
  CHECK(domains({"", "", "why", "", ""}) == std::vector<int>{0, 1, 2, 1, 4});
  CHECK(domains({"why", "why", "", "", ""}) == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("all neighbours are reported only if each rank reports each of its host", "[shm]") {
  const std::vector<int> hosts = {0, 1, 0, 0};
  PeerReports reports = {ranks({2, 3}), {}, ranks({0, 3}), ranks({0, 2})};
  CHECK(all_neighbours_reported(reports, hosts));
  reports[2] = ranks({0});
  CHECK_FALSE(all_neighbours_reported(reports, hosts));
  CHECK(all_neighbours_reported(PeerReports(3), std::vector<int>{0, 1, 2}));
}

TEST_CASE("a verdict is yes or no and nothing else", "[shm]") {
  CHECK(decode_verdict(encode_verdict(true)).value());
  CHECK_FALSE(decode_verdict(encode_verdict(false)).value());
  CHECK_FALSE(decode_verdict({}).ok());
  CHECK_FALSE(decode_verdict(ByteWriter().put(std::uint8_t{2}).take()).ok());
  CHECK_FALSE(decode_verdict(ByteWriter().put(std::uint16_t{1}).take()).ok());
}

TEST_CASE("the largest host is the one with most ranks", "[shm]") {
  CHECK(largest_host(std::vector<int>{0, 1, 0, 1, 1}) == 3);
  CHECK(largest_host(std::vector<int>{0}) == 1);
}

}  // namespace
}  // namespace hvd
