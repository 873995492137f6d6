#include "bindings/tools/explain_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>

#include "core/base/str.h"

#ifndef HVD_VERSION_TEXT
#define HVD_VERSION_TEXT "outside of its build"  // tests/tidy compiles each file alone
#endif

namespace hvd {
namespace {

constexpr const char* kExamples =
    R"(hvd-explain says how hvd would do a collective: the schedule that it chooses, why, how long that
takes by its cost model, what it moves, and whether it is proven. It starts nothing.

Usage:
  hvd-explain COLLECTIVE --ranks N [options]

Examples:
  hvd-explain allreduce --ranks 6 --bytes 1MiB --hosts 2
  hvd-explain allreduce --local-ranks 4,2 --bytes 64KiB      hosts with 4 and with 2 ranks
  hvd-explain allreduce --ranks 4 --bytes 16MiB --hosts 2 --mbit 1000 --algorithm ring
  hvd-explain broadcast --ranks 3 --bytes 40 --root 1 --schedule
                                                             each rank's ops
  hvd-explain allreduce --ranks 8 --hosts 4 --table          what is chosen for other sizes and hosts
  hvd-explain allreduce --ranks 131072 --hosts 65536 --bytes 64MiB

COLLECTIVE is allreduce, reduce, broadcast, allgather, reduce-scatter, alltoall, gather, scatter,
barrier or send (from rank 0 to rank 1).
)";

// What Ethernet, IP and TCP leave of a line for payload: 1448 of 1538 bytes.
constexpr double kPayloadShare = 0.94;

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override { return ""; }
};

// Text of each option as given; judged after CLI11 has split the words.
struct RawOptions {
  std::string collective, ranks, hosts, local_ranks, host_of_rank, bytes = "1MiB",
                                                                   dtype = "float32", op = "sum";
  std::string algorithm = "auto", chunk, root = "0", wire = "own";
  std::string latency, overhead, gap, gbit, mbit, flag, cached, memory;
  bool in_place = false, arena = false, no_single_copy = false, schedule = false, table = false;
  bool decisions = false;
  bool help = false, version = false;
};

