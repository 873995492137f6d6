#include "backends/engine/peer_parts.h"

#include <array>
#include <cstring>

#include "tests/backends/engine/engine_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

using Floats = std::vector<float>;

std::byte* bytes_of(Floats& values, std::size_t at = 0) {
  return reinterpret_cast<std::byte*>(values.data() + at);
}

// Memory of "other processes" that is this one's. What a test wants to happen first happens first.
class FakeReader final : public MemoryReader {
 public:
  Status read(Rank peer, std::span<const ReadPiece> pieces) override {
    ++read_count;
    if (before_read) {
      HVD_TRY(before_read(peer));
    }
    for (const ReadPiece& piece : pieces) {
      largest = std::max(largest, piece.byte_count);
      std::memcpy(piece.to, reinterpret_cast<const void*>(piece.from), piece.byte_count);
    }
    return ok_status();
  }
  Status has_lived(Rank peer) override {
    return peer == dead ? error(StatusCode::aborted, "rank ", peer, " died").blame_rank(peer.value)
                        : ok_status();
  }

  bool can_be_read(const std::byte*, std::size_t) const override { return true; }

  std::function<Status(Rank)> before_read;
  Rank dead{-1};
  int read_count = 0;
  std::size_t largest = 0;
};

struct Told {
  WorkItem item;
  Schedule schedule;
  alignas(8) std::array<std::byte, 64> slots{};
};

Told told(CollectiveKind kind, std::vector<WorkSegment> segments) {
  Told of;
  of.item.id = 7;
  of.item.kind = kind;
  of.item.dtype = DType::float32;
  of.item.label = "tensor";
  of.item.segments = std::move(segments);
  of.schedule.kind = kind;
  return of;
}

TEST_CASE("a rank copies what another one told it of, across pieces of both", "[engine]") {
  Floats theirs = {1, 2, 3, 4, 5, 6, 7, 8};
  Floats ours(8);
  Told of = told(CollectiveKind::broadcast, {{bytes_of(theirs, 1), nullptr, 3},
                                             {nullptr, nullptr, 0},
                                             {bytes_of(theirs, 5), nullptr, 2}});
  REQUIRE(tell_parts(of.item, of.schedule, of.slots.data(), of.slots.size()).ok());
  PeerPart part;
  REQUIRE(part.find(of.item, of.schedule, Rank{1}, of.slots.data()).ok());
  CHECK(part.is_of(7));
  CHECK_FALSE(part.is_of(8));
  ScatterList places;
  places.clear(4);
  places.append(bytes_of(ours, 0), 2);
  places.append(bytes_of(ours, 4), 2);
  FakeReader reader;
  REQUIRE(part.copy(places.at(0, 4), 1, 4, Rank{1}, reader).ok());
  CHECK(ours == Floats{3, 4, 0, 0, 6, 7, 0, 0});
  CHECK(reader.read_count == 1);
}

TEST_CASE("each rank is told of its own part of an alltoall", "[engine]") {
  Floats theirs = {1, 2, 3, 4, 5, 6};
  Floats ours(3);
  Told of = told(CollectiveKind::alltoall, {{bytes_of(theirs), nullptr, 0}});
  const std::array<std::size_t, 3> sends = {2, 1, 3};
  of.item.send_counts.assign(sends.begin(), sends.end());
  of.schedule.send_counts = {2, 1, 3};
  REQUIRE(tell_parts(of.item, of.schedule, of.slots.data(), of.slots.size()).ok());
  of.schedule.rank = Rank{2};
  of.schedule.counts = {9, 3, 9};
  PeerPart part;
  REQUIRE(part.find(of.item, of.schedule, Rank{1}, of.slots.data()).ok());
  FakeReader reader;
  REQUIRE(part.copy(PieceCursor(bytes_of(ours), 4), 0, 3, Rank{1}, reader).ok());
  CHECK(ours == Floats{4, 5, 6});
}

