// The C API's functions of a handle: waiting, results, release.
#include <algorithm>
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

Status check_done(const Operation& operation, const char* function) {
  if (!operation.done.load(std::memory_order_acquire)) {
    return error(StatusCode::precondition, function, ": ", collective_name(operation.request.kind),
                 " '", operation.request.name, "' is not done; hvd_wait for it first");
  }
  return ok_status();
}

// Of an operation, or of a member of a group, that has a result of its kind: in the runtime's
// memory, or in what the caller gave for it.
Status check_has_result(const Operation& operation, const char* function) {
  if (operation.result == nullptr && !gives_output(operation.request)) {
    return error(StatusCode::invalid_argument, function, ": ",
                 collective_name(operation.request.kind), " '", operation.request.name,
                 "' writes to the caller's memory; only allgather, alltoall, gather and scatter "
                 "have a result");
  }
  return ok_status();
}

// An operation that is done, went well, and has a result.
Result<Found> find_result(hvd_handle_t handle, const char* function) {
  HVD_ASSIGN(Found found, find(handle, function));
  const Operation& operation = *found.operation;
  HVD_TRY(check_done(operation, function));
  if (!operation.members.empty()) {
    return error(StatusCode::invalid_argument, function, ": ",
                 collective_name(operation.request.kind), " '", operation.request.name,
                 "' is a group of ", operation.members.size(),
                 " tensors; hvd_grouped_result gives the result of each");
  }
  if (!operation.result_is_whole) {
    HVD_TRY(operation.status);
  }
  HVD_TRY(check_has_result(operation, function));
  return found;
}

struct ResultPlace {
  void** data;
  const int64_t** shape;
  int32_t* ndim;

  bool lacks() const { return data == nullptr || shape == nullptr || ndim == nullptr; }
  void set(const Operation& operation) const {
    *data = operation.result != nullptr ? operation.result.get() : operation.request.output;
    *shape = operation.result_shape.sizes().data();
    *ndim = operation.result_shape.dimension_count();
  }
};

Status result_of(hvd_handle_t handle, const ResultPlace& place) {
  if (place.lacks()) {
    return error(StatusCode::invalid_argument, "hvd_result: data, shape or ndim is NULL");
  }
  HVD_ASSIGN(const Found found, find_result(handle, "hvd_result"));
  place.set(*found.operation);
  return ok_status();
}

Status grouped_result_of(hvd_handle_t handle, int32_t index, const ResultPlace& place) {
  constexpr const char* kFunction = "hvd_grouped_result";
  if (place.lacks()) {
    return error(StatusCode::invalid_argument, kFunction, ": data, shape or ndim is NULL");
  }
  HVD_ASSIGN(const Found found, find(handle, kFunction));
  const Operation& whole = *found.operation;
  HVD_TRY(check_done(whole, kFunction));
  if (index < 0 || static_cast<std::size_t>(index) >= whole.members.size()) {
    return error(StatusCode::invalid_argument, kFunction, ": index is ", index, ", but ",
                 collective_name(whole.request.kind), " '", whole.request.name, "' ",
                 whole.members.empty() ? str("is no group; use hvd_result")
                                       : str("has tensors 0 to ", whole.members.size() - 1));
  }
  // All or nothing: where only an output did not fit, all results are there.
  if (std::any_of(whole.members.begin(), whole.members.end(),
                  [](const Operation& member) { return !member.result_is_whole; })) {
    HVD_TRY(whole.status);
  }
  const Operation& member = whole.members[static_cast<std::size_t>(index)];
  HVD_TRY(check_has_result(member, kFunction));
  place.set(member);
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
  return hvd::report(hvd::result_of(handle, {data, shape, ndim}));
}
hvd_status_t hvd_grouped_result(hvd_handle_t handle, int32_t index, void** data,
                                const int64_t** shape, int32_t* ndim) {
  return hvd::report(hvd::grouped_result_of(handle, index, {data, shape, ndim}));
}
hvd_status_t hvd_result_dtype(hvd_handle_t handle, int32_t* dtype) {
  return hvd::report(hvd::result_dtype_of(handle, dtype));
}
hvd_status_t hvd_received_splits(hvd_handle_t handle, const int64_t** splits, int32_t* count) {
  return hvd::report(hvd::received_splits_of(handle, splits, count));
}
hvd_status_t hvd_release(hvd_handle_t handle) { return hvd::report(hvd::release(handle)); }

}  // extern "C"
