#include "backends/shm/shm_transport.h"

#include <cstring>

#include "tests/backends/net/socket_pair.h"
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
  CHECK(
      transports[0]->description() ==
      "shared memory among 3 ranks of one host, 4 slots of 256 KiB an edge, single copies of what "
      "is long");
  CHECK(transports[0]->memory_reader() != nullptr);
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

// Two ranks in the middle of an allreduce of a tensor that each has in its arena.
struct ArenaPair {
  static constexpr std::size_t kCount = 1'200'000;
  DomainWorld world{{"", ""}};
  std::vector<std::unique_ptr<ShmTransport>> transports;
  std::vector<std::unique_ptr<NativeDataPlane>> planes;
  std::array<std::byte*, 2> tensors{};

  ArenaPair() {
    for (DomainWorld::Seat& seat : world.seats) {
      seat.arena = Arena::create(2 * kCount * sizeof(float)).value();
    }
    transports = transports_of(world);
    Config config;
    config.algorithm = "auto";
    for (int rank = 0; rank < 2; ++rank) {
      const auto at = static_cast<std::size_t>(rank);
      planes.push_back(NativeDataPlane::create(Rank{rank}, 2, config, *transports[at]).value());
      tensors[at] = world.seats[at].arena->allocate(kCount * sizeof(float)).value();
      WorkItem item;
      item.kind = CollectiveKind::allreduce;
      item.dtype = DType::float32;
      item.choice = planes[0]->choose(
          {.kind = item.kind, .dtype = item.dtype, .element_count = kCount, .within_reach = true});
      item.segments = {{tensors[at], tensors[at], kCount}};
      planes[at]->start(std::move(item));
      planes[at]->progress();
    }
    planes[0]->abort(error(StatusCode::aborted, "the end"));
    REQUIRE(planes[0]->busy());  // rank 1 may write to its tensor
  }
  Arena& arena() { return *world.seats[0].arena; }
};

TEST_CASE("a tensor that a peer may still write to is never given out again", "[shm]") {
  ArenaPair pair;
  pair.planes[0]->abandon();
  CHECK_FALSE(pair.planes[0]->busy());
  REQUIRE(pair.arena().release(pair.tensors[0]).ok());
  CHECK(pair.arena().allocate(64).value() > pair.tensors[0]);
  CHECK_FALSE(pair.arena().allocate(ArenaPair::kCount * sizeof(float) + 4096).ok());
}

TEST_CASE("a tensor is given back when the peer that could reach it has ended", "[shm]") {
  ArenaPair pair;
  pair.planes[1].reset();
  pair.transports[1].reset();  // its process ends, and with it the socket
  const Time limit = pair.world.clock.now() + kTestPatience;
  while (pair.planes[0]->busy() && pair.world.clock.now() < limit) {
    (void)pair.world.seats[0].idle->poll();
    (void)pair.planes[0]->progress();
  }
  CHECK_FALSE(pair.planes[0]->busy());
  REQUIRE(pair.arena().release(pair.tensors[0]).ok());
  CHECK(pair.arena().allocate(64).value() == pair.tensors[0]);
}

}  // namespace
}  // namespace hvd