TEST_CASE("many tensors are read in as few calls as there may be", "[engine]") {
  constexpr std::size_t kTensorCount = 2 * kReadPiecesMax + 1;
  Floats theirs(2 * kTensorCount, 3.0F);
  Floats ours(kTensorCount);
  Told of = told(CollectiveKind::broadcast, {});
  for (std::size_t i = 0; i < kTensorCount; ++i) {
    of.item.segments.push_back({bytes_of(theirs, 2 * i), nullptr, 1});
  }
  std::vector<std::uint64_t> slots(kTensorCount + 1);
  auto* memory = reinterpret_cast<std::byte*>(slots.data());
  CHECK_THAT(
      tell_parts(of.item, of.schedule, memory, slots.size() * 8 - 1).message(),
      Catch::Contains("broadcast 'tensor': 33 tensors") && Catch::Contains("HVD_SINGLE_COPY"));
  REQUIRE(tell_parts(of.item, of.schedule, memory, slots.size() * 8).ok());
  PeerPart part;
  REQUIRE(part.find(of.item, of.schedule, Rank{1}, memory).ok());
  FakeReader reader;
  REQUIRE(part.copy(PieceCursor(bytes_of(ours), 4), 0, kTensorCount, Rank{1}, reader).ok());
  CHECK(reader.read_count == 3);
  CHECK(ours == Floats(kTensorCount, 3.0F));
}

TEST_CASE("an address at which nothing can lie is refused", "[engine]") {
  Floats theirs(3);
  Told of = told(CollectiveKind::broadcast, {{bytes_of(theirs), nullptr, 3}});
  REQUIRE(tell_parts(of.item, of.schedule, of.slots.data(), of.slots.size()).ok());
  const std::uint64_t address = GENERATE(std::uint64_t{0}, ~std::uint64_t{0} - 11);
  std::memcpy(of.slots.data() + 8, &address, sizeof address);
  PeerPart part;
  const Status status = part.find(of.item, of.schedule, Rank{1}, of.slots.data());
  CHECK(status.code() == StatusCode::aborted);
  CHECK_THAT(status.message(), Catch::Contains("rank 1 of the group says of broadcast 'tensor'"));
  CHECK_FALSE(part.is_of(7));
}

TEST_CASE("what was told stands for its item until it is withdrawn", "[engine]") {
  Floats theirs(3);
  Told of = told(CollectiveKind::broadcast, {{bytes_of(theirs), nullptr, 3}});
  CHECK_FALSE(parts_stand(of.slots.data(), 7));
  REQUIRE(tell_parts(of.item, of.schedule, of.slots.data(), of.slots.size()).ok());
  CHECK(parts_stand(of.slots.data(), 7));
  CHECK_FALSE(parts_stand(of.slots.data(), 6));
  withdraw_parts(of.slots.data());
  CHECK_FALSE(parts_stand(of.slots.data(), 7));
}

constexpr std::size_t kLong = 150'001;  // elements of a part: several reads

struct SingleCopyWorld : EngineWorld {
  FakeReader reader;
  explicit SingleCopyWorld(int rank_count,
                           const Config& config = EngineWorld::forced("single_copy"))
      : EngineWorld(rank_count, config) {
    for (auto& transport : transports) {
      transport->share_memory(&reader);
    }
  }
};

// What rank `from` has for rank `to` at place i.
float value_of(std::size_t from, std::size_t to, std::size_t i) {
  return static_cast<float>(from * 1000 + to * 100 + i % 97);
}

TEST_CASE("an alltoall by single copies is right for parts of any size", "[engine]") {
  const auto rank_count = GENERATE(2, 3, 5);
  const auto ranks = static_cast<std::size_t>(rank_count);
  Random random(8);
  SingleCopyWorld world(rank_count);
  const auto count = [&](std::size_t from, std::size_t to) {
    return (from + 2 * to) % 3 == 1 ? 0 : kLong + from * 10 + to;
  };
  for (int round = 0; round < 3; ++round) {
    const WorkItem item = world.item_of({.kind = CollectiveKind::alltoall,
                                         .dtype = DType::float32,
                                         .element_count = ranks * kLong,
                                         .within_reach = true});
    std::vector<Floats> inputs(ranks);
    std::vector<Floats> outputs(ranks);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      WorkItem own = item;
      std::size_t received = 0;
      for (std::size_t other = 0; other < ranks; ++other) {
        own.send_counts.push_back(count(rank, other));
        own.counts.push_back(count(other, rank));
        received += count(other, rank);
        for (std::size_t i = 0; i < count(rank, other); ++i) {
          inputs[rank].push_back(value_of(rank, other, i));
        }
      }
      outputs[rank].resize(received);
      own.segments = {{bytes_of(inputs[rank]), bytes_of(outputs[rank]), 0}};
      world.planes[rank]->start(std::move(own));
    }
    REQUIRE(world.run(random));
    REQUIRE(world.all_completed_ok(1));
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      Floats expected;
      for (std::size_t other = 0; other < ranks; ++other) {
        for (std::size_t i = 0; i < count(other, rank); ++i) {
          expected.push_back(value_of(other, rank, i));
        }
      }
      CHECK(outputs[rank] == expected);
    }
  }
  CHECK(world.reader.read_count > 0);
  CHECK(world.reader.largest <= Execution::kReadBytes);
}

