#include "core/config/settings_table.h"

#include <algorithm>
#include <array>

#include "core/base/str.h"

namespace hvd {
namespace {

constexpr double kRankMost = 1 << 24;
constexpr double kSecondsMost = 1e9;
constexpr double kBytesMost = 1ULL << 40;

constexpr std::array<Setting, 30> kTable = {{
    {"HVD_RANK", "HOROVOD_RANK", &Config::rank, "-1", -1, kRankMost,
     "this process's rank, 0 to size - 1; set by hvdrun"},
    {"HVD_SIZE", "HOROVOD_SIZE", &Config::size, "-1", -1, kRankMost,
     "number of ranks; set by hvdrun"},
    {"HVD_LOCAL_RANK", "HOROVOD_LOCAL_RANK", &Config::local_rank, "-1", -1, kRankMost,
     "rank among the ranks of this host; set by hvdrun"},
    {"HVD_LOCAL_SIZE", "HOROVOD_LOCAL_SIZE", &Config::local_size, "-1", -1, kRankMost,
     "number of ranks on this host; set by hvdrun"},
    {"HVD_CROSS_RANK", "HOROVOD_CROSS_RANK", &Config::cross_rank, "-1", -1, kRankMost,
     "rank among the ranks with this local rank; set by hvdrun"},
    {"HVD_CROSS_SIZE", "HOROVOD_CROSS_SIZE", &Config::cross_size, "-1", -1, kRankMost,
     "number of ranks with this local rank; set by hvdrun"},
    {"HVD_RENDEZVOUS_ADDR", "", &Config::rendezvous_addr, "", 0, 0,
     "IPv4 address where the ranks meet; set by hvdrun"},
    {"HVD_RENDEZVOUS_PORT", "", &Config::rendezvous_port, "0", 0, 65535,
     "port where the ranks meet; set by hvdrun"},
    {"HVD_LAUNCHER", "", &Config::launcher, "", 0, 0,
     "who started this rank; hvdrun sets hvdrun and then serves the meeting place, else rank 0 "
     "does"},
    {"HVD_HOST_KEY", "", &Config::host_key, "", 0, 0,
     "ranks with different keys never share memory, as if on different hosts"},
    {"HVD_SECRET", "", &Config::secret_hex, "", 0, 0,
     "secret of the job, 64 hexadecimal digits; HVD_SECRET_FD and HVD_SECRET_FILE hide it better"},
    {"HVD_SECRET_FD", "", &Config::secret_fd, "-1", -1, 1 << 20,
     "descriptor from which the secret of the job is read; set by hvdrun"},
    {"HVD_SECRET_FILE", "", &Config::secret_file, "", 0, 0,
     "file with the secret of the job, 64 hexadecimal digits, readable by its owner only"},
    {"HVD_INSECURE", "", &Config::insecure, "0", 0, 1,
     "1: run without a secret on addresses other than loopback"},
    {"HVD_START_TIMEOUT_SECONDS", "HOROVOD_START_TIMEOUT", &Config::start_timeout_seconds, "30",
     0.01, kSecondsMost, "how long init waits for all ranks"},
    {"HVD_STALL_WARNING_SECONDS", "HOROVOD_STALL_CHECK_TIME_SECONDS",
     &Config::stall_warning_seconds, "10", 0, kSecondsMost,
     "warn when an operation waits this long for a rank, then after doubled pauses; 0 is never"},
    {"HVD_DEADLINE_SECONDS", "HOROVOD_STALL_SHUTDOWN_TIME_SECONDS", &Config::deadline_seconds, "0",
     0, kSecondsMost, "an operation for which a rank is missing this long is an error; 0 is never"},
    {"HVD_HEARTBEAT_SECONDS", "", &Config::heartbeat_seconds, "30", 0.1, kSecondsMost,
     "a rank that is silent this long, or to which no data connection comes about, counts as dead"},
    {"HVD_SPIN_MICROSECONDS", "", &Config::spin_microseconds, "-1", -1, 1e6,
     "how long a blocked thread polls before it sleeps; -1: by the cores that its rank may use"},
    {"HVD_FUSION_BYTES_MAX", "HOROVOD_FUSION_THRESHOLD", &Config::fusion_bytes_max, "134217728", 0,
     kBytesMost, "largest sum of tensors that are reduced together; 0 turns fusion off"},
    {"HVD_ARENA_BYTES", "", &Config::arena_bytes, "1073741824", 4096, kBytesMost,
     "most memory that hvd_alloc can give out; reserved at start, backed when it is touched"},
    {"HVD_ALGORITHM", "", &Config::algorithm, "auto", 0, 0,
     "algorithm of the collectives that have it: auto, or a name of collectives/algorithms.cc"},
    {"HVD_CHUNK_BYTES", "", &Config::chunk_bytes, "0", 0, 1 << 30,
     "bytes that a schedule moves at a time, a multiple of 16 and at most a slot; 0: chosen by "
     "size"},
    {"HVD_WIRE_DTYPE", "", &Config::wire_dtype, "none", 0, 0,
     "what float32 that is reduced travels as between hosts: none (or auto: as it is), bf16 or "
     "fp16; sums stay float32; rank 0 decides"},
    {"HVD_SINGLE_COPY", "", &Config::single_copy, "auto", 0, 0,
     "auto: ranks of one host read long tensors out of one another's memory (process_vm_readv) "
     "where the system lets all of them; off on one rank is off on all"},
    {"HVD_PLAN_CYCLES", "", &Config::plan_cycles, "2", 0, 1000,
     "steps that have to be alike before their operations go by a plan, without messages; 0: all "
     "are negotiated; rank 0 decides"},
    {"HVD_DETERMINISTIC", "", &Config::deterministic, "0", 0, 1,
     "1: a run's results are those of every other run with as many ranks on such hosts, to the "
     "bit; equal on all ranks"},
    {"HVD_CALIBRATION", "", &Config::calibration, "auto", 0, 0,
     "what the choice of algorithms goes by: auto (measured at the first start on a host and "
     "kept), "
     "force (measured again) or off (defaults); rank 0 decides"},
    {"HVD_CACHE_DIR", "", &Config::cache_dir, "", 0, 0,
     "folder where measurements are kept; empty: hvd in XDG_CACHE_HOME or in ~/.cache"},
    {"HVD_LOG_LEVEL", "HOROVOD_LOG_LEVEL", &Config::log_level, "warning", 0, 0,
     "least level that is printed: trace, debug, info, warning, error or off"},
}};

}  // namespace

std::string_view Setting::type_name() const {
  constexpr std::array<std::string_view, 4> names = {"bool", "integer", "number", "text"};
  return names[member.index()];
}

std::span<const Setting> settings_table() { return kTable; }

std::string settings_as_text() {
  std::string text;
  for (const Setting& row : settings_table()) {
    text += str(row.name, " (", row.type_name(), ", default ",
                row.default_text.empty() ? "empty" : row.default_text, ")\n    ", row.doc, "\n");
    if (!row.alias.empty()) {
      text += str("    also read from ", row.alias, "\n");
    }
  }
  return text;
}

std::string settings_as_markdown() {
  std::string text =
      "| variable | also read from | type | default | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const Setting& row : settings_table()) {
    text +=
        str("| `", row.name, "` | ", row.alias.empty() ? "" : str("`", row.alias, "`"), " | ",
            row.type_name(), " | ", row.default_text.empty() ? "" : str("`", row.default_text, "`"),
            " | ", row.doc, " |\n");
  }
  return text;
}

}  // namespace hvd
