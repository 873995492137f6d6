#include "bindings/c/spin_policy.h"

namespace hvd {

// Ranks that share a core hand it round; four of them need a few turns of 5-10 us each.
constexpr Nanos kYieldLength = 200 * kMicrosecond;
// A rank with a core of its own keeps it as long as a round of messages takes. Not longer: on a
// busy machine the rank that it waits for may be queued behind it (with two ranks beside a load of
// nine, keeping it for 100 us made an allreduce of 8 B 5-10 times slower).
constexpr Nanos kHoldLength = 10 * kMicrosecond;

// A look is a system call, 0.3-1 us; a peer's end is no news that hurries.
constexpr Nanos kSocketLook = 20 * kMicrosecond;
// Waking the background thread costs 5 us, and 50 on a virtual machine. So it looks at first as
// soon as a peer would wait for it, and later seldom enough to cost 2.5 % of a core at most.
constexpr Nanos kListenAfter = 200 * kMicrosecond;
constexpr Nanos kListenAfterMost = 2 * kMillisecond;

SpinPolicy spin_policy(double allowed_cores, int local_size, std::int64_t setting_microseconds,
                       Nanos tuned, bool one_host) {
  const bool shared = allowed_cores < local_size;
  const Nanos length = setting_microseconds >= 0 ? setting_microseconds * kMicrosecond
                       : shared                  ? kYieldLength
                                                 : tuned;
  return {.length = length,
          .hold = shared ? 0 : kHoldLength,
          .socket_look = one_host ? kSocketLook : 0,
          .listen_after = length > 0 ? kListenAfter : 0,
          .listen_after_most = length > 0 ? kListenAfterMost : 0};
}

}  // namespace hvd
