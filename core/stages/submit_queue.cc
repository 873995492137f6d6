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
  if (has_counts(request.kind) && shape.dimension_count() == 0) {
    return wrong(request,
                 str("a 0-dimensional tensor has no rows, and ", collective_name(request.kind),
                     " deals with rows of the first dimension. reshape it to one element"));
  }
  if (shape.element_count() > 0 && request.kind != CollectiveKind::recv &&
      request.input.data == nullptr) {
    return wrong(request, str("the tensor of shape ", shape.text(),
                              " has no memory: its data pointer is null"));
  }
  return ok_status();
}

struct Piece {
  const std::byte* begin;
  std::size_t bytes;
};

bool overlap(const Piece& a, const Piece& b) {
  const auto a_begin = reinterpret_cast<std::uintptr_t>(a.begin);
  const auto b_begin = reinterpret_cast<std::uintptr_t>(b.begin);
  return a_begin < b_begin + b.bytes && b_begin < a_begin + a.bytes;
}

// An output of `element_count`. An input that a schedule has overwritten before it reads it would
// be wrong on all ranks alike.
Status check_output(const Request& request, std::size_t element_count, bool may_be_input) {
  const Piece input{request.input.data, request.input.byte_count()};
  const Piece output{request.output, element_count * dtype_bytes(request.input.dtype)};
  if (output.begin == nullptr && output.bytes > 0) {
    return wrong(request, "there is no output: its data pointer is null");
  }
  const bool in_place = may_be_input && input.begin == output.begin;
  if (in_place || input.bytes == 0 || output.bytes == 0 || !overlap(input, output)) {
    return ok_status();
  }
  return wrong(request,
               may_be_input
                   ? "input and output overlap but are not the same memory. give the same pointer "
                     "for both, or memory of its own for each"
                   : "input and output overlap. give each memory of its own");
}

