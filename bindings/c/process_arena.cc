#include "bindings/c/process_arena.h"

#include "core/base/mutex.h"
#include "core/config/config.h"

namespace hvd {
namespace {

// Never destroyed: threads that outlive main may still write to tensors in it.
struct Holder {
  Mutex mutex;
  std::shared_ptr<Arena> arena HVD_GUARDED_BY(mutex);
};
Holder& holder() {
  static auto* the_holder = new Holder();
  return *the_holder;
}

}  // namespace

Result<std::shared_ptr<Arena>> process_arena() {
  MutexLock lock(holder().mutex);
  if (holder().arena == nullptr) {
    HVD_ASSIGN(const Config config, read_config(Environment::of_process()));
    HVD_ASSIGN(holder().arena, Arena::create(static_cast<std::size_t>(config.arena_bytes)));
  }
  return holder().arena;
}

}  // namespace hvd
