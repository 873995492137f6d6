#include "tests/bench/call_counts.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> contended_locks{0};

void count(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

namespace hvd::bench {

CallCounts call_counts() { return {allocations.load(), contended_locks.load()}; }

}  // namespace hvd::bench

#define HVD_INTERPOSED extern "C" __attribute__((visibility("default")))

// glibc's own names of what is interposed here.
// NOLINTBEGIN: reserved, and theirs
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* ptr, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}
// NOLINTEND

HVD_INTERPOSED void* malloc(std::size_t size) {
  count(allocations);
  return __libc_malloc(size);
}

HVD_INTERPOSED void* calloc(std::size_t nmemb, std::size_t size) {
  count(allocations);
  return __libc_calloc(nmemb, size);
}

HVD_INTERPOSED void* realloc(void* ptr, std::size_t size) {
  count(allocations);
  return __libc_realloc(ptr, size);
}

HVD_INTERPOSED void* memalign(std::size_t alignment, std::size_t size) {
  count(allocations);
  return __libc_memalign(alignment, size);
}

HVD_INTERPOSED void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count(allocations);
  return __libc_memalign(alignment, size);
}

HVD_INTERPOSED int posix_memalign(void** memptr, std::size_t alignment, std::size_t size) {
  count(allocations);
  *memptr = __libc_memalign(alignment, size);
  return *memptr == nullptr ? ENOMEM : 0;
}

HVD_INTERPOSED int pthread_mutex_lock(pthread_mutex_t* mutex) {
  const int tried = pthread_mutex_trylock(mutex);
  if (tried != EBUSY) {
    return tried;
  }
  count(contended_locks);
  using Lock = int (*)(pthread_mutex_t*);
  static std::atomic<Lock> real{nullptr};
  Lock lock = real.load(std::memory_order_relaxed);
  if (lock == nullptr) {
    lock = reinterpret_cast<Lock>(::dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    real.store(lock, std::memory_order_relaxed);
  }
  return lock(mutex);
}
