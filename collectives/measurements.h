// collectives/measurements.h: what was measured of a host and of its way to others, as one value.
// Not here: measuring (backends/calibrate), what follows from it (tuning.h).
// Threads: values.  Limits: each field within its row of measurement_rows().
// Read next: tuning.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace hvd {

// Seconds, and bytes read and written a second; as CostParameters has them. 0: not measured.
struct Measurements {
  // Of a host.
  double core_cached_bytes_per_second = 0;  // a reduction of fp32 in the caches
  double core_memory_bytes_per_second = 0;  // a copy by stores past the caches
  double stream_gain = 0;                   // time of an ordinary copy over that of such a one
  double flag_seconds = 0;                  // until another rank of the host sees a chunk
  double wake_seconds = 0;                  // what it takes longer if that rank sleeps
  // Of the way to another host.
  double latency_seconds = 0;
  double overhead_seconds = 0;
  double network_bytes_per_second = 0;
  friend bool operator==(const Measurements&, const Measurements&) = default;

  bool has_memory() const { return core_memory_bytes_per_second > 0; }
  bool has_pair() const { return flag_seconds > 0; }
  bool has_network() const { return network_bytes_per_second > 0 && latency_seconds > 0; }
};

struct MeasurementRow {
  std::string_view name;
  double Measurements::*value;
  // What a machine can have. A figure outside is a fault of measuring and counts as not measured.
  double least;
  double most;
  bool of_network;
};
std::span<const MeasurementRow> measurement_rows();

// Without what no machine can have.
Measurements plausible(Measurements measured);

// Of each field the median of those that have it, the slower one of two: the same for all who ask
// with the same values in the same order.
Measurements median_of(std::span<const Measurements> hosts);

// One "name value" a line, with every bit; only what was measured.
std::string measurements_text(const Measurements& measured);
// Refuses a line that is none, a name that is unknown and a value that is not plausible.
Result<Measurements> measurements_from_text(std::string_view text);

void put(ByteWriter& out, const Measurements& measured);
Measurements take_measurements(ByteReader& in);  // plausible, whatever a peer sent

}  // namespace hvd
