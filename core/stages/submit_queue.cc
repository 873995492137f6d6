#include "core/stages/submit_queue.h"

#include <cmath>
#include <cstdint>

namespace hvd {
namespace {

Status wrong(const Request& request, const std::string& what) {
  return error(StatusCode::invalid_argument, collective_name(request.kind), " '", request.name,
               "': ", what)
      .about_tensor(request.name);
}

Status check_shape(const Request& request) {
  const Shape& shape = request.input.shape;
  if (!shape.countable()) {
    return wrong(request, str("shape ", shape.text(),
                              " has a negative dimension or more than 2^56 elements"));
  }
  if (shape.element_count() > 0 && request.input.data == nullptr) {
    return wrong(request, str("the tensor of shape ", shape.text(),
                              " has no memory: its data pointer is null"));
  }
  return ok_status();
}

// Then a schedule would read inputs that it has overwritten, on all ranks alike.
bool overlaps_partly(const Request& request) {
  const auto in = reinterpret_cast<std::uintptr_t>(request.input.data);
  const auto out = reinterpret_cast<std::uintptr_t>(request.output);
  const std::size_t bytes = request.input.byte_count();
  return in != out && in < out + bytes && out < in + bytes;
}

Status check_output(const Request& request) {
  if (request.output == nullptr && request.input.element_count() > 0) {
    return wrong(request, "there is no output: its data pointer is null");
  }
  if (overlaps_partly(request)) {
    return wrong(request,
                 "input and output overlap but are not the same memory. give the same pointer for "
                 "both, or memory of its own for each");
  }
  return ok_status();
}

Status check_allreduce(const Request& request) {
  if (request.op == ReduceOp::adasum) {
    return error(StatusCode::unsupported, "allreduce '", request.name,
                 "': adasum is not available in this version. use average or sum")
        .about_tensor(request.name);
  }
  if (!reduce_supported(request.op, request.input.dtype)) {
    return error(StatusCode::unsupported, "allreduce '", request.name,
                 "': ", reduce_op_name(request.op), " of ", dtype_name(request.input.dtype),
                 " is not supported. float32 float64 float16 bfloat16 int32 int64 have all "
                 "operations; int8 uint8 bool have sum and max")
        .about_tensor(request.name);
  }
  if (!std::isfinite(request.prescale) || !std::isfinite(request.postscale)) {
    return wrong(request, str("scale factors must be finite; prescale is ", request.prescale,
                              ", postscale is ", request.postscale));
  }
  return check_output(request);
}

}  // namespace

Status check_request(const Request& request, int rank_count) {
  if (request.name.empty() || request.name.size() > kNameBytesMax) {
    return error(StatusCode::invalid_argument, collective_name(request.kind), ": a name has 1 to ",
                 kNameBytesMax, " bytes; this one has ", request.name.size());
  }
  if (request.deadline < 0) {
    return wrong(request, str("a deadline is 0 (never) or above; this one is ",
                              seconds_from_nanos(request.deadline), " s"));
  }
  if (request.kind == CollectiveKind::barrier) {
    return ok_status();  // it carries no tensor, so there is nothing more to be wrong
  }
  HVD_TRY(check_shape(request));
  switch (request.kind) {
    case CollectiveKind::allreduce:
      return check_allreduce(request);
    case CollectiveKind::broadcast:
      if (request.root.value < 0 || request.root.value >= rank_count) {
        return wrong(request, str("root rank ", request.root, " is not one of the ranks 0 to ",
                                  rank_count - 1));
      }
      return check_output(request);
    case CollectiveKind::allgather:
      if (request.input.shape.dimension_count() == 0) {
        return wrong(request,
                     "a 0-dimensional tensor cannot be gathered: results are joined along the "
                     "first dimension. reshape it to one element");
      }
      return ok_status();
    case CollectiveKind::barrier:
      return ok_status();
    default:
      return error(StatusCode::unsupported, collective_name(request.kind), " '", request.name,
                   "': this version cannot negotiate it yet");
  }
}

Status SubmitQueue::submit(const OperationPtr& operation) {
  const Request& request = operation->request;
  MutexLock lock(mutex_);
  if (!closed_.ok()) {
    return closed_
        .in_context(str(collective_name(request.kind), " '", request.name, "' was not started"))
        .about_tensor(request.name);
  }
  if (!pending_names_.insert(request.name).second) {
    return wrong(request,
                 "an operation of this name is still pending on this rank; it stays valid. wait "
                 "for it first, or use another name");
  }
  queued_.push_back(operation);
  return ok_status();
}

void SubmitQueue::drain(std::vector<OperationPtr>& operations) {
  MutexLock lock(mutex_);
  operations.insert(operations.end(), queued_.begin(), queued_.end());
  queued_.clear();
}

bool SubmitQueue::empty() const {
  MutexLock lock(mutex_);
  return queued_.empty();
}

void SubmitQueue::forget_name(const std::string& name) {
  MutexLock lock(mutex_);
  pending_names_.erase(name);
}

void SubmitQueue::close(const Status& reason) {
  MutexLock lock(mutex_);
  if (closed_.ok()) {
    closed_ = reason;
  }
}

}  // namespace hvd
