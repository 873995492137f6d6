// The C API's functions of a handle: waiting, results, release.
#include <cmath>
#include <memory>
#include <utility>

#include "bindings/c/hvd.h"
#include "bindings/c/last_error.h"
#include "bindings/c/process.h"
#include "bindings/c/runtime.h"

namespace hvd {
namespace {

struct Found {
  std::shared_ptr<Runtime> runtime;
  OperationPtr operation;
};

Result<Found> find(hvd_handle_t handle, const char* function) {
  HVD_ASSIGN(std::shared_ptr<Runtime> runtime, current(), function);
  OperationPtr operation = runtime->handles().find(handle);
  if (operation == nullptr) {
    return error(StatusCode::not_found, function, ": there is no operation with handle ", handle,
                 "; it was released, or belongs to a runtime that was shut down");
  }
  return Found{std::move(runtime), std::move(operation)};
}

hvd_status_t wait(hvd_handle_t handle, double timeout_seconds) {
  if (std::isnan(timeout_seconds)) {
    return report(error(StatusCode::invalid_argument, "hvd_wait: timeout_seconds is not a number"));
  }
  const Result<Found> found = find(handle, "hvd_wait");
  if (!found.ok()) {
    return report(found.status());
  }
  const bool for_ever = timeout_seconds < 0 || timeout_seconds > 1e9;
  const Time until =
      for_ever ? kNever : found->runtime->clock().now() + nanos_from_seconds(timeout_seconds);
  switch (found->runtime->wait(*found->operation, until)) {
    case WaitOutcome::done:
      return report(found->operation->status);
    case WaitOutcome::timed_out:
      return HVD_TIMED_OUT;
    case WaitOutcome::interrupted:
      return HVD_ERROR_INTERRUPTED;
  }
  return HVD_ERROR_INTERNAL;
}

// An operation that is done, went well, and has a result of its kind: in the runtime's memory, or
// in what the caller gave for it.
Result<Found> find_result(hvd_handle_t handle, const char* function) {
  HVD_ASSIGN(Found found, find(handle, function));
  const Operation& operation = *found.operation;
  if (!operation.done.load(std::memory_order_acquire)) {
    return error(StatusCode::precondition, function, ": ", collective_name(operation.request.kind),
                 " '", operation.request.name, "' is not done; hvd_wait for it first");
  }
  if (!operation.result_is_whole) {
    HVD_TRY(operation.status);
  }
  if (operation.result == nullptr && !gives_output(operation.request)) {
    return error(StatusCode::invalid_argument, function, ": ",
                 collective_name(operation.request.kind), " '", operation.request.name,
                 "' writes to the caller's memory; only allgather, alltoall, gather and scatter "
                 "have a result");
  }
  return found;
}

Status result_of(hvd_handle_t handle, void** data, const int64_t** shape, int32_t* ndim) {
  if (data == nullptr || shape == nullptr || ndim == nullptr) {
    return error(StatusCode::invalid_argument, "hvd_result: data, shape or ndim is NULL");
  }
  HVD_ASSIGN(const Found found, find_result(handle, "hvd_result"));
  const Operation& operation = *found.operation;
  *data = operation.result != nullptr ? operation.result.get() : operation.request.output;
  *shape = found.operation->result_shape.sizes().data();
  *ndim = found.operation->result_shape.dimension_count();
  return ok_status();
}

Status result_dtype_of(hvd_handle_t handle, int32_t* dtype) {
  if (dtype == nullptr) {
    return error(StatusCode::invalid_argument, "hvd_result_dtype: dtype is NULL");
  }
  HVD_ASSIGN(const Found found, find_result(handle, "hvd_result_dtype"));
  *dtype = static_cast<int32_t>(found.operation->result_dtype);
  return ok_status();
}

Status received_splits_of(hvd_handle_t handle, const int64_t** splits, int32_t* count) {
  if (splits == nullptr || count == nullptr) {
    return error(StatusCode::invalid_argument, "hvd_received_splits: splits or count is NULL");
  }
  HVD_ASSIGN(const Found found, find_result(handle, "hvd_received_splits"));
  const Operation& operation = *found.operation;
  if (operation.request.kind != CollectiveKind::alltoall) {
    return error(StatusCode::invalid_argument,
                 "hvd_received_splits: ", collective_name(operation.request.kind), " '",
                 operation.request.name, "' has no splits; only alltoall has");
  }
  *splits = operation.received_splits.data();
  *count = static_cast<int32_t>(operation.received_splits.size());
  return ok_status();
}

Status release(hvd_handle_t handle) {
  HVD_ASSIGN(const Found found, find(handle, "hvd_release"));
  found.runtime->handles().release(handle);
  return ok_status();
}

}  // namespace
}  // namespace hvd

extern "C" {

hvd_status_t hvd_poll(hvd_handle_t handle, int* done) {
  const hvd::Result<hvd::Found> found = hvd::find(handle, "hvd_poll");
  if (!found.ok() || done == nullptr) {
    return hvd::report(found.ok()
                           ? hvd::error(hvd::StatusCode::invalid_argument, "hvd_poll: done is NULL")
                           : found.status());
  }
  *done = found->operation->done.load(std::memory_order_acquire) ? 1 : 0;
  return HVD_OK;
}
hvd_status_t hvd_wait(hvd_handle_t handle, double timeout_seconds) {
  return hvd::wait(handle, timeout_seconds);
}
hvd_status_t hvd_result(hvd_handle_t handle, void** data, const int64_t** shape, int32_t* ndim) {
  return hvd::report(hvd::result_of(handle, data, shape, ndim));
}
hvd_status_t hvd_result_dtype(hvd_handle_t handle, int32_t* dtype) {
  return hvd::report(hvd::result_dtype_of(handle, dtype));
}
hvd_status_t hvd_received_splits(hvd_handle_t handle, const int64_t** splits, int32_t* count) {
  return hvd::report(hvd::received_splits_of(handle, splits, count));
}
hvd_status_t hvd_release(hvd_handle_t handle) { return hvd::report(hvd::release(handle)); }

}  // extern "C"
