#include "core/stages/dispatcher.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/str.h"

namespace hvd {
namespace {

void fill_reduction(const Request& request, int rank_count, WorkItem& item) {
  const bool average = request.op == ReduceOp::average;
  item.op = average ? ReduceOp::sum : request.op;
  item.prescale = request.prescale;
  item.postscale = average ? request.postscale / rank_count : request.postscale;
}

bool one_reduction(const Request& a, const Request& b) {
  return a.op == b.op && a.op != ReduceOp::premultiplied_sum && a.op != ReduceOp::adasum &&
         a.prescale == b.prescale && a.postscale == b.postscale;
}

bool travel_together(const Request& a, const Request& b) {
  if (a.kind != b.kind || a.input.dtype != b.input.dtype) {
    return false;
  }
  switch (a.kind) {
    case CollectiveKind::allreduce:
      return one_reduction(a, b);
    case CollectiveKind::broadcast:
      return a.root == b.root;
    case CollectiveKind::reduce:
      return a.root == b.root && one_reduction(a, b);
    default:
      return false;
  }
}

// The root fuses only what goes together; this pairs with it, for the answer came over a wire and
// one dtype and one operation will be applied to all of the group's memory.
Status check_fits_together(const AgreedGroup& group) {
  const Request& first = group.operations.front()->request;
  for (std::size_t i = 1; i < group.operations.size(); ++i) {
    const Request& other = group.operations[i]->request;
    if (!travel_together(first, other)) {
      return error(StatusCode::internal, "the root answered '", first.name, "' and '", other.name,
                   "' as one group, which they cannot be");
    }
  }
  return ok_status();
}

// Of all `rows`; false: more than 2^56 elements, whatever the row is.
bool add_up(const std::vector<std::int64_t>& rows, std::int64_t& sum) {
  sum = 0;
  for (const std::int64_t count : rows) {
    if (count < 0 || __builtin_add_overflow(sum, count, &sum)) {
      return false;
    }
  }
  return sum <= std::int64_t{1} << 56;
}

// Of the ranks before `rank`.
std::size_t first_rows(const std::vector<std::int64_t>& rows, Rank rank) {
  std::size_t sum = 0;
  for (std::size_t before = 0; before < rank.index(); ++before) {
    sum += static_cast<std::size_t>(rows[before]);
  }
  return sum;
}

// Of the output that the request gave; submit_queue.cc has checked what was known then. Of an
// allgather's input it let through what lies within the output, where only one place is right:
// this rank's own, `own_place` bytes behind its beginning.
Status check_given_output(const Operation& operation, std::size_t own_place) {
  const Request& request = operation.request;
  const auto fault = [&](const std::string& what) {
    return error(StatusCode::mismatch, collective_name(request.kind), " '", request.name,
                 "': output is ", dtype_name(request.output_dtype), " ",
                 request.output_shape.text(), ", but ", what,
                 ". give an output of what comes, or none; what came is in memory of its own, and "
                 "the other ranks have theirs")
        .about_tensor(request.name);
  };
  if (!(request.output_shape == operation.result_shape) ||
      request.output_dtype != operation.result_dtype) {
    return fault(str("what came is ", dtype_name(operation.result_dtype), " ",
                     operation.result_shape.text()));
  }
  const auto input = reinterpret_cast<std::uintptr_t>(request.input.data);
  const auto output = reinterpret_cast<std::uintptr_t>(request.output);
  const bool lies_inside =
      request.kind == CollectiveKind::allgather && input >= output &&
      input - output < operation.result_shape.element_count() * dtype_bytes(operation.result_dtype);
  if (lies_inside && request.input.byte_count() > 0 && input - output != own_place) {
    return fault(str("the input lies in it ", input - output, " bytes from its beginning, where ",
                     own_place, " would be this rank's own rows"));
  }
  return ok_status();
}

std::uint64_t key_of(WorkStream stream, std::uint64_t id) {
  return id * kWorkStreamCount + static_cast<std::uint64_t>(stream);
}

}  // namespace

Status Dispatcher::start(AgreedGroup& group) {
  HVD_TRY(check_fits_together(group));
  const Request& first = group.operations.front()->request;
  std::uint64_t& next_id = next_ids_[static_cast<std::size_t>(group.stream)];
  if (group.item < next_id) {
    return error(StatusCode::internal, "the root answered '", first.name, "' as item ", group.item,
                 " after item ", next_id - 1);
  }
  WorkItem item = std::move(spent_);
  begin(group, item);
  if (has_counts(first.kind)) {
    HVD_TRY(fill_counts(group, item));
  } else {
    fill(group, item);
  }
  next_id = item.id + 1;
  running_.insert(key_of(item.stream, item.id)).first->second.swap(group.operations);
  data_plane_.start(std::move(item));
  return ok_status();
}

// In the memory of one that has gone.
void Dispatcher::begin(const AgreedGroup& group, WorkItem& item) const {
  const Request& first = group.operations.front()->request;
  item.group = nullptr;
  item.id = group.item;
  item.stream = group.stream;
  item.kind = first.kind;
  item.dtype = first.input.dtype;
  item.op = ReduceOp::sum;
  item.root = has_root(first.kind) ? first.root : kRoot;
  item.prescale = 1.0;
  item.postscale = 1.0;
  item.choice = group.answer->choice;
  item.segments.clear();
  item.counts.clear();
  item.send_counts.clear();
  item.peer = is_point_to_point(first.kind) ? first.peer : Rank();
  item.label = first.name;
}

// What has no counts: a segment for each tensor.
void Dispatcher::fill(const AgreedGroup& group, WorkItem& item) const {
  const Request& first = group.operations.front()->request;
  if (reduces(item.kind)) {
    fill_reduction(first, rank_count_, item);
  }
  if (item.kind == CollectiveKind::barrier) {
    return;
  }
  item.segments.reserve(group.operations.size());
  for (const OperationPtr& operation : group.operations) {
    const Request& request = operation->request;
    const bool writes = item.kind != CollectiveKind::send &&
                        (item.kind != CollectiveKind::reduce || item.root == rank_);
    item.segments.push_back({item.kind == CollectiveKind::recv ? nullptr : request.input.data,
                             writes ? request.output : nullptr, request.input.element_count()});
  }
}

Status Dispatcher::bad_rows(const Request& request) const {
  return error(StatusCode::internal, collective_name(request.kind), " '", request.name,
               "': the answer's rows do not fit this rank's tensor of shape ",
               request.input.shape.text(), ", or are more than 2^56 elements");
}

// One segment, and elements per rank. The root checked the rows already; this pairs with it, for
// the answer came over a wire.
Status Dispatcher::fill_counts(const AgreedGroup& group, WorkItem& item) const {
  Operation& operation = *group.operations.front();
  const Request& request = operation.request;
  const bool scatters = item.kind == CollectiveKind::scatter;
  const Shape& shape = scatters ? group.answer->shape : request.input.shape;
  const std::vector<std::int64_t>& rows = group.answer->rows;
  std::int64_t sum = 0;
  if (rows.size() != static_cast<std::size_t>(rank_count_) || shape.dimension_count() == 0 ||
      !add_up(rows, sum)) {
    return bad_rows(request);
  }
  const bool gathers =
      item.kind == CollectiveKind::allgather || item.kind == CollectiveKind::gather;
  const bool deals =
      item.kind == CollectiveKind::reduce_scatter || (scatters && rank_ == item.root);
  Shape whole = shape;
  whole.set(0, sum);
  if ((gathers && rows[rank_.index()] != shape[0]) ||
      (deals && (sum != request.input.shape[0] ||
                 rows[rank_.index()] != split_of(request, rank_, rank_count_))) ||
      !whole.countable()) {
    return bad_rows(request);
  }
  const std::size_t row_elements = shape.row_element_count();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    item.counts.push_back(static_cast<std::size_t>(rows[r]) * row_elements);
    if (item.kind == CollectiveKind::alltoall) {
      item.send_counts.push_back(static_cast<std::size_t>(split_of(request, Rank(r), rank_count_)) *
                                 row_elements);
    }
  }
  std::byte* output = request.output;
  if (item.kind == CollectiveKind::reduce_scatter) {
    fill_reduction(request, rank_count_, item);
  } else {
    item.dtype = scatters ? group.answer->dtype : item.dtype;
    operation.result_dtype = item.dtype;
    operation.result_shape = whole;
    operation.result_shape.set(0, scatters                                    ? rows[rank_.index()]
                                  : has_root(item.kind) && item.root != rank_ ? 0
                                                                              : sum);
    const bool has_none = has_root(item.kind) && gathers && item.root != rank_;
    HVD_ASSIGN(output, place_result(operation, first_rows(rows, rank_) * row_elements *
                                                   dtype_bytes(operation.result_dtype)));
    output = has_none ? nullptr : output;
  }
  if (item.kind == CollectiveKind::alltoall) {
    operation.received_splits = rows;
  }
  const bool reads = !scatters || item.root == rank_;
  item.segments.push_back(
      {reads ? request.input.data : nullptr, output, reads ? request.input.element_count() : 0});
  return ok_status();
}

