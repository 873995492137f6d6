#include "bindings/c/spin_policy.h"

namespace hvd {

// 100 us: longer than a small collective on one host (10-30 us), and 0.1 % of a core for a rank
// that waits in slices of 100 ms.
constexpr Nanos kSpinLength = 100 * kMicrosecond;
// Ranks that share a core hand it round; four of them need a few turns of 5-10 us each.
constexpr Nanos kYieldLength = 200 * kMicrosecond;

SpinPolicy spin_policy(double allowed_cores, int local_size, std::int64_t setting_microseconds) {
  const bool shared = allowed_cores < local_size;
  if (setting_microseconds >= 0) {
    return {setting_microseconds * kMicrosecond, shared};
  }
  return {shared ? kYieldLength : kSpinLength, shared};
}

}  // namespace hvd
