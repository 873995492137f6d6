#include "bindings/tools/explain.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "backends/shm/domain_layout.h"
#include "backends/tcp/tcp_transport.h"
#include "collectives/decision_table.h"
#include "collectives/decision_text.h"
#include "collectives/figure_text.h"
#include "collectives/predict_algorithm.h"
#include "collectives/schedule_text.h"
#include "collectives/verifier.h"
#include "core/base/str.h"

namespace hvd {
namespace {

// Fewer than any transport's edges have.
constexpr int kEdgeSlotCount = 2;

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 128> text{};
  (void)std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::vector<int> local_sizes(const ExplainOptions& options) {
  std::vector<int> sizes(static_cast<std::size_t>(options.host_count()));
  for (const int host : options.host_of_rank) {
    ++sizes[static_cast<std::size_t>(host)];
  }
  return sizes;
}

// The same on as many hosts as are asked for, each with so many ranks.
ExplainOptions on_hosts(ExplainOptions options, int host_count, int local_size) {
  options.host_of_rank.clear();
  for (int rank = 0; rank < host_count * local_size; ++rank) {
    options.host_of_rank.push_back(rank / local_size);
  }
  options.root = Rank{std::min(options.root.value, options.rank_count() - 1)};
  return options;
}

// A job, with the wires that the engine would have for it.
class Job {
 public:
  explicit Job(const ExplainOptions& options) : options_(options) {
    const std::vector<int> sizes = local_sizes(options);
    const int largest = *std::max_element(sizes.begin(), sizes.end());
    const DomainLayout layout(largest);
    settings_.algorithm = options.algorithm;
    settings_.chunk_bytes = options.chunk_bytes;
    settings_.host_of_rank = options_.host_of_rank;
    settings_.slot_bytes = options.host_count() > 1 ? kTcpBulk.chunk_bytes : kSlotBytesMost;
    settings_.slot_bytes =
        largest > 1 ? std::min<std::uint64_t>(settings_.slot_bytes, layout.geometry.bulk.slot_bytes)
                    : settings_.slot_bytes;
    settings_.slot_bytes_express = largest > 1 ? layout.bank_bytes(Lane::express) : 0;
    settings_.slot_bytes_bulk = largest > 1 ? layout.bank_bytes(Lane::bulk) : 0;
    settings_.in_arena = options.in_arena;
    settings_.reads_peers = options.reads_peers && largest > 1;
    settings_.narrow = options.wire;
  }

  Result<ScheduleSpec> choose(std::string_view algorithm) const {
    SelectorSettings settings = settings_;
    settings.algorithm = algorithm;
    const WorkShape shape{.kind = options_.kind,
                          .dtype = options_.dtype,
                          .op = options_.op,
                          .element_count = elements(),
                          .root = options_.root,
                          .even_parts = elements() % ranks() == 0,
                          .within_reach = options_.kind == CollectiveKind::allreduce
                                              ? options_.in_arena
                                              : options_.reads_peers};
    DecisionTable table(options_.rank_count(), settings, options_.parameters);
    HVD_ASSIGN(const ScheduleChoice choice, table.choose(shape));
    return unpack_choice(choice, options_.kind);
  }

  DecisionTable decisions() const {
    return DecisionTable(options_.rank_count(), settings_, options_.parameters);
  }

