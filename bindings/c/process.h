// bindings/c/process.h: the one global of hvd, this process's Runtime, and what a fork does to it.
// Not here: what a Runtime is (runtime.h), init and shutdown (life.cc).
// Threads: any.  Limits: one Runtime at a time, none in a forked child.
// Read next: life.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "bindings/c/runtime.h"

namespace hvd {

// The one global. Never destroyed: exit handlers and threads that outlive main may still look.
struct Process {
  Mutex life;  // held through init and shutdown, so that they do not overlap
  Mutex mutex;
  std::shared_ptr<Runtime> runtime HVD_GUARDED_BY(mutex);
  Runtime* for_fork HVD_GUARDED_BY(mutex) = nullptr;
  std::uint64_t join_count HVD_GUARDED_BY(life) = 0;
  bool exit_hook_installed HVD_GUARDED_BY(life) = false;
  std::atomic<bool> forked{false};
};

Process& process();

// An error before hvd_init, after hvd_shutdown and in a forked child.
Result<std::shared_ptr<Runtime>> current();

Status forked_error();
void watch_for_forks();
// A forked child has the parent's arena, and a copy of what is free there that both would give out.
Status check_not_forked();

}  // namespace hvd
