#include "collectives/measurements.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "core/base/str.h"

namespace hvd {
namespace {

constexpr std::array<MeasurementRow, 8> kRows = {{
    {"core_cached_bytes_per_second", &Measurements::core_cached_bytes_per_second, 1e8, 1e13, false},
    {"core_memory_bytes_per_second", &Measurements::core_memory_bytes_per_second, 1e8, 1e13, false},
    {"stream_gain", &Measurements::stream_gain, 1e-3, 1e3, false},
    {"flag_seconds", &Measurements::flag_seconds, 1e-9, 5e-6, false},
    {"wake_seconds", &Measurements::wake_seconds, 1e-8, 1e-2, false},
    {"latency_seconds", &Measurements::latency_seconds, 1e-7, 10, true},
    {"overhead_seconds", &Measurements::overhead_seconds, 1e-8, 1e-3, true},
    {"network_bytes_per_second", &Measurements::network_bytes_per_second, 1e4, 1e12, true},
}};

bool is_plausible(const MeasurementRow& row, double value) {
  return value >= row.least && value <= row.most;
}

// Whether more of it is slower.
bool is_time(const MeasurementRow& row) { return row.name.ends_with("_seconds"); }

double median(std::vector<double> values, bool is_time) {
  std::sort(values.begin(), values.end());
  // Of an even number the slower of the two in the middle.
  return values[is_time ? values.size() / 2 : (values.size() - 1) / 2];
}

std::string exact_text(double value) {
  std::array<char, 40> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() ? std::string(text.data(), end) : std::string("0");
}

Status read_line(std::string_view line, Measurements& measured) {
  const std::size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [&](const MeasurementRow& one) { return one.name == name; });
  double value = 0;
  bool is_number = false;
  if (space != std::string_view::npos) {
    const std::string_view text = line.substr(space + 1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    is_number = code == std::errc() && end == text.data() + text.size();
  }
  if (row == kRows.end() || !is_number || !is_plausible(*row, value)) {
    return error(StatusCode::invalid_argument, "'", line.substr(0, 80), "' is no measurement");
  }
  measured.*(row->value) = value;
  return ok_status();
}

}  // namespace

std::span<const MeasurementRow> measurement_rows() { return kRows; }

Measurements plausible(Measurements measured) {
  for (const MeasurementRow& row : kRows) {
    double& value = measured.*(row.value);
    value = is_plausible(row, value) ? value : 0;
  }
  return measured;
}

Measurements median_of(std::span<const Measurements> hosts) {
  Measurements all;
  for (const MeasurementRow& row : kRows) {
    std::vector<double> values;
    for (const Measurements& host : hosts) {
      if (is_plausible(row, host.*(row.value))) {
        values.push_back(host.*(row.value));
      }
    }
    all.*(row.value) = values.empty() ? 0 : median(std::move(values), is_time(row));
  }
  return all;
}

std::string measurements_text(const Measurements& measured) {
  std::string text;
  for (const MeasurementRow& row : kRows) {
    if (measured.*(row.value) > 0) {
      text += str(row.name, " ", exact_text(measured.*(row.value)), "\n");
    }
  }
  return text;
}

Result<Measurements> measurements_from_text(std::string_view text) {
  Measurements measured;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    HVD_TRY(read_line(text.substr(0, end), measured));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return measured;
}

void put(ByteWriter& out, const Measurements& measured) {
  for (const MeasurementRow& row : kRows) {
    out.put(measured.*(row.value));
  }
}

Measurements take_measurements(ByteReader& in) {
  Measurements measured;
  for (const MeasurementRow& row : kRows) {
    measured.*(row.value) = in.get<double>();
  }
  return plausible(measured);
}

}  // namespace hvd
