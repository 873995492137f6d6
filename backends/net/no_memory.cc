#include "backends/net/no_memory.h"

#include <sys/resource.h>

#include <new>
#include <string>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

// "RLIMIT_AS 1048576 bytes (ulimit -v)", or "RLIMIT_AS unlimited".
std::string limit_text(const char* name, int resource, const char* shell) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return str(name, " unlimited");
  }
  return str(name, " ", limit.rlim_cur, " bytes (", shell, ")");
}

}  // namespace

Status no_memory(std::string_view doing, std::size_t bytes, std::string_view what, int error_number,
                 std::string_view remedy) {
  return error(StatusCode::resource, doing, " ", bytes, " bytes of ", what, ": ",
               os_reason(error_number),
               ". limits of this process: ", limit_text("RLIMIT_AS", RLIMIT_AS, "ulimit -v"), ", ",
               limit_text("RLIMIT_DATA", RLIMIT_DATA, "ulimit -d"), ", ",
               limit_text("RLIMIT_FSIZE", RLIMIT_FSIZE, "ulimit -f"),
               ", and the memory limit of its control group. raise what is short, or ", remedy);
}

std::unique_ptr<std::byte[]> try_bytes(std::size_t bytes) {
  return std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[bytes]);
}

}  // namespace hvd
