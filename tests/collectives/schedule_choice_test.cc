#include "collectives/schedule_choice.h"

#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a choice keeps what was packed into it", "[selector]") {
  for (const std::uint64_t chunk : {kChunkBytesMin, std::uint64_t{4096}, kChunkBytesMax}) {
    const Result<ScheduleSpec> spec = unpack_choice(
        pack_choice({Algorithm::recursive_doubling, chunk}), CollectiveKind::allreduce);
    REQUIRE(spec.ok());
    CHECK(spec->algorithm == Algorithm::recursive_doubling);
    CHECK(spec->chunk_bytes == chunk);
  }
}

TEST_CASE("a choice that no root makes is refused and says what it is", "[selector]") {
  const ScheduleChoice good = pack_choice({Algorithm::tree, 4096});
  CHECK(unpack_choice(good, CollectiveKind::broadcast).ok());
  CHECK_FALSE(unpack_choice(good, CollectiveKind::barrier).ok());
  CHECK_FALSE(unpack_choice(0, CollectiveKind::allreduce).ok());
  CHECK_FALSE(unpack_choice(good + (4ULL << 8), CollectiveKind::broadcast).ok());  // odd chunk
  const Status status = unpack_choice(good ^ 99, CollectiveKind::broadcast).status();
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK(
      status.message().find("is none for broadcast: algorithm 96, chunk of 4096 bytes, layout 1") !=
      std::string::npos);
}

TEST_CASE("of random choices only those are accepted that pack back to the same", "[selector]") {
  Random random(5);
  int accepted_count = 0;
  for (int i = 0; i < 100'000; ++i) {
    // Near a valid one, or anything.
    const ScheduleChoice choice =
        i % 2 == 0 ? random.next()
                   : pack_choice({Algorithm::ring, 4096}) ^ (1ULL << random.below(64));
    const auto kind = static_cast<CollectiveKind>(random.below(4));
    if (const Result<ScheduleSpec> spec = unpack_choice(choice, kind); spec.ok()) {
      CHECK(pack_choice(*spec) == choice);
      ++accepted_count;
    }
  }
  CHECK(accepted_count > 0);
}

TEST_CASE("a choice keeps the lane, the way of storing and the wire type", "[selector]") {
  const ScheduleSpec spec{.algorithm = Algorithm::one_shot,
                          .lane = Lane::express,
                          .stream = true,
                          .narrow = WireType::bfloat16};
  const Result<ScheduleSpec> kept = unpack_choice(pack_choice(spec), CollectiveKind::allreduce);
  REQUIRE(kept.ok());
  CHECK(kept->lane == Lane::express);
  CHECK(kept->stream);
  CHECK(kept->narrow == WireType::bfloat16);
  const ScheduleChoice no_type = pack_choice(spec) | 3ULL << 42;
  CHECK_FALSE(unpack_choice(no_type, CollectiveKind::allreduce).ok());
}

TEST_CASE("a rank may store otherwise than the root chose, and in nothing else", "[selector]") {
  const ScheduleSpec spec{.algorithm = Algorithm::two_shot, .chunk_bytes = 4096};
  const ScheduleChoice chosen = pack_choice(spec);
  CHECK_FALSE(streams(chosen));
  CHECK(streams(with_stream(chosen, true)));
  CHECK(with_stream(with_stream(chosen, true), false) == chosen);
  const Result<ScheduleSpec> other =
      unpack_choice(with_stream(chosen, true), CollectiveKind::allreduce);
  REQUIRE(other.ok());
  CHECK(other->stream);
  CHECK(other->algorithm == Algorithm::two_shot);
  CHECK(other->chunk_bytes == 4096);
}

}  // namespace
}  // namespace hvd
