// bindings/tools/explain.h: which schedule hvd takes, why, its time, its traffic and its proof.
// Not here: the command line (explain_options.h), the model (collectives/cost_model.h).
// Threads: pure functions.  Limits: see kVerifiedRanksMost and kPrintedOpsMost.
// Read next: explain.cc.
#pragma once

#include <string>

#include "bindings/tools/explain_options.h"
#include "core/base/status.h"

namespace hvd {

// The verifier's time and memory grow with the square of the ranks.
inline constexpr int kVerifiedRanksMost = 64;
inline constexpr double kVerifiedOpsMost = 1e5;
inline constexpr double kPrintedOpsMost = 1e6;

Result<std::string> explain(const ExplainOptions& options);

}  // namespace hvd
