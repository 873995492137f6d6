#include "backends/net/os_error.h"

#include <sys/resource.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace hvd {

std::string os_reason(int error_number) {
  std::array<char, 128> buffer{};
  std::string text =
      ::strerror_r(error_number, buffer.data(), buffer.size());  // GNU's, thread-safe
  if (!text.empty()) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  rlimit descriptors{};
  if (error_number == EMFILE && ::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    return str(text, " (errno ", error_number, "). limit: RLIMIT_NOFILE ", descriptors.rlim_cur,
               " (ulimit -n)");
  }
  return str(text, " (errno ", error_number, ")");
}

Status os_error(StatusCode code, std::string_view what, int error_number) {
  return error(code, what, ": ", os_reason(error_number));
}

Status os_error(std::string_view what, int error_number) {
  const bool peer_gone = error_number == EPIPE || error_number == ECONNRESET;
  return os_error(peer_gone ? StatusCode::aborted : StatusCode::resource, what, error_number);
}

}  // namespace hvd
