#include "collectives/measurements.h"

#include <limits>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

Measurements some() {
  return {.core_cached_bytes_per_second = 91.7e9,
          .core_memory_bytes_per_second = 1.0 / 3 * 1e11,
          .stream_gain = 1.3,
          .flag_seconds = 0.21e-6,
          .wake_seconds = 7.1e-6,
          .latency_seconds = 33e-6,
          .overhead_seconds = 2.5e-6,
          .network_bytes_per_second = 1.17e8};
}

TEST_CASE("measurements come back from their text and their bytes to the last bit",
          "[measurements]") {
  const Result<Measurements> from_text = measurements_from_text(measurements_text(some()));
  REQUIRE(from_text.ok());
  CHECK(*from_text == some());
  ByteWriter out;
  put(out, some());
  ByteReader in(out.bytes());
  CHECK(take_measurements(in) == some());
  CHECK(in.finished());
}

TEST_CASE("what was not measured has no line and stays unknown", "[measurements]") {
  Measurements host = some();
  host.latency_seconds = host.overhead_seconds = host.network_bytes_per_second = 0;
  const std::string text = measurements_text(host);
  CHECK(text.find("latency") == std::string::npos);
  const Result<Measurements> back = measurements_from_text(text);
  REQUIRE(back.ok());
  CHECK(*back == host);
  CHECK(!back->has_network());
  CHECK(back->has_memory());
  CHECK(back->has_pair());
}

TEST_CASE("a text with anything else in it is refused", "[measurements]") {
  for (const std::string text :
       {"flag_seconds", "flag_seconds ", "flag_seconds 1e-7x", "flag_seconds nan",
        "flag_seconds -1e-7", "flag_seconds 1e9", "flag_seconds inf", "flags 1e-7", "\n",
        "flag_seconds 2e-7\n\nwake_seconds 1e-6"}) {
    INFO(text);
    CHECK(!measurements_from_text(text).ok());
  }
  CHECK(measurements_from_text("").ok());
}

TEST_CASE("what no machine can have counts as not measured, whoever sends it", "[measurements]") {
  Measurements odd = some();
  odd.flag_seconds = std::numeric_limits<double>::quiet_NaN();
  odd.network_bytes_per_second = std::numeric_limits<double>::infinity();
  odd.core_memory_bytes_per_second = -1;
  odd.latency_seconds = 1e30;
  ByteWriter out;
  put(out, odd);
  ByteReader in(out.bytes());
  const Measurements taken = take_measurements(in);
  CHECK(taken.flag_seconds == 0);
  CHECK(taken.network_bytes_per_second == 0);
  CHECK(taken.core_memory_bytes_per_second == 0);
  CHECK(taken.latency_seconds == 0);
  CHECK(taken.wake_seconds == some().wake_seconds);
}

TEST_CASE("of several hosts the median of those that measured counts, of two the slower",
          "[measurements]") {
  Measurements fast = some();
  Measurements slow = some();
  slow.flag_seconds = 2 * fast.flag_seconds;
  slow.core_memory_bytes_per_second = fast.core_memory_bytes_per_second / 2;
  const Measurements nothing;
  for (const std::vector<Measurements>& two :
       {std::vector{fast, slow}, std::vector{slow, nothing, fast}}) {
    const Measurements all = median_of(two);
    CHECK(all.flag_seconds == slow.flag_seconds);
    CHECK(all.core_memory_bytes_per_second == slow.core_memory_bytes_per_second);
    CHECK(all.wake_seconds == fast.wake_seconds);
  }
  Measurements absurd = some();
  absurd.flag_seconds = 900e-6;  // a host that was busy meanwhile
  CHECK(median_of(std::vector{fast, absurd, fast}).flag_seconds == fast.flag_seconds);
  CHECK(median_of({}) == nothing);
}

}  // namespace
}  // namespace hvd
