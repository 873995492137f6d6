#include "backends/shm/shm_transport.h"

#include <cstring>

#include "tests/backends/shm/domain_world.h"

namespace hvd {
namespace {

std::vector<std::unique_ptr<ShmTransport>> transports_of(DomainWorld& world) {
  std::vector<std::unique_ptr<ShmTransport>> transports;
  for (auto& domain : world.form_on_threads()) {
    REQUIRE(domain.ok());
    Poller& poller = *world.seats[transports.size()].poller;
    transports.push_back(ShmTransport::create(std::move(domain).value(), poller).value());
  }
  return transports;
}

TEST_CASE("every ordered pair of members has an edge in shared memory of its own", "[shm]") {
  DomainWorld world({"a", "b", "a", "a"});
  const auto transports = transports_of(world);
  const std::vector<std::size_t> members = {0, 2, 3};
  for (const std::size_t from : members) {
    for (const std::size_t to : members) {
      if (from != to) {
        const std::span<std::byte> slot = transports[from]->begin_send(Rank{to}, Lane::bulk);
        REQUIRE(slot.size() == transports[from]->chunk_bytes_max(Lane::bulk));
        std::memset(slot.data(), static_cast<int>(10 * from + to), slot.size());
        transports[from]->commit_send(Rank{to}, Lane::bulk, {.byte_count = slot.size()});
      }
    }
  }
  for (const std::size_t from : members) {
    for (const std::size_t to : members) {
      if (from != to) {
        const auto chunk = transports[to]->peek(Rank{from}, Lane::bulk);
        REQUIRE(chunk.has_value());
        CHECK(chunk->data.front() == static_cast<std::byte>(10 * from + to));
        CHECK(chunk->data.back() == static_cast<std::byte>(10 * from + to));
      }
    }
  }
  CHECK(transports[0]->description() ==
        "shared memory among 3 ranks of one host, 4 slots of 256 KiB an edge");
  CHECK(transports[1]->description() == "no shared memory: no other rank on this host");
}

TEST_CASE("a chunk rings the doorbell of a rank that sleeps", "[shm]") {
  DomainWorld world({"", ""});
  const auto transports = transports_of(world);
  PollerIdle& bell = *world.seats[1].idle;
  while (bell.poll()) {  // what is left of the formation
  }
  for (const bool asleep : {false, true}) {
    if (asleep) {
      transports[1]->prepare_sleep();
    }
    REQUIRE_FALSE(transports[0]->begin_send(Rank{1}, Lane::bulk).empty());
    transports[0]->commit_send(Rank{1}, Lane::bulk, {});
    CHECK(bell.poll() == asleep);
  }
}

TEST_CASE("one rank alone has a transport without peers", "[shm]") {
  DomainWorld world({""});
  const auto transports = transports_of(world);
  CHECK(transports[0]->description() == "no transport: one rank alone");
  auto plane = NativeDataPlane::create(
      Rank{0}, 1,
      [] {
        Config config;
        config.algorithm = "auto";
        return config;
      }(),
      *transports[0]);
  REQUIRE(plane.ok());
  CHECK(try_sums(**plane, *world.seats[0].idle, Rank{0}, 1) == "");
}

}  // namespace
}  // namespace hvd
