#include "core/stages/handle_table.h"

#include <chrono>

#include "core/base/check.h"

namespace hvd {

HandleId HandleTable::add(const OperationPtr& operation) {
  MutexLock lock(mutex_);
  operation->handle = ++last_;
  operations_.insert(operation->handle).first->second = operation;
  return operation->handle;
}

OperationPtr HandleTable::find(HandleId handle) const {
  MutexLock lock(mutex_);
  const auto at = operations_.find(handle);
  return at == operations_.end() ? nullptr : at->second;
}

bool HandleTable::release(HandleId handle) {
  OperationPtr released;  // and perhaps destroyed, without the lock
  MutexLock lock(mutex_);
  const auto at = operations_.find(handle);
  if (at == operations_.end()) {
    return false;
  }
  released = std::move(at->second);
  operations_.erase(at);
  return true;
}

void HandleTable::complete(Operation& operation, Status status) {
  HVD_CHECK(!operation.done.load(std::memory_order_relaxed));
  operation.status = std::move(status);
  MutexLock lock(mutex_);
  operation.done.store(true, std::memory_order_release);
  if (sleepers_ > 0) {
    changed_.notify_all();
  }
}

void HandleTable::sleep_until_done(const Operation& operation, Time until, std::uint64_t notices) {
  MutexLock lock(mutex_);
  if (operation.done.load(std::memory_order_acquire) || notices_ != notices) {
    return;
  }
  ++sleepers_;
  if (until == kNever) {
    changed_.wait(mutex_);
  } else {
    const std::chrono::steady_clock::time_point when{std::chrono::nanoseconds(until)};
    (void)changed_.wait_until(mutex_, when);
  }
  --sleepers_;
}

std::uint64_t HandleTable::notices() const {
  MutexLock lock(mutex_);
  return notices_;
}

void HandleTable::notify() {
  MutexLock lock(mutex_);
  ++notices_;
  if (sleepers_ > 0) {
    changed_.notify_all();
  }
}

}  // namespace hvd
