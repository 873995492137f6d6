// core/base/check.h: HVD_CHECK aborts with the state when hvd itself has a bug.
// Not here: wrong input from users, peers, wires or shared memory; that is a Status.
// Threads: any.  Limits: none.
// Read next: status.h.
#pragma once

#include <string_view>

namespace hvd::internal {

[[noreturn]] void check_failed(std::string_view condition, std::string_view file, int line);

}  // namespace hvd::internal

#define HVD_CHECK(condition)                                         \
  do {                                                               \
    if (!(condition)) [[unlikely]] {                                 \
      ::hvd::internal::check_failed(#condition, __FILE__, __LINE__); \
    }                                                                \
  } while (false)