TEST_CASE("an allgather by single copies is right where some ranks run in place", "[engine]") {
  const auto rank_count = GENERATE(2, 3, 5);
  const auto ranks = static_cast<std::size_t>(rank_count);
  Random random(9);
  SingleCopyWorld world(rank_count);
  WorkItem item = world.item_of({.kind = CollectiveKind::allgather,
                                 .dtype = DType::float32,
                                 .element_count = ranks * kLong,
                                 .within_reach = true});
  Floats expected;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const std::size_t count = rank == 1 ? 0 : kLong + rank;
    item.counts.push_back(count);
    for (std::size_t i = 0; i < count; ++i) {
      expected.push_back(value_of(rank, 0, i));
    }
  }
  std::vector<Floats> inputs(ranks);
  std::vector<Floats> outputs(ranks, Floats(expected.size()));
  std::size_t before = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const auto begin = expected.begin() + static_cast<std::ptrdiff_t>(before);
    inputs[rank].assign(begin, begin + static_cast<std::ptrdiff_t>(item.counts[rank]));
    WorkItem own = item;
    const std::byte* input = bytes_of(inputs[rank]);
    if (rank % 2 == 0) {
      std::copy(inputs[rank].begin(), inputs[rank].end(),
                outputs[rank].begin() + static_cast<std::ptrdiff_t>(before));
      input = bytes_of(outputs[rank], before);
    }
    own.segments = {{input, bytes_of(outputs[rank]), 0}};
    before += item.counts[rank];
    world.planes[rank]->start(std::move(own));
  }
  REQUIRE(world.run(random));
  REQUIRE(world.all_completed_ok(1));
  for (const Floats& output : outputs) {
    CHECK(output == expected);
  }
}

TEST_CASE("a plane fetches parts through slots and where they lie, to learn which is faster",
          "[engine]") {
  constexpr std::size_t kPart = 20'000;
  Random random(10);
  SingleCopyWorld world(2, EngineWorld::default_config());
  std::array<Floats, 2> inputs = {Floats(kPart, 1.0F), Floats(kPart, 2.0F)};
  Floats expected = inputs[0];
  expected.insert(expected.end(), inputs[1].begin(), inputs[1].end());
  int read_count = 0;
  for (int round = 0; round < 12; ++round) {
    WorkItem item = world.item_of({.kind = CollectiveKind::allgather,
                                   .dtype = DType::float32,
                                   .element_count = 2 * kPart,
                                   .within_reach = true});
    read_count += algorithm_of(item.choice) == Algorithm::single_copy ? 1 : 0;
    item.counts = {kPart, kPart};
    std::array<Floats, 2> outputs = {Floats(2 * kPart), Floats(2 * kPart)};
    for (std::size_t rank = 0; rank < 2; ++rank) {
      item.segments = {{bytes_of(inputs[rank]), bytes_of(outputs[rank]), 0}};
      world.planes[rank]->start(WorkItem(item));
    }
    REQUIRE(world.run(random));
    REQUIRE(world.all_completed_ok(1));
    CHECK(outputs[0] == expected);
    CHECK(outputs[1] == expected);
  }
  CHECK(read_count >= 1);
  CHECK(read_count < 12);
}