  ScheduleParams params(const ScheduleSpec& spec) const {
    ScheduleParams params;
    params.rank_count = options_.rank_count();
    params.root = options_.root;
    params.host_of_rank = options_.host_of_rank;
    params.slot_element_count =
        (spec.lane == Lane::express ? settings_.slot_bytes_express : settings_.slot_bytes_bulk) /
        dtype_bytes(options_.dtype);
    params.in_arena = options_.in_arena;
    params.reads_peers = settings_.reads_peers;
    params.stream = spec.stream;
    params.narrow = spec.narrow != WireType::own;
    params.chunk_element_count = spec.chunk_bytes / dtype_bytes(options_.dtype);
    params.in_place = options_.in_place;
    params.postscale =
        options_.kind == CollectiveKind::allreduce && options_.op == ReduceOp::average;
    if (!has_counts(options_.kind)) {
      params.element_count = elements();
      return params;
    }
    for (std::uint64_t rank = 0; rank < ranks(); ++rank) {
      params.counts.push_back(elements() / ranks() + (rank < elements() % ranks() ? 1 : 0));
    }
    if (options_.kind == CollectiveKind::alltoall) {
      // What goes between two ranks is the same for all pairs.
      params.counts.assign(ranks(), (elements() + ranks() - 1) / ranks());
      params.send_counts = params.counts;
    }
    return params;
  }

  std::uint64_t ranks() const { return static_cast<std::uint64_t>(options_.rank_count()); }

 private:
  std::uint64_t elements() const { return options_.bytes / dtype_bytes(options_.dtype); }

