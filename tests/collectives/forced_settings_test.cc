#include "collectives/forced_settings.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a chunk that no job can have is refused by name, value and rule", "[forced]") {
  for (const std::uint64_t chunk : {0, 16, 4096, 1 << 30}) {
    CHECK(check_chunk_bytes(chunk).ok());
  }
  for (const std::uint64_t chunk : {1ULL, 15ULL, 100ULL, (1ULL << 30) + 16}) {
    const Status status = check_chunk_bytes(chunk);
    CHECK(status.code() == StatusCode::invalid_argument);
    CHECK(status.message().find("HVD_CHUNK_BYTES has the value '" + std::to_string(chunk)) !=
          std::string::npos);
    CHECK(status.message().find("a multiple of 16 up to 1073741824") != std::string::npos);
  }
}

TEST_CASE("a setting that this job cannot follow gets a line, one that it can gets none",
          "[forced]") {
  constexpr std::array<int, 4> kLone = {0, 1, 2, 3};
  const SelectorSettings shared{
      .slot_bytes = 65536, .slot_bytes_express = 1 << 18, .slot_bytes_bulk = 1 << 20};
  const auto remarks = [&](std::string_view algorithm, std::uint64_t chunk, bool lone) {
    SelectorSettings settings = lone ? SelectorSettings{.slot_bytes = 65536} : shared;
    settings.host_of_rank = lone ? std::span<const int>(kLone) : std::span<const int>();
    settings.algorithm = algorithm;
    settings.chunk_bytes = chunk;
    return remarks_on_forced(4, settings);
  };
  CHECK(remarks("auto", 0, false).empty());
  CHECK(remarks("ring", 65536, true).empty());
  CHECK(remarks("two_shot", 1 << 19, false).empty());
  CHECK(remarks("arena", 0, false).empty());
  REQUIRE(remarks("hierarchical", 0, false).size() == 1);
  CHECK(remarks("hierarchical", 0, false)[0].find(
            "HVD_ALGORITHM hierarchical has no effect in this "
            "job: all ranks are on one host") != std::string::npos);
  CHECK(remarks("one_shot", 0, true).size() == 1);
  REQUIRE(remarks("auto", 1 << 20, true).size() == 1);
  CHECK(remarks("auto", 1 << 20, true)[0].find("HVD_CHUNK_BYTES 1048576 is more than") !=
        std::string::npos);
  CHECK(remarks("one_shot", 1 << 20, true).size() == 2);
  CHECK(remarks_on_forced(1, {.algorithm = "hierarchical"}).empty());
}

}  // namespace
}  // namespace hvd
