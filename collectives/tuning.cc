#include "collectives/tuning.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/str.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kNever64 = std::numeric_limits<std::uint64_t>::max();

// A copy past the caches that is faster by itself leaves the reader a slot in memory instead of the
// caches: on the machine of the defaults gains of 1.4 to 2 in a copy alone were none in an
// allreduce. Another had 3 to 4 there, and kept them.
constexpr double kStreamGainLeast = 3;
constexpr std::uint64_t kStreamBytesMin = 2048 * kKiB;  // of the copies that were compared

// Borders move in powers of two, and only if they would move by three of them: a busy machine
// measures half or twice its figures.
constexpr double kBorderFactor = 8;
double hysteresis(double factor) {
  return factor >= kBorderFactor || factor <= 1 / kBorderFactor
             ? std::exp2(std::round(std::log2(factor)))
             : 1;
}

// One-shot reads more and waits less: where a wait costs as much as more bytes, it goes further.
std::uint64_t one_shot_border(const CostParameters& cost) {
  const CostParameters usual;
  const double bytes_a_wait = cost.flag_seconds * cost.core_cached_bytes_per_second;
  const double usually = usual.flag_seconds * usual.core_cached_bytes_per_second;
  // A flag that the engine sees takes what it does for an item and an op beside the flag's own way.
  constexpr double kEngineFlags = 4;
  const double factor = hysteresis(bytes_a_wait / (usually * kEngineFlags));
  const double border = static_cast<double>(HostTuning{}.one_shot_bytes_most) * factor;
  return static_cast<std::uint64_t>(
      std::clamp(border, static_cast<double>(8 * kKiB), static_cast<double>(256 * kKiB)));
}

// Polling for ten times what a sleep costs wastes little where it was in vain.
Nanos spin_for(double wake_seconds) {
  const Nanos usual = Tuning{}.spin;
  const Nanos wanted = nanos_from_seconds(10 * wake_seconds);
  return wanted < usual / 2 || wanted > 2 * usual ? std::clamp(wanted, usual / 2, 5 * usual)
                                                  : usual;
}

void set_memory(const Measurements& measured, Tuning& tuning) {
  CostParameters& cost = tuning.cost;
  const CostParameters usual;
  cost.core_memory_bytes_per_second = measured.core_memory_bytes_per_second;
  // All cores together have about twice what one has, as on the machine of the defaults.
  cost.host_memory_bytes_per_second =
      measured.core_memory_bytes_per_second *
      (usual.host_memory_bytes_per_second / usual.core_memory_bytes_per_second);
  if (measured.core_cached_bytes_per_second > 0) {
    cost.core_cached_bytes_per_second = measured.core_cached_bytes_per_second;
  }
  tuning.host.stream_bytes_min =
      measured.stream_gain >= kStreamGainLeast ? kStreamBytesMin : kNever64;
}

}  // namespace

Tuning tuning_from(const Measurements& given) {
  const Measurements measured = plausible(given);
  Tuning tuning;
  tuning.is_measured = !(measured == Measurements{});
  if (measured.has_memory()) {
    set_memory(measured, tuning);
  }
  if (measured.has_pair()) {
    tuning.cost.flag_seconds = measured.flag_seconds;
    tuning.host.one_shot_bytes_most = one_shot_border(tuning.cost);
  }
  if (measured.wake_seconds > 0) {
    tuning.spin = spin_for(measured.wake_seconds);
  }
  if (measured.has_network()) {
    tuning.is_network_measured = true;
    tuning.cost.network_bytes_per_second = measured.network_bytes_per_second;
    tuning.cost.latency_seconds = measured.latency_seconds;
    if (measured.overhead_seconds > 0) {
      tuning.cost.overhead_seconds = measured.overhead_seconds;
    }
  }
  return tuning;
}

std::string tuning_text(const Tuning& tuning) {
  if (!tuning.is_measured) {
    return "not measured: the defaults";
  }
  const auto rounded = [](double value) { return std::round(value * 1e3) / 1e3; };
  const auto giga = [&](double rate) { return rounded(rate * 1e-9); };
  const auto micro = [&](double seconds) { return rounded(seconds * 1e6); };
  const CostParameters& cost = tuning.cost;
  std::string text =
      str("a core moves ", giga(cost.core_cached_bytes_per_second), " GB/s in the caches and ",
          giga(cost.core_memory_bytes_per_second), " outside, a chunk is seen after ",
          micro(cost.flag_seconds), " us; one-shot up to ", tuning.host.one_shot_bytes_most,
          " bytes, stores past the caches ");
  text += tuning.host.stream_bytes_min == kNever64
              ? std::string("never")
              : str("from ", tuning.host.stream_bytes_min, " bytes on");
  text += str(", polling for ", tuning.spin / kMicrosecond, " us");
  if (tuning.is_network_measured) {
    text += str("; between hosts latency ", micro(cost.latency_seconds), " us, overhead ",
                micro(cost.overhead_seconds), " us, ",
                rounded(cost.network_bytes_per_second * 8e-6), " Mbit/s");
  }
  return text;
}

}  // namespace hvd