void add_options(CLI::App& app, RawOptions& raw) {
  app.add_option("collective", raw.collective, "what the ranks do")->type_name("");
  app.add_option("-n,--ranks", raw.ranks, "how many ranks")->type_name("N");
  app.add_option("--hosts", raw.hosts, "spread over so many hosts (default 1)")->type_name("N");
  app.add_option("--local-ranks", raw.local_ranks, "ranks of each host, in place of the two above")
      ->type_name("N,N,...");
  app.add_option("--host-of-rank", raw.host_of_rank,
                 "the host of each rank, likewise: 0,1,0,1 for ranks that take turns")
      ->type_name("H,H,...");
  app.add_option("--bytes", raw.bytes,
                 "of the whole vector, as in 64KiB (default 1MiB); alltoall: that each rank sends")
      ->type_name("SIZE");
  app.add_option("--dtype", raw.dtype, "as in float32 (the default), bfloat16, int64")
      ->type_name("TYPE");
  app.add_option("--op", raw.op, "sum (the default), average, min, max, product, bitwise-and, ...")
      ->type_name("OP");
  app.add_option("--root", raw.root, "of a broadcast, reduce, gather or scatter (default 0)")
      ->type_name("RANK");
  app.add_option("--algorithm", raw.algorithm, "as HVD_ALGORITHM (default auto)")
      ->type_name("NAME");
  app.add_option("--chunk", raw.chunk, "as HVD_CHUNK_BYTES")->type_name("SIZE");
  app.add_option("--wire", raw.wire, "between hosts: own (the default), fp16 or bf16")
      ->type_name("TYPE");
  app.add_flag("--in-place", raw.in_place, "output and input are the same memory");
  app.add_flag("--arena", raw.arena, "all tensors lie in memory of hvd_alloc");
  app.add_flag("--no-single-copy", raw.no_single_copy, "as HVD_SINGLE_COPY off");
  app.add_flag("--schedule", raw.schedule, "print the ops of all ranks");
  app.add_flag("--table", raw.table, "print what is chosen for other sizes and numbers of hosts");
  app.add_flag("--decisions", raw.decisions,
               "print what is chosen for all sizes, the predicted times and the next best");
  app.add_option("--latency-us", raw.latency, "between two hosts (default 10)")->type_name("US");
  app.add_option("--overhead-us", raw.overhead, "of a core for each chunk (default 1.5)")
      ->type_name("US");
  app.add_option("--gap-us", raw.gap, "between chunks on a link (default 0.5)")->type_name("US");
  app.add_option("--gbit", raw.gbit, "line rate of each host (default 10)")->type_name("RATE");
  app.add_option("--mbit", raw.mbit, "the same in Mbit/s")->type_name("RATE");
  app.add_option("--flag-us", raw.flag, "until another core sees a flag (default 0.058)")
      ->type_name("US");
  app.add_option("--cached-gb", raw.cached, "GB/s that a core moves in its caches (default 95)")
      ->type_name("RATE");
  app.add_option("--memory-gb", raw.memory, "GB/s that a host's memory moves (default 89)")
      ->type_name("RATE");
  app.add_flag("-h,--help", raw.help, "this text");
  app.add_flag("-v,--version", raw.version, "the version");
  for (CLI::Option* option : app.get_options()) {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

Status usage_error(const std::string& text) {
  return error(StatusCode::invalid_argument, text, "; see hvd-explain --help");
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<int> judge_count(const char* what, const std::string& text, int most) {
  const std::optional<int> count = number<int>(text);
  if (!count || *count < 1 || *count > most) {
    return usage_error(str(what, " '", text, "' is no whole number from 1 to ", most));
  }
  return *count;
}

// Whole numbers from `least` on, with commas between them.
Result<std::vector<int>> judge_list(const char* what, const std::string& text, int least) {
  std::vector<int> numbers;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    const std::optional<int> value = number<int>(one);
    if (!value || *value < least || *value > kExplainRanksMost) {
      return usage_error(str(what, " '", text, "': '", one, "' is no whole number from ", least,
                             " to ", kExplainRanksMost));
    }
    numbers.push_back(*value);
    begin = end + 1;
  }
  return numbers;
}

// Neighbours share a host.
Result<std::vector<int>> place_in_order(const std::vector<int>& local_ranks) {
  std::vector<int> host_of_rank;
  for (std::size_t host = 0; host < local_ranks.size(); ++host) {
    if (static_cast<int>(host_of_rank.size()) > kExplainRanksMost - local_ranks[host]) {
      return usage_error(str("--local-ranks are more than ", kExplainRanksMost, " ranks in all"));
    }
    host_of_rank.insert(host_of_rank.end(), static_cast<std::size_t>(local_ranks[host]),
                        static_cast<int>(host));
  }
  return host_of_rank;
}

// Hosts are numbered by the lowest rank of each, whatever they were called.
std::vector<int> numbered_by_first(const std::vector<int>& names) {
  std::map<int, int> numbers;
  std::vector<int> host_of_rank;
  host_of_rank.reserve(names.size());
  for (const int name : names) {
    host_of_rank.push_back(
        numbers.try_emplace(name, static_cast<int>(numbers.size())).first->second);
  }
  return host_of_rank;
}

Result<std::vector<int>> judge_hosts(const RawOptions& raw) {
  const bool is_counted = !raw.ranks.empty() || !raw.hosts.empty();
  if (is_counted + !raw.local_ranks.empty() + !raw.host_of_rank.empty() > 1) {
    return usage_error(
        "--local-ranks and --host-of-rank each say how many ranks and hosts there "
        "are: give one of them alone, or --ranks and --hosts");
  }
  if (!raw.host_of_rank.empty()) {
    HVD_ASSIGN(const std::vector<int> names, judge_list("--host-of-rank", raw.host_of_rank, 0));
    return numbered_by_first(names);
  }
  if (!raw.local_ranks.empty()) {
    HVD_ASSIGN(const std::vector<int> local, judge_list("--local-ranks", raw.local_ranks, 1));
    return place_in_order(local);
  }
  if (raw.ranks.empty()) {
    return usage_error("--ranks is missing: say how many ranks there are, as in --ranks 6");
  }
  HVD_ASSIGN(const int ranks, judge_count("--ranks", raw.ranks, kExplainRanksMost));
  HVD_ASSIGN(const int hosts, judge_count("--hosts", raw.hosts.empty() ? "1" : raw.hosts, ranks));
  std::vector<int> local_ranks;
  local_ranks.reserve(static_cast<std::size_t>(hosts));
  for (int host = 0; host < hosts; ++host) {
    local_ranks.push_back(ranks / hosts + (host < ranks % hosts ? 1 : 0));
  }
  return place_in_order(local_ranks);
}

Result<CollectiveKind> judge_collective(const std::string& text) {
  if (text.empty()) {
    return usage_error(
        "no collective given: say what the ranks do, as in 'hvd-explain allreduce "
        "--ranks 6'");
  }
  std::string name = text;
  std::replace(name.begin(), name.end(), '_', '-');
  std::string known;
  for (int value = 0; value < kCollectiveKindCount; ++value) {
    const auto kind = static_cast<CollectiveKind>(value);
    if (kind == CollectiveKind::recv) {
      continue;  // is explained with its send
    }
    if (name == collective_name(kind)) {
      return kind;
    }
    known += str(known.empty() ? "" : ", ", collective_name(kind));
  }
  return usage_error(str("'", text, "' is no collective; there are ", known));
}

Result<ReduceOp> judge_op(const std::string& text) {
  std::string name = text;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '_'; }, ' ');
  for (int value = 0; value < kReduceOpCount; ++value) {
    const auto op = static_cast<ReduceOp>(value);
    if (name == reduce_op_name(op)) {
      return op;
    }
  }
  return usage_error(str("--op '", text,
                         "' is no operation that can be explained; there are sum, average, adasum, "
                         "min, max, product, bitwise-and, bitwise-or, bitwise-xor, logical-and, "
                         "logical-or, logical-xor, premultiplied-sum"));
}

