#include "backends/bootstrap/job_secret.h"

#include "backends/net/socket.h"

namespace hvd {

Result<JobSecret> find_job_secret(const Config& config) {
  if (config.secret_fd >= 0) {
    HVD_ASSIGN(const Secret secret, Secret::from_descriptor(static_cast<int>(config.secret_fd)),
               "HVD_SECRET_FD ", config.secret_fd);
    return JobSecret{.secret = secret, .source = "HVD_SECRET_FD"};
  }
  if (!config.secret_file.empty()) {
    HVD_ASSIGN(const Secret secret, Secret::from_file(config.secret_file), "HVD_SECRET_FILE");
    return JobSecret{.secret = secret, .source = "HVD_SECRET_FILE"};
  }
  if (!config.secret_hex.empty()) {
    HVD_ASSIGN(const Secret secret, Secret::from_hex(config.secret_hex, "HVD_SECRET"));
    return JobSecret{.secret = secret, .source = "HVD_SECRET"};
  }
  return JobSecret{.secret = Secret::none(), .source = "none"};
}

Status check_secret_suffices(const JobSecret& secret, const Config& config,
                             const std::string& meeting_host) {
  if (!secret.secret.is_none() || config.insecure || is_loopback(meeting_host)) {
    return ok_status();
  }
  return error(StatusCode::permission_denied, "the job meets at ", meeting_host,
               ", which others can reach, and has no secret; give every rank the same "
               "HVD_SECRET_FILE (64 hexadecimal digits, mode 0600), or set HVD_INSECURE 1 to run "
               "without");
}

}  // namespace hvd
