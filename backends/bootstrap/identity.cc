#include "backends/bootstrap/identity.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace hvd {
namespace {

// A number and its own number of things, by the names under which the user knows them.
struct Pair {
  std::string rank_name;
  std::string size_name;
  int rank = -1;
  int size = -1;

  bool given() const { return rank >= 0 || size >= 0; }
  bool complete() const { return rank >= 0 && size >= 0; }
};

// The name that was found in the environment: HVD_RANK or its alias.
std::string found_name(const Config& config, const std::string& suffix) {
  const std::string alias = "HOROVOD_" + suffix;
  const bool by_alias =
      std::find(config.given.begin(), config.given.end(), alias) != config.given.end();
  return by_alias ? alias : "HVD_" + suffix;
}

Pair pair_of(const Config& config, const std::string& prefix, std::int64_t rank,
             std::int64_t size) {
  return {.rank_name = found_name(config, prefix + "RANK"),
          .size_name = found_name(config, prefix + "SIZE"),
          .rank = static_cast<int>(rank),
          .size = static_cast<int>(size)};
}

Status check_pair(const Pair& pair) {
  if (pair.given() && !pair.complete()) {
    const bool has_rank = pair.rank >= 0;
    return error(StatusCode::invalid_argument, has_rank ? pair.rank_name : pair.size_name, " is ",
                 has_rank ? pair.rank : pair.size, " but ",
                 has_rank ? pair.size_name : pair.rank_name,
                 " is not set; set both or neither, or start with: hvdrun -np N command");
  }
  if (pair.size == 0) {
    return error(StatusCode::invalid_argument, pair.size_name, " is 0; it must be 1 or more");
  }
  if (pair.complete() && pair.rank >= pair.size) {
    return error(StatusCode::invalid_argument, pair.rank_name, " is ", pair.rank, " but ",
                 pair.size_name, " is ", pair.size, "; a rank is 0 to ", pair.size - 1);
  }
  return ok_status();
}

// A part (the ranks of a host, or the hosts) lies within the job.
Status check_part(const Pair& part, const Pair& job) {
  HVD_TRY(check_pair(part));
  if (part.given() && !job.given()) {
    return error(StatusCode::invalid_argument, part.rank_name, " is ", part.rank, " and ",
                 part.size_name, " is ", part.size, " but ", job.rank_name, " and ", job.size_name,
                 " are not set; set all of them or none");
  }
  if (part.complete() && part.size > job.size) {
    return error(StatusCode::invalid_argument, part.size_name, " is ", part.size, " but ",
                 job.size_name, " is only ", job.size);
  }
  return ok_status();
}

Status check_aliases_agree(const Environment& environment) {
  constexpr std::array<std::string_view, 6> suffixes = {"RANK",       "SIZE",       "LOCAL_RANK",
                                                        "LOCAL_SIZE", "CROSS_RANK", "CROSS_SIZE"};
  for (const std::string_view suffix : suffixes) {
    const std::optional<std::string> ours = environment.find(str("HVD_", suffix));
    const std::optional<std::string> alias = environment.find(str("HOROVOD_", suffix));
    if (ours && alias && *ours != *alias) {
      return error(StatusCode::invalid_argument, "HVD_", suffix, " is ", *ours, " but HOROVOD_",
                   suffix, " is ", *alias, "; unset one of them");
    }
  }
  return ok_status();
}

Result<Identity> from_options(const ExplicitIdentity& options, const Pair& env_job,
                              const Pair& env_local, const Pair& env_cross) {
  const Pair job{.rank_name = "the option rank",
                 .size_name = "the option size",
                 .rank = options.rank,
                 .size = options.size};
  Pair local{.rank_name = "the option local_rank",
             .size_name = "the option local_size",
             .rank = options.local_rank,
             .size = options.local_size};
  HVD_TRY(check_pair(job));
  HVD_TRY(check_part(local, job));
  Pair cross;
  // The environment may add what the options leave open if it speaks of the same rank.
  if (env_job.rank == job.rank && env_job.size == job.size && !local.given()) {
    HVD_TRY(check_part(env_local, job));
    HVD_TRY(check_part(env_cross, job));
    local = env_local;
    cross = env_cross;
  }
  return Identity{.rank = job.rank,
                  .size = job.size,
                  .local_rank = local.rank,
                  .local_size = local.size,
                  .cross_rank = cross.rank,
                  .cross_size = cross.size,
                  .source = str("options of init: rank ", job.rank, ", size ", job.size)};
}

}  // namespace

Result<Identity> identify(const Config& config, const ExplicitIdentity& given,
                          const Environment& environment) {
  ExplicitIdentity options = given;
  if (options.size == 0) {
    options.size = -1;
  }
  if (options.local_size == 0) {  // hvd.h: local_size 0 says nothing about the local rank either
    options.local_size = -1;
    options.local_rank = -1;
  }
  const Pair job = pair_of(config, "", config.rank, config.size);
  const Pair local = pair_of(config, "LOCAL_", config.local_rank, config.local_size);
  const Pair cross = pair_of(config, "CROSS_", config.cross_rank, config.cross_size);
  if (options.rank >= 0 || options.size >= 0) {
    return from_options(options, job, local, cross);
  }
  if (options.local_rank >= 0 || options.local_size >= 0) {
    return error(StatusCode::invalid_argument,
                 "the options name a local rank but no rank and size; give all of them or none");
  }
  HVD_TRY(check_aliases_agree(environment));
  HVD_TRY(check_pair(job));
  HVD_TRY(check_part(local, job));
  HVD_TRY(check_part(cross, job));
  if (!job.given()) {
    return Identity{.rank = 0,
                    .size = 1,
                    .local_rank = 0,
                    .local_size = 1,
                    .cross_rank = 0,
                    .cross_size = 1,
                    .source = "no launcher: one rank alone"};
  }
  return Identity{.rank = job.rank,
                  .size = job.size,
                  .local_rank = local.rank,
                  .local_size = local.size,
                  .cross_rank = cross.rank,
                  .cross_size = cross.size,
                  .source = str(job.rank_name, " ", job.rank, ", ", job.size_name, " ", job.size)};
}

std::string foreign_launcher_warning(const Identity& identity, const Environment& environment) {
  if (identity.size != 1) {
    return "";
  }
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE"}) {
    const std::string size = environment.find(name).value_or("");
    if (!size.empty() && size != "1") {
      return str(name, " is ", size,
                 " but HVD_SIZE is not set: this process is a job of one rank. ",
                 "start with: hvdrun -np ", size, " command");
    }
  }
  return "";
}

}  // namespace hvd