// What the caller gave, or memory of the runtime's own: the other ranks start, whatever was given
// here.
Result<std::byte*> Dispatcher::place_result(Operation& operation, std::size_t own_place) const {
  const Request& request = operation.request;
  const std::size_t bytes =
      operation.result_shape.element_count() * dtype_bytes(operation.result_dtype);
  if (gives_output(request)) {
    operation.output_fault = check_given_output(operation, own_place);
    if (operation.output_fault.ok()) {
      return request.output;
    }
  }
  operation.result = results_->take(bytes);
  if (operation.result == nullptr) {
    return error(StatusCode::resource, collective_name(request.kind), " '", request.name,
                 "': rank ", rank_, " has no memory for the result of ", bytes,
                 " bytes. limits: RLIMIT_AS (ulimit -v), its control group's, the machine's. raise "
                 "them, or take fewer rows at a time");
  }
  return operation.result.get();
}

bool Dispatcher::take_finished(std::vector<Outcome>& finished) {
  bool any = false;
  while (data_plane_.take_completion(completion_)) {
    spent_ = std::move(completion_.spent);
    const auto at = running_.find(key_of(completion_.stream, completion_.work_id));
    HVD_CHECK(at != running_.end());
    for (OperationPtr& operation : at->second) {
      Status status = completion_.status;
      if (!status.ok()) {
        status = status.about_tensor(operation->request.name);
      }
      operation->result_is_whole = status.ok();
      if (status.ok()) {
        status = operation->output_fault;
      }
      finished.push_back({std::move(operation), std::move(status)});
    }
    at->second.clear();
    running_.erase(at);
    any = true;
  }
  return any;
}

}  // namespace hvd
