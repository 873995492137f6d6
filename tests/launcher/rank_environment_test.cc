#include "launcher/rank_environment.h"

#include "tests/catch.h"

namespace hvd {
namespace {

const JobIdentity kJob{.rank_count = 4,
                       .rendezvous_addr = "127.0.0.1",
                       .rendezvous_port = 4242,
                       .secret_fd = 201,
                       .threads = 2};

TEST_CASE("each rank gets its identity under both names", "[rank_environment]") {
  const Variables variables = environment_of_rank(3, kJob, {}, Environment());
  for (const std::string prefix : {"HVD_", "HOROVOD_"}) {
    CHECK(variables.at(prefix + "RANK") == "3");
    CHECK(variables.at(prefix + "SIZE") == "4");
    CHECK(variables.at(prefix + "LOCAL_RANK") == "3");
    CHECK(variables.at(prefix + "LOCAL_SIZE") == "4");
    CHECK(variables.at(prefix + "CROSS_RANK") == "0");
    CHECK(variables.at(prefix + "CROSS_SIZE") == "1");
  }
  CHECK(variables.at("HVD_LAUNCHER") == "hvdrun");
  CHECK(variables.at("HVD_RENDEZVOUS_ADDR") == "127.0.0.1");
  CHECK(variables.at("HVD_RENDEZVOUS_PORT") == "4242");
  CHECK(variables.at("HVD_SECRET_FD") == "201");
  CHECK(variables.at("HOROVOD_CONTROLLER") == "gloo");
  CHECK(variables.at("PYTHONUNBUFFERED") == "1");
  CHECK(variables.at("OMP_NUM_THREADS") == "2");
}

TEST_CASE("identity of an outer launcher does not reach a rank, settings do",
          "[rank_environment]") {
  const Environment outer({{"HVD_RANK", "9"},
                           {"HOROVOD_RANK", "9"},
                           {"HVD_SECRET", "00"},
                           {"OMPI_COMM_WORLD_RANK", "9"},
                           {"PMI_RANK", "9"},
                           {"PMIX_RANK", "9"},
                           {"SLURM_PROCID", "9"},
                           {"RANK", "9"},
                           {"TORCHELASTIC_RUN_ID", "x"},
                           {"HVD_LOG_LEVEL", "info"},
                           {"HOROVOD_FUSION_THRESHOLD", "1"},
                           {"OMPI_MCA_btl", "tcp"},
                           {"SLURM_JOB_ID", "7"},
                           {"MASTER_ADDR", "h"},
                           {"PATH", "/bin"}});
  const Variables variables = environment_of_rank(1, kJob, {}, outer);
  for (const char* gone : {"HVD_SECRET", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK",
                           "SLURM_PROCID", "RANK", "TORCHELASTIC_RUN_ID"}) {
    CAPTURE(gone);
    CHECK(!variables.contains(gone));
  }
  CHECK(variables.at("HVD_RANK") == "1");
  CHECK(variables.at("HOROVOD_RANK") == "1");
  for (const char* kept : {"HVD_LOG_LEVEL", "HOROVOD_FUSION_THRESHOLD", "OMPI_MCA_btl",
                           "SLURM_JOB_ID", "MASTER_ADDR", "PATH"}) {
    CAPTURE(kept);
    CHECK(variables.contains(kept));
  }
  CHECK(stripped_names(outer).size() == 9);
}

TEST_CASE("options reach the ranks only where they are given", "[rank_environment]") {
  LaunchOptions options;
  CHECK(!variables_of_rank(0, kJob, options).contains("HVD_LOG_LEVEL"));
  options.log_level = LogLevel::debug;
  options.start_timeout_seconds = 7.5;
  const Variables variables = variables_of_rank(0, kJob, options);
  CHECK(variables.at("HVD_LOG_LEVEL") == "debug");
  CHECK(variables.at("HVD_START_TIMEOUT_SECONDS") == "7.5");
}

TEST_CASE("the user's own thread count stays", "[rank_environment]") {
  JobIdentity job = kJob;
  job.threads.reset();
  const Environment outer(Variables{{"OMP_NUM_THREADS", "5"}});
  CHECK(environment_of_rank(0, job, {}, outer).at("OMP_NUM_THREADS") == "5");
}

}  // namespace
}  // namespace hvd