// Memory for a result whose first dimension all ranks decide together; whether that is the
// output's is seen when it is known (dispatcher.cc). A scatter's shape only its root knows.
Status check_given_output(const Request& request, bool describes_input) {
  const Shape& shape = request.output_shape;
  if (!gives_output(request)) {
    return ok_status();
  }
  if (!shape.countable()) {
    return wrong(request, str("output: shape ", shape.text(),
                              " has a negative dimension or more than 2^56 elements"));
  }
  const Piece output{request.output, shape.element_count() * dtype_bytes(request.output_dtype)};
  if (output.begin == nullptr && output.bytes > 0) {
    return wrong(request, "there is no output: its data pointer is null");
  }
  if (!describes_input) {
    return ok_status();
  }
  Shape expected = request.input.shape;
  expected.set(0, shape[0]);
  if (!(shape == expected) || request.output_dtype != request.input.dtype) {
    return wrong(request, str("output is ", dtype_name(request.output_dtype), " ", shape.text(),
                              " but must be ", dtype_name(request.input.dtype), " ",
                              expected.text(), " for an input of ", request.input.shape.text(),
                              "; only the first dimension may differ"));
  }
  const Piece input{request.input.data, request.input.byte_count()};
  if (input.bytes == 0 || output.bytes == 0 || !overlap(input, output)) {
    return ok_status();
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(input.begin);
  const auto place = reinterpret_cast<std::uintptr_t>(output.begin);
  const bool is_inside = begin >= place && begin + input.bytes <= place + output.bytes;
  if (request.kind == CollectiveKind::allgather && is_inside) {
    return ok_status();
  }
  return wrong(request, request.kind == CollectiveKind::allgather
                            ? "input and output overlap. give each memory of its own, or an input "
                              "that lies in the output where this rank's rows are to be"
                            : "input and output overlap. give each memory of its own");
}

std::string dtypes_of(ReduceOp op) {
  std::string names;
  for (int number = 0; number < kDTypeCount; ++number) {
    const auto dtype = static_cast<DType>(number);
    if (reduce_supported(op, dtype)) {
      names += str(names.empty() ? "" : " ", dtype_name(dtype));
    }
  }
  return names.empty() ? "no dtype in this version" : names;
}

Status check_reduction(const Request& request) {
  const bool only_allreduce =
      request.op == ReduceOp::adasum && request.kind != CollectiveKind::allreduce;
  if (only_allreduce || !reduce_supported(request.op, request.input.dtype)) {
    return error(StatusCode::unsupported, collective_name(request.kind), " '", request.name,
                 "': ", reduce_op_name(request.op), " of ", dtype_name(request.input.dtype),
                 " is not supported. ", reduce_op_name(request.op),
                 only_allreduce ? " exists as an allreduce only" : " is there for: ",
                 only_allreduce ? "" : dtypes_of(request.op))
        .about_tensor(request.name);
  }
  if (!std::isfinite(request.prescale) || !std::isfinite(request.postscale)) {
    return wrong(request, str("scale factors must be finite; prescale is ", request.prescale,
                              ", postscale is ", request.postscale));
  }
  return ok_status();
}

Status check_scale(const Request& request) {
  if (request.prescale == 1.0 && request.postscale == 1.0) {
    return ok_status();
  }
  return wrong(request, str("prescale is ", request.prescale, ", postscale ", request.postscale,
                            "; only reductions have scale factors"));
}

// Rows for each rank, where they are given.
Status check_splits(const Request& request, int rank_count) {
  const std::int64_t rows = request.input.shape[0];
  const bool all_rows = request.kind != CollectiveKind::alltoall;
  const char* const argument = all_rows ? "splits (hvd.h: row_counts)" : "splits";
  if (request.splits.empty()) {
    if (all_rows || rows % rank_count == 0) {
      return ok_status();
    }
    return wrong(request, str("the first dimension is ", rows, ", which ", rank_count,
                              " ranks cannot share evenly. give splits, one a rank"));
  }
  if (request.splits.size() != static_cast<std::size_t>(rank_count)) {
    return wrong(request, str(argument, " has ", request.splits.size(),
                              " entries; one for each of the ", rank_count, " ranks is needed"));
  }
  std::int64_t sum = 0;
  for (std::size_t rank = 0; rank < request.splits.size(); ++rank) {
    if (request.splits[rank] < 0 || __builtin_add_overflow(sum, request.splits[rank], &sum)) {
      return wrong(request, str(argument, ": ", request.splits[rank], " rows for rank ", rank,
                                "; counts are 0 or above and their sum fits in 63 bits"));
    }
  }
  if (all_rows ? sum == rows : sum <= rows) {
    return ok_status();
  }
  return wrong(request, str("the sum of ", argument, " is ", sum, ", but the first dimension is ",
                            rows, all_rows ? "; they must be equal" : "; it may not be larger"));
}

Status check_rank(const Request& request, const char* argument, Rank rank, int rank_count) {
  if (rank.value >= 0 && rank.value < rank_count) {
    return ok_status();
  }
  return wrong(request,
               str(argument, " rank ", rank, " is not one of the ranks 0 to ", rank_count - 1));
}

Status check_name(const Request& request) {
  if (request.name.empty() || request.name.size() > kNameBytesMax) {
    return error(StatusCode::invalid_argument, collective_name(request.kind), ": a name has 1 to ",
                 kNameBytesMax, " bytes; this one has ", request.name.size());
  }
  if (request.name.starts_with(kPointToPointPrefix) != is_point_to_point(request.kind)) {
    return wrong(request, str("names that begin with '", kPointToPointPrefix,
                              "' belong to send and recv, which have no others. use another name"));
  }
  return ok_status();
}

Status check_peer(const Request& request, Rank self, int rank_count) {
  HVD_TRY(check_rank(request, request.kind == CollectiveKind::send ? "destination" : "source",
                     request.peer, rank_count));
  if (request.peer == self) {
    return wrong(request, str("rank ", self,
                              " cannot exchange a message with itself. copy the "
                              "memory instead"));
  }
  return ok_status();
}

// What only this kind can have wrong.
Status check_kind(const Request& request, Rank self, int rank_count) {
  const std::size_t element_count = request.input.element_count();
  switch (request.kind) {
    case CollectiveKind::allreduce:
    case CollectiveKind::broadcast:
      return check_output(request, element_count, true);
    case CollectiveKind::reduce:
      return self == request.root ? check_output(request, element_count, true) : ok_status();
    case CollectiveKind::reduce_scatter: {
      HVD_TRY(check_splits(request, rank_count));
      const auto rows = static_cast<std::size_t>(split_of(request, self, rank_count));
      return check_output(request, rows * request.input.shape.row_element_count(), false);
    }
    case CollectiveKind::alltoall:
    case CollectiveKind::scatter:
      return check_splits(request, rank_count);
    case CollectiveKind::recv:
      return check_output(request, element_count, false);
    case CollectiveKind::send:
    case CollectiveKind::allgather:
    case CollectiveKind::gather:
    case CollectiveKind::barrier:
      return ok_status();
  }
  return ok_status();
}

}  // namespace

Status check_request(const Request& request, Rank self, int rank_count) {
  HVD_TRY(check_name(request));
  if (request.deadline < 0) {
    return wrong(request, str("a deadline is 0 (never) or above; this one is ",
                              seconds_from_nanos(request.deadline), " s"));
  }
  if (has_root(request.kind)) {
    HVD_TRY(check_rank(request, "root", request.root, rank_count));
  }
  if (is_point_to_point(request.kind)) {
    HVD_TRY(check_peer(request, self, rank_count));
  }
  HVD_TRY(reduces(request.kind) ? check_reduction(request) : check_scale(request));
  const bool describes = request.kind != CollectiveKind::barrier &&
                         (request.kind != CollectiveKind::scatter || self == request.root);
  if (!describes) {
    return check_given_output(request, false);  // it carries no tensor
  }
  HVD_TRY(check_shape(request));
  HVD_TRY(check_given_output(request, true));
  return check_kind(request, self, rank_count);
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
  if (const auto at = pending_names_.find(name); at != pending_names_.end()) {
    pending_names_.erase(at);
  }
}

void SubmitQueue::close(const Status& reason) {
  MutexLock lock(mutex_);
  if (closed_.ok()) {
    closed_ = reason;
  }
}

}  // namespace hvd
