#include "backends/loopback/loopback_transport.h"

#include <cstring>

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("every ordered pair of ranks has an edge of its own", "[loopback]") {
  constexpr int kRankCount = 4;
  SteadyClock clock;
  LoopbackWorld world(kRankCount, clock);
  std::vector<std::unique_ptr<LoopbackTransport>> transports;
  transports.reserve(kRankCount);
  for (int rank = 0; rank < kRankCount; ++rank) {
    transports.push_back(world.make_transport(Rank{rank}));
  }
  for (int from = 0; from < kRankCount; ++from) {
    for (int to = 0; to < kRankCount; ++to) {
      if (from != to) {
        Transport& sender = *transports[static_cast<std::size_t>(from)];
        const std::span<std::byte> slot = sender.begin_send(Rank{to}, Lane::bulk);
        std::memset(slot.data(), 10 * from + to, slot.size());
        sender.commit_send(Rank{to}, Lane::bulk, {.byte_count = slot.size()});
      }
    }
  }
  for (int from = 0; from < kRankCount; ++from) {
    for (int to = 0; to < kRankCount; ++to) {
      if (from != to) {
        const auto chunk = transports[static_cast<std::size_t>(to)]->peek(Rank{from}, Lane::bulk);
        REQUIRE(chunk.has_value());
        CHECK(chunk->data.front() == static_cast<std::byte>(10 * from + to));
        CHECK(chunk->data.back() == static_cast<std::byte>(10 * from + to));
      }
    }
  }
}

TEST_CASE("a rank reaches the other ranks of its process and no others", "[loopback]") {
  SteadyClock clock;
  LoopbackWorld world(2, clock);
  const auto transport = world.make_transport(Rank{0});
  CHECK(transport->reaches(Rank{1}).ok());
  CHECK(transport->reaches(Rank{2}).code() == StatusCode::unsupported);
  CHECK(transport->description() == "loopback among 2 ranks of one process");
  transport->for_each_fd([](int) { FAIL("loopback holds no descriptor"); });
}

}  // namespace
}  // namespace hvd
