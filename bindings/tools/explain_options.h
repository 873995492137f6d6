// bindings/tools/explain_options.h: hvd-explain's command line as one value, or what is wrong.
// Not here: what is printed (explain.h).
// Threads: pure functions.  Limits: kExplainRanksMost, kExplainBytesMost.
// Read next: explain.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectives/cost_model.h"
#include "collectives/selector.h"
#include "core/base/status.h"
#include "core/vocabulary/collective.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

inline constexpr int kExplainRanksMost = 1 << 20;
inline constexpr std::uint64_t kExplainBytesMost = std::uint64_t{1} << 40;

struct ExplainOptions {
  CollectiveKind kind = CollectiveKind::allreduce;
  std::vector<int> host_of_rank;  // one entry a rank, as in ScheduleParams
  std::uint64_t bytes = 1 << 20;  // of the whole vector
  DType dtype = DType::float32;
  ReduceOp op = ReduceOp::sum;
  std::string algorithm = "auto";
  std::uint64_t chunk_bytes = 0;  // 0: chosen
  Rank root = kRoot;
  bool in_place = false;
  bool in_arena = false;
  bool reads_peers = true;  // where hosts have several ranks
  WireType wire = WireType::own;
  bool print_schedule = false;
  bool print_table = false;
  bool print_decisions = false;
  CostParameters parameters;

  int rank_count() const { return static_cast<int>(host_of_rank.size()); }
  int host_count() const { return *std::max_element(host_of_rank.begin(), host_of_rank.end()) + 1; }
};

// Either options, or a text that was asked for (--help, --version).
struct ExplainCommand {
  ExplainOptions options;
  std::optional<std::string> text;
};
Result<ExplainCommand> parse_explain(std::span<const std::string> words);

// "64KiB", "1.5 MB", "17": bytes; nothing where it is none or more than kExplainBytesMost.
std::optional<std::uint64_t> bytes_from_text(std::string_view text);

}  // namespace hvd
