// backends/bootstrap/report.h: how a rank fared, on its way to the others during init.
// Not here: what carries it (backends/net/control_star.h).
// Threads: pure functions.  Limits: kReportTextBytesMax of the text travel.
// Read next: bindings/c/runtime.cc.
#pragma once

#include <cstddef>
#include <span>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr std::size_t kReportTextBytesMax = 16 << 10;

Bytes encode_report(const Status& status);
Status decode_report(std::span<const std::byte> bytes);

// What the root tells all: ok, or the first rank's trouble, with that rank to blame.
Status verdict_of(std::span<const Status> reports);

}  // namespace hvd
