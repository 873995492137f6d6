#include "bindings/c/hvd.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "backends/bootstrap/memory_limit.h"
#include "bindings/c/last_error.h"
#include "bindings/c/process_arena.h"
#include "bindings/c/runtime.h"
#include "bindings/c/translate.h"
#include "core/config/settings_table.h"

namespace hvd {
namespace {

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

// The child of fork() has one thread and copies of all descriptors; without this a DataLoader
// worker would keep a dead rank's sockets open. No lock: its owner may not exist in the child.
void in_forked_child() HVD_NO_THREAD_SAFETY_ANALYSIS {
  process().forked.store(true, std::memory_order_relaxed);
  if (process().for_fork != nullptr) {
    process().for_fork->close_in_forked_child();
  }
}

void watch_for_forks() {
  static const int installed = pthread_atfork(nullptr, nullptr, in_forked_child);
  (void)installed;
}

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

// ---- submitting
// ----------------------------------------------------------------------------------

struct Call {
  const char* function;
  CollectiveKind kind;
  const char* name = nullptr;
  const hvd_tensor_t* input = nullptr;
  const hvd_tensor_t* output = nullptr;
  const hvd_options_t* options = nullptr;
  const std::int64_t* splits = nullptr;
  Rank peer = {};
  std::int32_t tag = 0;
};

// The output's shape is the input's, but for the rows of a reduce-scatter.
Status take_output(const Call& call, Request& request, const Shape& expected) {
  HVD_ASSIGN(const TensorRef output, tensor_from_c(call.output, call.function, "output"));
  if (!(output.shape == expected) || output.dtype != request.input.dtype) {
    return error(StatusCode::invalid_argument, call.function, ": output is ",
                 dtype_name(output.dtype), " ", output.shape.text(), " but must be ",
                 dtype_name(request.input.dtype), " ", expected.text(), ", for input is ",
                 dtype_name(request.input.dtype), " ", request.input.shape.text());
  }
  request.output = output.data;
  return ok_status();
}

Status take_splits(const Call& call, const Runtime& runtime, Request& request) {
  if (call.splits != nullptr) {
    request.splits.assign(call.splits, call.splits + runtime.size());
  }
  return ok_status();
}

// What this kind borrows, beside its input.
Status take_memory(const Call& call, const Runtime& runtime, Request& request) {
  switch (call.kind) {
    case CollectiveKind::allreduce:
      return take_output(call, request, request.input.shape);
    case CollectiveKind::reduce:
      return request.root == runtime.rank() ? take_output(call, request, request.input.shape)
                                            : ok_status();
    case CollectiveKind::broadcast:
      request.output = request.input.data;
      return ok_status();
    case CollectiveKind::recv:
      request.output = std::exchange(request.input.data, nullptr);
      return ok_status();
    case CollectiveKind::alltoall:
    case CollectiveKind::scatter:
      return take_splits(call, runtime, request);
    case CollectiveKind::reduce_scatter: {
      HVD_TRY(take_splits(call, runtime, request));
      Shape expected = request.input.shape;
      if (expected.dimension_count() == 0 || expected[0] < 0) {
        return ok_status();  // has no rows: runtime.check says so
      }
      expected.set(0, split_of(request, runtime.rank(), runtime.size()));
      return take_output(call, request, expected);
    }
    default:
      return ok_status();
  }
}

Status give_name(const Call& call, Runtime& runtime, Request& request) {
  if (call.name != nullptr) {
    request.name = call.name;
    return ok_status();
  }
  // A call that is refused here must not use a number up: the other ranks' numbers go on.
  if (is_point_to_point(call.kind)) {
    const bool sends = call.kind == CollectiveKind::send;
    const Rank source = sends ? runtime.rank() : call.peer;
    const Rank destination = sends ? call.peer : runtime.rank();
    request.name = point_to_point_name(source, destination, call.tag, 0);
    HVD_TRY(runtime.check(request));
    request.name = runtime.message_name(source, destination, call.tag);
    return ok_status();
  }
  request.name = str(collective_name(call.kind), ".noname");
  HVD_TRY(runtime.check(request));
  request.name = runtime.unnamed(call.kind);
  return ok_status();
}

bool describes_input(const Call& call, const Runtime& runtime, const Request& request) {
  return call.kind != CollectiveKind::barrier &&
         (call.kind != CollectiveKind::scatter || request.root == runtime.rank());
}

struct Asked {
  Request request;
  bool wait_at_once = false;
};

Result<Asked> ask(const Call& call, Runtime& runtime) {
  Asked asked;
  Request& request = asked.request;
  request.kind = call.kind;
  request.peer = call.peer;
  HVD_TRY(options_from_c(call.options, call.function, request, asked.wait_at_once));
  if (describes_input(call, runtime, request)) {
    const bool is_alone = call.kind == CollectiveKind::broadcast || is_point_to_point(call.kind);
    const char* argument = is_alone ? "tensor" : "input";
    HVD_ASSIGN(request.input, tensor_from_c(call.input, call.function, argument));
    HVD_TRY(take_memory(call, runtime, request));
  }
  HVD_TRY(give_name(call, runtime, request));
  return asked;
}

Status submit_async(const Call& call, hvd_handle_t* handle) {
  if (handle == nullptr) {
    return error(StatusCode::invalid_argument, call.function, ": handle is NULL");
  }
  HVD_ASSIGN(const std::shared_ptr<Runtime> runtime, current(), call.function);
  HVD_ASSIGN(Asked asked, ask(call, *runtime));
  HVD_ASSIGN(const OperationPtr operation, runtime->submit(std::move(asked.request)));
  if (!asked.wait_at_once) {
    runtime->submitted();
  }
  *handle = operation->handle;
  return ok_status();
}

// Nobody rings: the calling thread drives the operation itself.
Status submit_blocking(const Call& call) {
  HVD_ASSIGN(const std::shared_ptr<Runtime> runtime, current(), call.function);
  HVD_ASSIGN(Asked asked, ask(call, *runtime));
  HVD_ASSIGN(const OperationPtr operation, runtime->submit(std::move(asked.request)));
  while (runtime->wait(*operation, kNever) != WaitOutcome::done) {
    // A signal; its handler has run. The operation cannot be taken back, so wait on.
  }
  runtime->handles().release(operation->handle);
  return operation->status;
}

// ---- handles
// -------------------------------------------------------------------------------------

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

// An operation that is done, went well, and whose result the runtime made.
Result<Found> find_result(hvd_handle_t handle, const char* function) {
  HVD_ASSIGN(Found found, find(handle, function));
  const Operation& operation = *found.operation;
  if (!operation.done.load(std::memory_order_acquire)) {
    return error(StatusCode::precondition, function, ": ", collective_name(operation.request.kind),
                 " '", operation.request.name, "' is not done; hvd_wait for it first");
  }
  HVD_TRY(operation.status);
  if (operation.result == nullptr) {
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
  *data = found.operation->result.get();
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

// ---- memory
// --------------------------------------------------------------------------------------

// A forked child has the parent's arena, and a copy of what is free there that both would give out.
Status check_not_forked() {
  watch_for_forks();
  return process().forked.load(std::memory_order_relaxed) ? forked_error() : ok_status();
}

Status allocate(size_t bytes, void** memory) {
  if (memory == nullptr) {
    return error(StatusCode::invalid_argument, "hvd_alloc: memory is NULL");
  }
  HVD_TRY(check_not_forked(), "hvd_alloc");
  HVD_ASSIGN(const std::shared_ptr<Arena> arena, process_arena(), "hvd_alloc");
  HVD_TRY(check_memory_room(bytes, cgroup_folders_of_process(), "fewer or smaller tensors"),
          "hvd_alloc");
  HVD_ASSIGN(std::byte* const block, arena->allocate(bytes), "hvd_alloc");
  *memory = block;
  return ok_status();
}

Status release_memory(const void* memory) {
  if (memory == nullptr) {
    return ok_status();
  }
  HVD_TRY(check_not_forked(), "hvd_free");
  HVD_ASSIGN(const std::shared_ptr<Arena> arena, process_arena(), "hvd_free");
  return arena->release(static_cast<const std::byte*>(memory)).in_context("hvd_free");
}

// ---- text
// ----------------------------------------------------------------------------------------

size_t copy_text(const std::string& text, char* buffer, size_t capacity) {
  if (buffer != nullptr && capacity > 0) {
    const size_t length = std::min(text.size(), capacity - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = '\0';
  }
  return text.size();
}

template <typename Get>
int query(Get get) {
  const Result<std::shared_ptr<Runtime>> runtime = current();
  return runtime.ok() ? get(**runtime) : -1;
}

}  // namespace
}  // namespace hvd

using hvd::CollectiveKind;

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
const char* hvd_version(void) { return HVD_VERSION_TEXT; }

hvd_status_t hvd_allreduce_async(const char* name, const hvd_tensor_t* input,
                                 const hvd_tensor_t* output, const hvd_options_t* options,
                                 hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_allreduce_async", CollectiveKind::allreduce, name, input, output, options}, handle));
}
hvd_status_t hvd_allreduce(const char* name, const hvd_tensor_t* input, const hvd_tensor_t* output,
                           const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_allreduce", CollectiveKind::allreduce, name, input, output, options}));
}
hvd_status_t hvd_allgather_async(const char* name, const hvd_tensor_t* input,
                                 const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_allgather_async", CollectiveKind::allgather, name, input, nullptr, options}, handle));
}
hvd_status_t hvd_broadcast_async(const char* name, const hvd_tensor_t* tensor,
                                 const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_broadcast_async", CollectiveKind::broadcast, name, tensor, nullptr, options}, handle));
}
hvd_status_t hvd_broadcast(const char* name, const hvd_tensor_t* tensor,
                           const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_broadcast", CollectiveKind::broadcast, name, tensor, nullptr, options}));
}
hvd_status_t hvd_barrier_async(const char* name, const hvd_options_t* options,
                               hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_barrier_async", CollectiveKind::barrier, name, nullptr, nullptr, options}, handle));
}
hvd_status_t hvd_barrier(const char* name, const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_barrier", CollectiveKind::barrier, name, nullptr, nullptr, options}));
}

hvd_status_t hvd_reduce_async(const char* name, const hvd_tensor_t* input,
                              const hvd_tensor_t* output, const hvd_options_t* options,
                              hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_reduce_async", CollectiveKind::reduce, name, input, output, options}, handle));
}
hvd_status_t hvd_reduce(const char* name, const hvd_tensor_t* input, const hvd_tensor_t* output,
                        const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_reduce", CollectiveKind::reduce, name, input, output, options}));
}
hvd_status_t hvd_reduce_scatter_async(const char* name, const hvd_tensor_t* input,
                                      const int64_t* row_counts, const hvd_tensor_t* output,
                                      const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async({"hvd_reduce_scatter_async", CollectiveKind::reduce_scatter,
                                        name, input, output, options, row_counts},
                                       handle));
}
hvd_status_t hvd_reduce_scatter(const char* name, const hvd_tensor_t* input,
                                const int64_t* row_counts, const hvd_tensor_t* output,
                                const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking({"hvd_reduce_scatter", CollectiveKind::reduce_scatter,
                                           name, input, output, options, row_counts}));
}
hvd_status_t hvd_alltoall_async(const char* name, const hvd_tensor_t* input, const int64_t* splits,
                                const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_alltoall_async", CollectiveKind::alltoall, name, input, nullptr, options, splits},
      handle));
}
hvd_status_t hvd_gather_async(const char* name, const hvd_tensor_t* input,
                              const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_gather_async", CollectiveKind::gather, name, input, nullptr, options}, handle));
}
hvd_status_t hvd_scatter_async(const char* name, const hvd_tensor_t* input,
                               const int64_t* row_counts, const hvd_options_t* options,
                               hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_scatter_async", CollectiveKind::scatter, name, input, nullptr, options, row_counts},
      handle));
}