Result<WireType> judge_wire(const std::string& text) {
  if (text == "own") {
    return WireType::own;
  }
  if (text == "fp16" || text == "float16") {
    return WireType::float16;
  }
  if (text == "bf16" || text == "bfloat16") {
    return WireType::bfloat16;
  }
  return usage_error(str("--wire '", text, "' is none of own, fp16, bf16"));
}

Status judge_work(const RawOptions& raw, ExplainOptions& options) {
  const std::optional<DType> dtype = dtype_from_name(raw.dtype);
  if (!dtype) {
    return usage_error(str("--dtype '", raw.dtype, "' is no type; as in float32, bfloat16, int64"));
  }
  options.dtype = *dtype;
  const std::optional<std::uint64_t> bytes = bytes_from_text(raw.bytes);
  if (!bytes) {
    return usage_error(str("--bytes '", raw.bytes, "' is no size up to 1024GiB, as in 64KiB"));
  }
  options.bytes = options.kind == CollectiveKind::barrier ? 0 : *bytes;
  if (options.bytes % dtype_bytes(options.dtype) != 0) {
    return usage_error(str("--bytes '", raw.bytes, "' are no whole number of ", raw.dtype, ", of ",
                           dtype_bytes(options.dtype), " bytes each"));
  }
  HVD_ASSIGN(options.op, judge_op(raw.op));
  if (reduces(options.kind) && !reduce_supported(options.op, options.dtype)) {
    return usage_error(
        str("--op '", raw.op, "' is not defined for --dtype ", raw.dtype, "; take another type"));
  }
  const std::optional<int> root = number<int>(raw.root);
  if (!root || *root < 0 || *root >= options.rank_count()) {
    return usage_error(str("--root '", raw.root, "' is none of the ", options.rank_count(),
                           " ranks, which are counted from 0"));
  }
  options.root = Rank{has_root(options.kind) ? *root : 0};
  HVD_ASSIGN(options.wire, judge_wire(raw.wire));
  if (is_point_to_point(options.kind) && options.rank_count() < 2) {
    return usage_error("a send goes from rank 0 to rank 1: give --ranks 2");
  }
  return ok_status();
}

Status judge_choice(const RawOptions& raw, ExplainOptions& options) {
  options.algorithm = raw.algorithm;
  if (raw.algorithm != "auto" && find_algorithm(options.kind, raw.algorithm) == nullptr) {
    std::string known = "auto";
    for (const AlgorithmRow& row : algorithm_rows()) {
      known += row.kind == options.kind ? str(", ", row.name) : "";
    }
    return usage_error(str("--algorithm '", raw.algorithm, "' is none of ",
                           collective_name(options.kind), "; there are ", known));
  }
  if (!raw.chunk.empty()) {
    const std::optional<std::uint64_t> chunk = bytes_from_text(raw.chunk);
    if (!chunk || *chunk < kChunkBytesMin || *chunk > kChunkBytesMax) {
      return usage_error(
          str("--chunk '", raw.chunk, "' is no size from 16 bytes to 1GiB, as in 256KiB"));
    }
    options.chunk_bytes = *chunk;
  }
  return ok_status();
}