TEST_CASE("parts that others cannot read pass through slots, whatever is wished", "[engine]") {
  const auto* algorithm = GENERATE("auto", "single_copy");
  SingleCopyWorld world(2, EngineWorld::forced(algorithm));
  for (int round = 0; round < 12; ++round) {
    const WorkItem item = world.item_of({.kind = CollectiveKind::alltoall,
                                         .dtype = DType::float32,
                                         .element_count = 2 * kLong,
                                         .within_reach = false});
    CHECK(algorithm_of(item.choice) == Algorithm::slots);
  }
}

// A broadcast of two tensors from rank 0, in place there.
struct Broadcast {
  SingleCopyWorld world{3};
  std::vector<Floats> first{Floats(kLong, 5.0F), Floats(kLong), Floats(kLong)};
  std::vector<Floats> second{Floats(7, 6.0F), Floats(7), Floats(7)};
  Random random{10};

  Broadcast() {
    WorkItem item = world.item_of({.kind = CollectiveKind::broadcast,
                                   .dtype = DType::float32,
                                   .element_count = kLong + 7,
                                   .within_reach = true});
    item.root = kRoot;
    for (std::size_t rank = 0; rank < 3; ++rank) {
      item.segments = {{bytes_of(first[rank]), bytes_of(first[rank]), kLong},
                       {bytes_of(second[rank]), bytes_of(second[rank]), 7}};
      world.planes[rank]->start(WorkItem(item));
    }
  }
  std::vector<Status> statuses(std::size_t rank) {
    std::vector<Status> all;
    for (const WorkCompletion& completion : world.completions(Rank{rank})) {
      all.push_back(completion.status);
    }
    return all;
  }
};

TEST_CASE("a broadcast of several tensors by single copies is right", "[engine]") {
  Broadcast job;
  REQUIRE(job.world.run(job.random));
  REQUIRE(job.world.all_completed_ok(1));
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CHECK(job.first[rank] == Floats(kLong, 5.0F));
    CHECK(job.second[rank] == Floats(7, 6.0F));
  }
}

TEST_CASE("what a failed owner gave back meanwhile is taken for read by nobody", "[engine]") {
  Broadcast job;
  bool gone = false;
  const bool read_fails = GENERATE(false, true);
  // The root fails while others read, and its user makes something else of the tensor.
  job.world.reader.before_read = [&](Rank) {
    if (!gone) {
      gone = true;
      job.world.planes[0]->abort(error(StatusCode::aborted, "something else failed"));
      std::fill(job.first[0].begin(), job.first[0].end(), 77.0F);
    }
    return read_fails ? error(StatusCode::unsupported, "cannot be read") : ok_status();
  };
  CHECK_FALSE(job.world.run(job.random));  // the others wait to be told what has failed
  REQUIRE(gone);
  for (std::size_t rank = 1; rank < 3; ++rank) {
    CHECK(job.statuses(rank).empty());
    CHECK(job.world.planes[rank]->prepare_sleep());
    job.world.planes[rank]->end_sleep();
    job.world.planes[rank]->abort(error(StatusCode::aborted, "something else failed"));
    const std::vector<Status> statuses = job.statuses(rank);
    REQUIRE(statuses.size() == 1);
    CHECK_THAT(statuses.front().message(), Catch::Contains("something else failed"));
  }
}

TEST_CASE("memory that cannot be read fails its item and names the rank", "[engine]") {
  Broadcast job;
  std::string what;
  SECTION("by the system") {
    what = "no reading here";
    job.world.reader.before_read = [&](Rank peer) {
      return error(StatusCode::unsupported, what).blame_rank(peer.value);
    };
  }
  SECTION("because its process has ended, as is seen only afterwards") {
    what = "rank 0 died";
    job.world.reader.dead = kRoot;
  }
  CHECK_FALSE(job.world.run(job.random));
  for (std::size_t rank = 1; rank < 3; ++rank) {
    const std::vector<Status> statuses = job.statuses(rank);
    REQUIRE(statuses.size() == 1);
    CHECK_THAT(statuses.front().message(), Catch::Contains(what));
    CHECK(statuses.front().culprit_rank() == 0);
  }
}

}  // namespace
}  // namespace hvd
