// tests/bench/call_counts.h: counts this process's heap allocations and contended locks.
// The program that links call_counts.cc calls malloc and pthread_mutex_lock through it, and so do
// its shared libraries. Not here: system calls (strace, tests/show/02/12_steady_state.py).
// Threads: any.  Limits: glibc; not under a sanitizer.
// Read next: steady_state.cc.
#pragma once

#include <cstdint>

namespace hvd::bench {

struct CallCounts {
  std::uint64_t allocations = 0;      // malloc and its relatives; free is not counted
  std::uint64_t contended_locks = 0;  // mutexes that somebody else held
};

CallCounts call_counts();

}  // namespace hvd::bench
