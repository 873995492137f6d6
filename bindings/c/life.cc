// The C API's functions that begin and end a job, and those that say who this rank is.
#include <cstdlib>
#include <memory>
#include <utility>

#include "bindings/c/hvd.h"
#include "bindings/c/last_error.h"
#include "bindings/c/process.h"
#include "bindings/c/process_arena.h"
#include "bindings/c/runtime.h"
#include "bindings/c/translate.h"

namespace hvd {
namespace {

void at_process_exit() { (void)hvd_shutdown(); }

Status init(const hvd_init_options_t* options) {
  if (process().forked.load(std::memory_order_relaxed)) {
    return forked_error();
  }
  RuntimeOptions given;
  hvd_init_options_t known{};
  if (options != nullptr) {
    HVD_TRY(copy_sized(options, options->struct_size, &known, sizeof known, "hvd_init_options_t"),
            "hvd_init");
    given.identity.rank = known.size == 0 ? -1 : known.rank;
    given.identity.size = known.size == 0 ? -1 : known.size;
    given.identity.local_rank = known.local_size == 0 ? -1 : known.local_rank;
    given.identity.local_size = known.local_size == 0 ? -1 : known.local_size;
    given.rendezvous = known.rendezvous == nullptr ? "" : known.rendezvous;
  }
  MutexLock life(process().life);
  {
    MutexLock lock(process().mutex);
    if (process().runtime != nullptr) {
      return ok_status();
    }
  }
  // Only hvd_alloc needs one, and says why there is none: a job without it runs all the same.
  if (Result<std::shared_ptr<Arena>> arena = process_arena(); arena.ok()) {
    given.arena = *arena;
  }
  HVD_ASSIGN(std::shared_ptr<Runtime> runtime, Runtime::create(given, process().join_count),
             "hvd_init");
  watch_for_forks();
  if (!process().exit_hook_installed) {
    process().exit_hook_installed = true;
    std::atexit(at_process_exit);
  }
  MutexLock lock(process().mutex);
  process().for_fork = runtime.get();
  process().runtime = std::move(runtime);
  return ok_status();
}

Status shutdown() {
  if (process().forked.load(std::memory_order_relaxed)) {
    return ok_status();
  }
  MutexLock life(process().life);
  std::shared_ptr<Runtime> runtime;
  {
    MutexLock lock(process().mutex);
    runtime = std::exchange(process().runtime, nullptr);
  }
  if (runtime == nullptr) {
    return ok_status();
  }
  runtime->leave();
  MutexLock lock(process().mutex);
  process().for_fork = nullptr;
  return ok_status();
}

template <typename Get>
int query(Get get) {
  const Result<std::shared_ptr<Runtime>> runtime = current();
  return runtime.ok() ? get(**runtime) : -1;
}

}  // namespace
}  // namespace hvd

extern "C" {

hvd_status_t hvd_init(const hvd_init_options_t* options) { return hvd::report(hvd::init(options)); }
hvd_status_t hvd_shutdown(void) { return hvd::report(hvd::shutdown()); }
int hvd_is_initialized(void) { return hvd::current().ok() ? 1 : 0; }

int hvd_rank(void) {
  return hvd::query([](const hvd::Runtime& r) { return r.rank().value; });
}
int hvd_size(void) {
  return hvd::query([](const hvd::Runtime& r) { return r.size(); });
}
int hvd_local_rank(void) {
  return hvd::query([](const hvd::Runtime& r) { return r.place().local_rank; });
}
int hvd_local_size(void) {
  return hvd::query([](const hvd::Runtime& r) { return r.place().local_size; });
}
int hvd_cross_rank(void) {
  return hvd::query([](const hvd::Runtime& r) { return r.place().cross_rank; });
}
int hvd_cross_size(void) {
  return hvd::query([](const hvd::Runtime& r) { return r.place().cross_size; });
}

}  // extern "C"
