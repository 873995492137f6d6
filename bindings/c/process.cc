#include "bindings/c/process.h"

#include <pthread.h>

namespace hvd {
namespace {

// The child of fork() has one thread and copies of all descriptors; without this a DataLoader
// worker would keep a dead rank's sockets open. No lock: its owner may not exist in the child.
void in_forked_child() HVD_NO_THREAD_SAFETY_ANALYSIS {
  process().forked.store(true, std::memory_order_relaxed);
  if (process().for_fork != nullptr) {
    process().for_fork->close_in_forked_child();
  }
}

}  // namespace

Process& process() {
  static auto* the_process = new Process();
  return *the_process;
}

Status forked_error() {
  return error(StatusCode::precondition,
               "hvd cannot be used in a forked child of a rank. start the child with exec, or call "
               "hvd in the parent only");
}

Result<std::shared_ptr<Runtime>> current() {
  if (process().forked.load(std::memory_order_relaxed)) {
    return forked_error();
  }
  MutexLock lock(process().mutex);
  if (process().runtime == nullptr) {
    return error(StatusCode::precondition, "hvd has not been initialized; use hvd_init first");
  }
  return process().runtime;
}

void watch_for_forks() {
  static const int installed = pthread_atfork(nullptr, nullptr, in_forked_child);
  (void)installed;
}

Status check_not_forked() {
  watch_for_forks();
  return process().forked.load(std::memory_order_relaxed) ? forked_error() : ok_status();
}

}  // namespace hvd
