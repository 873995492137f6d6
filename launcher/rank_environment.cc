#include "launcher/rank_environment.h"

#include <algorithm>
#include <array>

#include "core/base/str.h"

namespace hvd {
namespace {

// HVD_* and HOROVOD_* settings pass; what says who a process is does not.
constexpr std::array<std::string_view, 44> kNames = {
    "HVD_RANK",
    "HVD_SIZE",
    "HVD_LOCAL_RANK",
    "HVD_LOCAL_SIZE",
    "HVD_CROSS_RANK",
    "HVD_CROSS_SIZE",
    "HVD_LAUNCHER",
    "HVD_RENDEZVOUS_ADDR",
    "HVD_RENDEZVOUS_PORT",
    "HVD_SECRET",
    "HVD_SECRET_FD",
    "HVD_SECRET_FILE",
    "HOROVOD_RANK",
    "HOROVOD_SIZE",
    "HOROVOD_LOCAL_RANK",
    "HOROVOD_LOCAL_SIZE",
    "HOROVOD_CROSS_RANK",
    "HOROVOD_CROSS_SIZE",
    "HOROVOD_HOSTNAME",
    "HOROVOD_SECRET_KEY",
    "HOROVOD_ELASTIC",
    "HOROVOD_CONTROLLER",
    "HOROVOD_CPU_OPERATIONS",
    "HOROVOD_GLOO_IFACE",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "GROUP_WORLD_SIZE",
    "ROLE_RANK",
    "ROLE_WORLD_SIZE",
    "ROLE_NAME",
    "SLURM_PROCID",
    "SLURM_LOCALID",
    "SLURM_NODEID",
    "SLURM_GTIDS",
    "SLURM_TASK_PID",
    "SLURM_STEPID",
    "MPI_LOCALRANKID",
    "MPI_LOCALNRANKS",
    "FLUX_TASK_RANK",
    "FLUX_TASK_LOCAL_ID",
    "TF_CONFIG",
};

// OMPI_MCA_* settings that a user made pass; the ones that mpirun makes for its own children do
// not.
constexpr std::array<std::string_view, 22> kPrefixes = {
    "HOROVOD_GLOO_RENDEZVOUS_",
    "OMPI_COMM_WORLD_",
    "OMPI_UNIVERSE_SIZE",
    "OMPI_APP_CTX",
    "OMPI_FIRST_RANKS",
    "OMPI_NUM_APP_CTX",
    "OMPI_FILE_LOCATION",
    "OMPI_ARGV",
    "OMPI_COMMAND",
    "OMPI_MCA_orte_",
    "OMPI_MCA_ess",
    "OMPI_MCA_pmix",
    "PMI_",
    "PMIX_",
    "PRTE_",
    "HYDI_",
    "MV2_COMM_WORLD_",
    "SLURM_STEP_",
    "TORCHELASTIC_",
    "JSM_NAMESPACE_",
    "PALS_",
    "ALPS_APP_",
};

}  // namespace

bool is_foreign_identity(std::string_view name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

Variables variables_of_rank(int rank, const JobIdentity& job, const LaunchOptions& options) {
  Variables variables;
  const auto both = [&](const std::string& name, int value) {
    variables[str("HVD_", name)] = variables[str("HOROVOD_", name)] = str(value);
  };
  both("RANK", rank);
  both("SIZE", job.rank_count);
  both("LOCAL_RANK", rank);
  both("LOCAL_SIZE", job.rank_count);
  both("CROSS_RANK", 0);
  both("CROSS_SIZE", 1);
  variables.insert_or_assign("HVD_LAUNCHER", "hvdrun");
  if (!job.rendezvous_addr.empty()) {
    variables["HVD_RENDEZVOUS_ADDR"] = job.rendezvous_addr;
    variables["HVD_RENDEZVOUS_PORT"] = str(job.rendezvous_port);
  }
  variables["HVD_SECRET_FD"] = str(job.secret_fd);
  // What Horovod's own launcher sets and scripts look at.
  variables.insert_or_assign("HOROVOD_HOSTNAME", "localhost");
  variables.insert_or_assign("HOROVOD_CONTROLLER", "gloo");
  variables.insert_or_assign("HOROVOD_CPU_OPERATIONS", "gloo");
  variables.insert_or_assign("PYTHONUNBUFFERED", str(1));
  if (job.threads) {
    variables["OMP_NUM_THREADS"] = str(*job.threads);
  }
  if (options.log_level) {
    variables["HVD_LOG_LEVEL"] = log_level_name(*options.log_level);
  }
  if (options.start_timeout_seconds) {
    variables["HVD_START_TIMEOUT_SECONDS"] = str(*options.start_timeout_seconds);
  }
  return variables;
}

Variables environment_of_rank(int rank, const JobIdentity& job, const LaunchOptions& options,
                              const Environment& outer) {
  Variables variables;
  for (const auto& [name, value] : outer.values()) {
    if (!is_foreign_identity(name)) {
      variables.emplace(name, value);
    }
  }
  for (auto& [name, value] : variables_of_rank(rank, job, options)) {
    variables[name] = value;
  }
  return variables;
}

std::vector<std::string> stripped_names(const Environment& outer) {
  std::vector<std::string> names;
  for (const auto& [name, value] : outer.values()) {
    if (is_foreign_identity(name)) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace hvd