// A number times `unit`, where the option was given.
Status judge_parameter(const char* name, const std::string& text, double least, double unit,
                       double& value) {
  if (text.empty()) {
    return ok_status();
  }
  const std::optional<double> given = number<double>(text);
  if (!given || !(*given >= least) || *given > 1e9) {
    return usage_error(str(name, " '", text, "' is no number from ", least, " to 1e9"));
  }
  value = *given * unit;
  return ok_status();
}

Status judge_parameters(const RawOptions& raw, CostParameters& parameters) {
  constexpr double kMicro = 1e-6;
  constexpr double kGiga = 1e9;
  constexpr double kRateLeast = 0.001;
  HVD_TRY(judge_parameter("--latency-us", raw.latency, 0, kMicro, parameters.latency_seconds));
  HVD_TRY(judge_parameter("--overhead-us", raw.overhead, 0, kMicro, parameters.overhead_seconds));
  HVD_TRY(judge_parameter("--gap-us", raw.gap, 0, kMicro, parameters.gap_seconds));
  HVD_TRY(judge_parameter("--flag-us", raw.flag, 0, kMicro, parameters.flag_seconds));
  HVD_TRY(judge_parameter("--cached-gb", raw.cached, kRateLeast, kGiga,
                          parameters.core_cached_bytes_per_second));
  HVD_TRY(judge_parameter("--memory-gb", raw.memory, kRateLeast, kGiga,
                          parameters.host_memory_bytes_per_second));
  if (!raw.gbit.empty() && !raw.mbit.empty()) {
    return usage_error("--gbit and --mbit say the same: give one");
  }
  HVD_TRY(judge_parameter("--gbit", raw.gbit, kRateLeast, kGiga / 8 * kPayloadShare,
                          parameters.network_bytes_per_second));
  return judge_parameter("--mbit", raw.mbit, kRateLeast, 1e6 / 8 * kPayloadShare,
                         parameters.network_bytes_per_second);
}

Result<ExplainOptions> judge(const RawOptions& raw) {
  ExplainOptions options;
  HVD_ASSIGN(options.kind, judge_collective(raw.collective));
  HVD_ASSIGN(options.host_of_rank, judge_hosts(raw));
  HVD_TRY(judge_work(raw, options));
  HVD_TRY(judge_choice(raw, options));
  HVD_TRY(judge_parameters(raw, options.parameters));
  options.in_place = raw.in_place;
  options.in_arena = raw.arena;
  options.reads_peers = !raw.no_single_copy;
  options.print_schedule = raw.schedule;
  options.print_table = raw.table;
  options.print_decisions = raw.decisions;
  return options;
}

}  // namespace

std::optional<std::uint64_t> bytes_from_text(std::string_view text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr std::array<Unit, 11> kUnits = {{{"", 1},
                                            {"B", 1},
                                            {"KiB", 1024},
                                            {"MiB", 1048576},
                                            {"GiB", 1073741824},
                                            {"K", 1024},
                                            {"M", 1048576},
                                            {"G", 1073741824},
                                            {"kB", 1e3},
                                            {"MB", 1e6},
                                            {"GB", 1e9}}};
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::optional<double> value = number<double>(text.substr(0, end));
  std::string_view unit = text.substr(end);
  unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
  const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const Unit& known) { return known.name == unit; });
  if (!value || found == kUnits.end()) {
    return std::nullopt;
  }
  const double bytes = *value * found->bytes;
  if (bytes > static_cast<double>(kExplainBytesMost) || bytes != std::floor(bytes)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(bytes);
}

Result<ExplainCommand> parse_explain(std::span<const std::string> words) {
  CLI::App app{kExamples};
  RawOptions raw;
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag();
  add_options(app, raw);
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // CLI11 takes from the back
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& problem) {
    return usage_error(problem.what());
  }
  ExplainCommand command;
  if (raw.help || words.empty()) {
    command.text = app.help();
  } else if (raw.version) {
    command.text = str("hvd-explain ", HVD_VERSION_TEXT, "\n");
  } else {
    HVD_ASSIGN(command.options, judge(raw));
  }
  return command;
}

}  // namespace hvd