hvd_status_t hvd_send_async(const hvd_tensor_t* tensor, int32_t destination_rank, int32_t tag,
                            const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(
      hvd::submit_async({"hvd_send_async", CollectiveKind::send, nullptr, tensor, nullptr, options,
                         nullptr, hvd::Rank(destination_rank), tag},
                        handle));
}
hvd_status_t hvd_send(const hvd_tensor_t* tensor, int32_t destination_rank, int32_t tag,
                      const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_send", CollectiveKind::send, nullptr, tensor, nullptr, options,
                            nullptr, hvd::Rank(destination_rank), tag}));
}
hvd_status_t hvd_recv_async(const hvd_tensor_t* tensor, int32_t source_rank, int32_t tag,
                            const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async({"hvd_recv_async", CollectiveKind::recv, nullptr, tensor,
                                        nullptr, options, nullptr, hvd::Rank(source_rank), tag},
                                       handle));
}
hvd_status_t hvd_recv(const hvd_tensor_t* tensor, int32_t source_rank, int32_t tag,
                      const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_recv", CollectiveKind::recv, nullptr, tensor, nullptr, options,
                            nullptr, hvd::Rank(source_rank), tag}));
}

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
hvd_status_t hvd_alloc(size_t bytes, void** memory) {
  return hvd::report(hvd::allocate(bytes, memory));
}
hvd_status_t hvd_free(void* memory) { return hvd::report(hvd::release_memory(memory)); }

hvd_status_t hvd_release(hvd_handle_t handle) { return hvd::report(hvd::release(handle)); }

const char* hvd_last_error(void) { return hvd::last_error().message().c_str(); }
const char* hvd_last_error_tensor(void) { return hvd::last_error().tensor().c_str(); }
int hvd_last_error_rank(void) { return hvd::last_error().culprit_rank(); }

size_t hvd_info(char* buffer, size_t capacity) {
  const hvd::Result<std::shared_ptr<hvd::Runtime>> runtime = hvd::current();
  return hvd::copy_text(runtime.ok() ? (*runtime)->info_json() : "{\"initialized\":false}", buffer,
                        capacity);
}
size_t hvd_settings_text(const char* format, char* buffer, size_t capacity) {
  const bool markdown = format != nullptr && std::strcmp(format, "markdown") == 0;
  return hvd::copy_text(markdown ? hvd::settings_as_markdown() : hvd::settings_as_text(), buffer,
                        capacity);
}

}  // extern "C"
