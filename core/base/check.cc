#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hvd::internal {

void check_failed(std::string_view condition, std::string_view file, int line) {
  std::fprintf(
      stderr,
      "hvd: internal error: '%.*s' is false at %.*s:%d. this is a bug of hvd; please report "
      "it with these lines\n",
      static_cast<int>(condition.size()), condition.data(), static_cast<int>(file.size()),
      file.data(), line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace hvd::internal
