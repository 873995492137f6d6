#include "bindings/c/call.h"

#include <memory>
#include <utility>
#include <vector>

#include "bindings/c/process.h"
#include "bindings/c/runtime.h"
#include "bindings/c/translate.h"

namespace hvd {
namespace {

// Optional where the runtime makes the result; a blocking call has no other way to give it.
Status take_result_memory(const Call& call, const Runtime& runtime, Request& request) {
  if (call.kind == CollectiveKind::gather && request.root != runtime.rank()) {
    return ok_status();  // nothing comes here
  }
  if (call.output == nullptr) {
    return call.blocks
               ? error(StatusCode::invalid_argument, call.function, ": output is NULL; only ",
                       call.function, "_async gives a result in memory of its own")
               : ok_status();
  }
  HVD_ASSIGN(const TensorRef output, rows_output_from_c(call.output, call.function, "output"));
  request.output = output.data;
  request.output_shape = output.shape;
  request.output_dtype = output.dtype;
  return ok_status();
}

std::vector<std::int64_t> splits_of(const Call& call, const Runtime& runtime) {
  return call.splits == nullptr
             ? std::vector<std::int64_t>()
             : std::vector<std::int64_t>(call.splits, call.splits + runtime.size());
}

// A result of the input's shape, but for the rows of a reduce-scatter.
Status take_output(const Call& call, Request& request, const Shape& expected) {
  HVD_ASSIGN(request.output,
             output_from_c(call.output, call.function, "output", request.input, expected));
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
      request.splits = splits_of(call, runtime);
      return ok_status();
    case CollectiveKind::reduce_scatter: {
      request.splits = splits_of(call, runtime);
      Shape expected = request.input.shape;
      if (expected.dimension_count() == 0 || expected[0] < 0) {
        return ok_status();  // has no rows: runtime.check says so
      }
      const std::int64_t rows = split_of(request, runtime.rank(), runtime.size());
      if (rows < 0) {
        return ok_status();  // nor do negative counts give any
      }
      expected.set(0, rows);
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
  runtime.name_unnamed(request);
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
  if (makes_result(call.kind)) {
    HVD_TRY(take_result_memory(call, runtime, request));
  }
  HVD_TRY(give_name(call, runtime, request));
  return asked;
}

}  // namespace

Status submit_async(const Call& call, hvd_handle_t* handle) {
  if (handle == nullptr) {
    return error(StatusCode::invalid_argument, call.function, ": handle is NULL");
  }
  HVD_ASSIGN(const std::shared_ptr<Runtime> runtime, current(), call.function);
  HVD_ASSIGN(Asked asked, ask(call, *runtime));
  HVD_ASSIGN(const OperationPtr operation, runtime->submit(std::move(asked.request)));
  *handle = let_go(*runtime, *operation, asked.wait_at_once);
  return ok_status();
}

Status submit_blocking(Call call) {
  call.blocks = true;
  HVD_ASSIGN(const std::shared_ptr<Runtime> runtime, current(), call.function);
  HVD_ASSIGN(Asked asked, ask(call, *runtime));
  HVD_ASSIGN(const OperationPtr operation, runtime->submit(std::move(asked.request)));
  return see_through(*runtime, *operation);
}

hvd_handle_t let_go(Runtime& runtime, const Operation& operation, bool wait_at_once) {
  if (!wait_at_once) {
    runtime.submitted();
  }
  return operation.handle;
}

// Nobody rings: the calling thread drives the operation itself.
Status see_through(Runtime& runtime, const Operation& operation) {
  while (runtime.wait(operation, kNever) != WaitOutcome::done) {
    // A signal; its handler has run. The operation cannot be taken back, so wait on.
  }
  runtime.handles().release(operation.handle);
  return operation.status;
}

}  // namespace hvd