  const ExplainOptions options_;
  SelectorSettings settings_;
};

// A row of the kind with what the selector would make of it, or why it is not to be had.
struct Candidate {
  const AlgorithmRow* row;
  std::string_view unmet;
  ScheduleSpec spec;
  Cost cost;
  bool fits() const { return unmet.empty(); }
};

Result<Candidate> candidate_of(const AlgorithmRow& row, const Job& job,
                               const ExplainOptions& options) {
  HVD_ASSIGN(const ScheduleSpec spec, job.choose(row.name));
  const ScheduleParams params = job.params(spec);
  Candidate candidate{&row, unmet_need(row, params), spec, {}};
  if (candidate.fits() && spec.algorithm != row.algorithm) {
    candidate.unmet = "the selector does not take it for this job";
  }
  if (candidate.fits()) {
    HVD_ASSIGN(candidate.cost, predict_algorithm(row, params, options.dtype, options.parameters));
  }
  return candidate;
}

Result<std::vector<Candidate>> candidates_of(const Job& job, const ExplainOptions& options) {
  std::vector<Candidate> candidates;
  for (const AlgorithmRow& row : algorithm_rows()) {
    if (row.kind == options.kind) {
      HVD_ASSIGN(Candidate candidate, candidate_of(row, job, options));
      candidates.push_back(candidate);
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& x, const auto& y) {
    return x.fits() != y.fits() ? x.fits() : x.cost.seconds < y.cost.seconds;
  });
  return candidates;
}

std::string ranks_text(const ExplainOptions& options) {
  const std::vector<int> sizes = local_sizes(options);
  std::string text = str(options.rank_count(), options.rank_count() == 1 ? " rank" : " ranks");
  if (sizes.size() == 1) {
    return text + " on one host";
  }
  text += str(" on ", sizes.size(), " hosts (");
  constexpr std::size_t kSizesShown = 8;
  for (std::size_t host = 0; host < std::min(sizes.size(), kSizesShown); ++host) {
    text += str(host == 0 ? "" : " + ", sizes[host]);
  }
  return text + (sizes.size() > kSizesShown ? " + ...)" : ")");
}

std::string title(const ExplainOptions& options) {
  std::string text(collective_name(options.kind));
  if (options.kind != CollectiveKind::barrier) {
    text += str(" of ", bytes_text(static_cast<double>(options.bytes)), " of ",
                dtype_name(options.dtype));
  }
  if (reduces(options.kind)) {
    text += str(", ", reduce_op_name(options.op));
  }
  return text + "; " + ranks_text(options);
}

std::string choice_text(const Candidate& chosen) {
  std::string text =
      str("chosen     ", chosen.row->name, ": ", chosen.row->what, "\n           chunks of ",
          bytes_text(static_cast<double>(chosen.spec.chunk_bytes)), ", ",
          chosen.spec.lane == Lane::express ? "express" : "bulk", " lane, ",
          chosen.spec.stream ? "stores into slots bypass the caches" : "ordinary stores");
  if (chosen.spec.narrow != WireType::own) {
    text += chosen.spec.narrow == WireType::float16 ? ", float16 between hosts"
                                                    : ", bfloat16 between hosts";
  }
  return text + "\n";
}

std::string reason_text(const ExplainOptions& options, const Candidate& chosen,
                        const std::vector<Candidate>& candidates) {
  const Candidate& fastest = candidates.front();
  std::string text = "why        ";
  text += options.algorithm != "auto" ? "asked for by --algorithm"
          : options.host_count() > 1
              ? "by predicted time, where that is clear, else the rules for this size and job"
              : "the rules for this size and these ranks";
  if (fastest.row == chosen.row) {
    return text + "; predicted to be the fastest that this job can have\n";
  }
  return text + str("; predicted to be the fastest is ", fastest.row->name, ", ",
                    format("%.2f", chosen.cost.seconds / fastest.cost.seconds),
                    " times as fast (HVD_ALGORITHM takes it)\n");
}

std::string cost_text(const Cost& cost) {
  return str("predicted  predicted time ", format("%.2f", cost.seconds * 1e6), " us (",
             cost_method_name(cost.method), ")\ntraffic    between hosts ",
             bytes_text(cost.network_bytes), " in all, ", bytes_text(cost.network_bytes_rank),
             " from the rank that sends most\n           into shared memory ",
             bytes_text(cost.slot_bytes), "; ", format("%.0f", cost.message_count),
             " chunks on edges, ", format("%.0f", cost.round_count), " rounds, ",
             format("%.0f", cost.op_count), " ops\n");
}

Result<std::string> verdict_text(const Candidate& chosen, const ScheduleParams& params) {
  if (params.rank_count > kVerifiedRanksMost || chosen.cost.op_count > kVerifiedOpsMost) {
    return str("verified   not here: more than ", kVerifiedRanksMost, " ranks or ",
               format("%.0f", kVerifiedOpsMost),
               " ops. docs/verification.md says what is proven of this algorithm\n");
  }
  HVD_ASSIGN(const std::vector<Schedule> schedules, make_all_schedules(*chosen.row, params));
  const VerifierReport report = verify_schedules(schedules, kEdgeSlotCount);
  if (!report.ok()) {
    return str("verified   NO, ", verifier_rule_name(report.rule), ": ", report.status.message(),
               "\n");
  }
  return str(
      "verified   result, no deadlock, ordered memory, equal bits: proven for ",
      schedules.size() == 1 ? "this schedule\n" : str("these ", schedules.size(), " schedules\n"));
}

std::string candidates_text(const std::vector<Candidate>& candidates, const Candidate& chosen) {
  std::string text = format("\n  %-19s %10s %12s %14s %10s %8s\n", "candidate", "chunk",
                            "predicted", "between hosts", "in slots", "rounds");
  for (const Candidate& one : candidates) {
    const std::string name(one.row->name);
    if (!one.fits()) {
      text += format("  %-19s ", name.c_str()) + str("not here: ", one.unmet, "\n");
      continue;
    }
    text += format("%c %-19s %10s %12s %14s %10s %8.0f\n", one.row == chosen.row ? '*' : ' ',
                   name.c_str(), bytes_text(static_cast<double>(one.spec.chunk_bytes)).c_str(),
                   time_text(one.cost.seconds).c_str(), bytes_text(one.cost.network_bytes).c_str(),
                   bytes_text(one.cost.slot_bytes).c_str(), one.cost.round_count);
  }
  return text;
}

Result<std::string> op_list(const Candidate& chosen, const ScheduleParams& params) {
  if (chosen.cost.op_count > kPrintedOpsMost) {
    return error(StatusCode::invalid_argument, "--schedule would print ",
                 format("%.0f", chosen.cost.op_count), " ops, more than ",
                 format("%.0f", kPrintedOpsMost), "; take fewer ranks or bytes, or larger chunks");
  }
  HVD_ASSIGN(const std::vector<Schedule> schedules, make_all_schedules(*chosen.row, params));
  return str("\n", schedules_text(schedules));
}

// What is chosen, and its time: sizes downwards, hosts (or ranks, of one host) to the right.
Result<std::string> decision_table(const ExplainOptions& options) {
  const bool is_one_host = options.host_count() == 1;
  const std::vector<int> sizes = local_sizes(options);
  const int local_size = *std::max_element(sizes.begin(), sizes.end());
  const std::vector<int> columns = is_one_host ? std::vector<int>{2, 4, 8, 16, 32, 64}
                                               : std::vector<int>{2, 4, 8, 32, 256, 4096};
  std::string text = str(is_one_host ? "ranks on one host" : "hosts", ", to the right",
                         is_one_host ? "" : str(", of ", local_size, " ranks each"),
                         "; bytes, downwards; what is chosen, and its predicted time\n\n");
  text += format("%8s", "");
  for (const int column : columns) {
    text += format("  %-29d", column);
  }
  for (std::uint64_t bytes = 64; bytes <= std::uint64_t{256} << 20; bytes *= 16) {
    text += format("\n%8s", bytes_text(static_cast<double>(bytes)).c_str());
    for (const int column : columns) {
      ExplainOptions cell =
          is_one_host ? on_hosts(options, 1, column) : on_hosts(options, column, local_size);
      cell.bytes = options.kind == CollectiveKind::barrier ? 0 : bytes;
      const Job job(cell);
      HVD_ASSIGN(const ScheduleSpec spec, job.choose(cell.algorithm));
      HVD_ASSIGN(const Cost cost, predict_algorithm(*find_algorithm(cell.kind, spec.algorithm),
                                                    job.params(spec), cell.dtype, cell.parameters));
      const std::string name(algorithm_name(spec.algorithm));
      text += format("  %-18s %10s", name.c_str(), time_text(cost.seconds).c_str());
    }
    if (options.kind == CollectiveKind::barrier) {
      break;
    }
  }
  return text + "\n";
}

}  // namespace

Result<std::string> explain(const ExplainOptions& options) {
  if (options.print_decisions) {
    const Job job(options);
    DecisionTable table = job.decisions();
    return str(ranks_text(options), "\n\n", decisions_text(table, options.kind));
  }
  if (options.print_table) {
    return decision_table(options);
  }
  const Job job(options);
  HVD_ASSIGN(const ScheduleSpec spec, job.choose(options.algorithm));
  HVD_ASSIGN(const std::vector<Candidate> candidates, candidates_of(job, options));
  const auto chosen = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& one) {
    return one.row->algorithm == spec.algorithm;
  });
  const bool is_asked_for = options.algorithm == "auto" || options.algorithm == chosen->row->name;
  if (!is_asked_for) {
    const AlgorithmRow& wanted = *find_algorithm(options.kind, options.algorithm);
    const std::string_view unmet = unmet_need(wanted, job.params(spec));
    return error(StatusCode::invalid_argument, "--algorithm ", options.algorithm,
                 " is not possible here: ",
                 unmet.empty() ? "the selector does not take it for this job" : unmet,
                 "; hvd would take ", chosen->row->name);
  }
  const ScheduleParams params = job.params(chosen->spec);
  HVD_ASSIGN(const std::string verdict, verdict_text(*chosen, params));
  std::string text =
      str(title(options), "\n\n", choice_text(*chosen), reason_text(options, *chosen, candidates),
          cost_text(chosen->cost), verdict, candidates_text(candidates, *chosen));
  if (options.print_schedule) {
    HVD_ASSIGN(const std::string ops, op_list(*chosen, params));
    text += ops;
  }
  return text;
}

}  // namespace hvd
