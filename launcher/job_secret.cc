#include "launcher/job_secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "backends/net/os_error.h"

namespace hvd {
namespace {
constexpr std::size_t kSecretBytes = 32;
constexpr int kLowestNumber = 200;
}  // namespace

Result<Fd> make_secret_fd() {
  std::array<unsigned char, kSecretBytes> secret{};
  // Up to 256 bytes come whole, once the kernel's generator is seeded.
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    return os_error("drawing the job's secret", errno);
  }
  std::string digits;
  for (const unsigned char byte : secret) {
    digits += "0123456789abcdef"[byte >> 4];
    digits += "0123456789abcdef"[byte & 15];
  }
  ::explicit_bzero(secret.data(), secret.size());
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
