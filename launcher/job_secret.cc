#include "launcher/job_secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "backends/net/os_error.h"

namespace hvd {
namespace {
constexpr int kLowestNumber = 200;
}  // namespace

Result<Fd> make_secret_fd(const Secret& secret) {
  std::string digits = secret.to_hex();
  Fd low(::memfd_create("hvd-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!low.open()) {
    return os_error("making a memory file for the job's secret", errno);
  }
  const bool written =
      ::write(low.get(), digits.data(), digits.size()) == static_cast<ssize_t>(digits.size());
  ::explicit_bzero(digits.data(), digits.size());
  if (!written || ::fcntl(low.get(), F_ADD_SEALS,
                          F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return os_error("storing the job's secret", errno);
  }
  Fd high(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLowestNumber));
  return high.open() ? std::move(high) : std::move(low);
}

}  // namespace hvd
