#include "collectives/selection_rules.h"

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;

Situation between_lone_hosts(CollectiveKind kind, std::uint64_t bytes, int hosts) {
  return situation_of({.kind = kind, .dtype = DType::uint8, .element_count = bytes},
                      {hosts, hosts, 1}, {});
}

TEST_CASE("every kind has an algorithm by the rules, also with nothing shared", "[rules]") {
  for (int number = 0; number < kCollectiveKindCount; ++number) {
    const auto kind = static_cast<CollectiveKind>(number);
    for (const std::uint64_t bytes : {0UL, 1UL, 1UL << 20, 1UL << 40}) {
      const Situation situation = between_lone_hosts(kind, bytes, 3);
      const AlgorithmRow& row = row_by_rules(situation, SelectorSettings{});
      CHECK(row.kind == kind);
      CHECK(is_possible(row, situation));
    }
  }
}

TEST_CASE("a piece is what travels by itself", "[rules]") {
  const auto piece = [](CollectiveKind kind, Algorithm algorithm) {
    return piece_bytes_of(*find_algorithm(kind, algorithm), between_lone_hosts(kind, 4096, 4));
  };
  CHECK(piece(CollectiveKind::allreduce, Algorithm::ring) == 1024);
  CHECK(piece(CollectiveKind::allreduce, Algorithm::recursive_doubling) == 4096);
  CHECK(piece(CollectiveKind::allgather, Algorithm::circulant) == 1024);
  CHECK(piece(CollectiveKind::alltoall, Algorithm::bruck) == 2048);
}

TEST_CASE("a piece is cut in two, a long one into the chunks that the host is tuned to",
          "[rules]") {
  const AlgorithmRow& row =
      *find_algorithm(CollectiveKind::allreduce, Algorithm::recursive_doubling);
  const auto chunk = [&](std::uint64_t bytes, const HostTuning& tuning) {
    return chunk_by_rules(row, between_lone_hosts(row.kind, bytes, 4), tuning);
  };
  CHECK(chunk(100 * kKiB, {}) == 50 * kKiB);
  CHECK(chunk(kKiB, {}) == 16 * kKiB);
  CHECK(chunk(1024 * kKiB, {}) == 256 * kKiB);
  CHECK(chunk(1024 * kKiB, {.chunk_bytes = 128 * kKiB}) == 128 * kKiB);
}

}  // namespace
}  // namespace hvd
