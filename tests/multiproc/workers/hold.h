// tests/multiproc/workers/hold.h: a rank that stands still in the middle of an operation, for
// tests. Not here: how it is linked between data plane and schedules (tests/multiproc/meson.build).
// Threads: hold_next() any; `held` is called by whoever drives progress.
// Limits: one hold a process.  Read next: rank_shell.cc.
#pragma once

namespace hvd_worker {

// The operation that runs next on this rank goes on until it has done `units` steps and pieces of
// 16 KiB, and then no further; `held` is called once. All else goes on: heartbeats, other ranks,
// the control plane. Null in programs that are linked without hold.cc.
[[gnu::weak]] void hold_next(int units, void (*held)());

}  // namespace hvd_worker
