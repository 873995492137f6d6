#include "collectives/tuning.h"

#include <limits>

#include "tests/catch.h"

namespace hvd {
namespace {

// What the machine of the defaults measures.
Measurements usual() {
  return {.core_cached_bytes_per_second = 95e9,
          .core_memory_bytes_per_second = 45e9,
          .stream_gain = 1.42,
          .flag_seconds = 0.25e-6,
          .wake_seconds = 9e-6};
}

bool has_default_borders(const Tuning& tuning) {
  const HostTuning usual_host;
  return tuning.host.express_bytes_most == usual_host.express_bytes_most &&
         tuning.host.chunk_bytes == usual_host.chunk_bytes &&
         tuning.host.stream_bytes_min == usual_host.stream_bytes_min &&
         tuning.host.one_shot_bytes_most_of_two == usual_host.one_shot_bytes_most_of_two &&
         tuning.host.one_shot_bytes_most == usual_host.one_shot_bytes_most &&
         tuning.spin == Tuning{}.spin;
}

TEST_CASE("nothing measured is the defaults", "[tuning]") {
  const Tuning tuning = tuning_from({});
  CHECK(has_default_borders(tuning));
  CHECK(!tuning.is_measured);
  CHECK(tuning.cost.latency_seconds == CostParameters{}.latency_seconds);
  CHECK(tuning_text(tuning) == "not measured: the defaults");
}

TEST_CASE("a noisy measurement moves no border", "[tuning]") {
  CHECK(has_default_borders(tuning_from(usual())));
  for (const double noise : {0.5, 0.7, 1.4, 1.9}) {
    Measurements noisy = usual();
    noisy.core_cached_bytes_per_second *= noise;
    noisy.core_memory_bytes_per_second *= noise;
    noisy.wake_seconds *= 0.6 + 0.3 * noise;
    noisy.flag_seconds *= noise;
    INFO(noise);
    CHECK(has_default_borders(tuning_from(noisy)));
  }
}

TEST_CASE("stores bypass the caches only where that is beyond doubt faster", "[tuning]") {
  Measurements measured = usual();
  measured.stream_gain = 2.5;
  CHECK(tuning_from(measured).host.stream_bytes_min == std::numeric_limits<std::uint64_t>::max());
  measured.stream_gain = 3.5;
  CHECK(tuning_from(measured).host.stream_bytes_min == 2U << 20);
}

TEST_CASE("where a wait costs much more, one-shot goes on for longer", "[tuning]") {
  Measurements measured = usual();
  measured.flag_seconds *= 10;
  CHECK(tuning_from(measured).host.one_shot_bytes_most > HostTuning{}.one_shot_bytes_most);
  measured.flag_seconds = usual().flag_seconds / 20;
  CHECK(tuning_from(measured).host.one_shot_bytes_most < HostTuning{}.one_shot_bytes_most);
}

TEST_CASE("ranks poll longer where waking is dear, within limits", "[tuning]") {
  Measurements measured = usual();
  measured.wake_seconds = 40e-6;
  CHECK(tuning_from(measured).spin == 400 * kMicrosecond);
  measured.wake_seconds = 5e-3;
  CHECK(tuning_from(measured).spin == 500 * kMicrosecond);
  measured.wake_seconds = 1e-6;
  CHECK(tuning_from(measured).spin == 50 * kMicrosecond);
}

TEST_CASE("the model between hosts is the measured one", "[tuning]") {
  Measurements measured = usual();
  measured.latency_seconds = 200e-6;
  measured.network_bytes_per_second = 1.2e8;
  const Tuning tuning = tuning_from(measured);
  CHECK(tuning.is_network_measured);
  CHECK(tuning.cost.latency_seconds == 200e-6);
  CHECK(tuning.cost.network_bytes_per_second == 1.2e8);
  CHECK(tuning.cost.overhead_seconds == CostParameters{}.overhead_seconds);
  CHECK(check_parameters(tuning.cost).ok());
}

}  // namespace
}  // namespace hvd
