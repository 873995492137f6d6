#include "core/stages/dispatcher.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

void fill_segments(const AgreedGroup& group, WorkItem& item) {
  item.segments.reserve(group.operations.size());
  for (const OperationPtr& operation : group.operations) {
    const Request& request = operation->request;
    item.segments.push_back({request.input.data, request.output, request.input.element_count()});
  }
}

// The root fuses only what goes together; this pairs with it, for the answer came over a wire and
// one dtype and one operation will be applied to all of the group's memory.
Status check_fits_together(const AgreedGroup& group) {
  const Request& first = group.operations.front()->request;
  const bool alone =
      first.kind == CollectiveKind::allgather || first.kind == CollectiveKind::barrier;
  for (const OperationPtr& operation : group.operations) {
    const Request& other = operation->request;
    const bool one_reduction = other.op == first.op && other.prescale == first.prescale &&
                               other.postscale == first.postscale;
    const bool fits = other.kind == first.kind && other.input.dtype == first.input.dtype &&
                      (first.kind != CollectiveKind::allreduce || one_reduction) &&
                      (first.kind != CollectiveKind::broadcast || other.root == first.root);
    if (!fits || (alone && group.operations.size() > 1)) {
      return error(StatusCode::internal, "the root answered '", first.name, "' and '", other.name,
                   "' as one group, which they cannot be");
    }
  }
  return ok_status();
}

}  // namespace

Status Dispatcher::start(AgreedGroup& group) {
  HVD_TRY(check_fits_together(group));
  const Request& first = group.operations.front()->request;
  WorkItem item;
  item.id = next_id_++;
  item.kind = first.kind;
  item.dtype = first.input.dtype;
  item.choice = group.answer.choice;
  item.label = first.name;
  if (first.kind == CollectiveKind::allreduce) {
    const bool average = first.op == ReduceOp::average;
    item.op = average ? ReduceOp::sum : first.op;
    item.prescale = first.prescale;
    item.postscale = average ? first.postscale / rank_count_ : first.postscale;
  }
  if (first.kind == CollectiveKind::broadcast) {
    item.root = first.root;
  }
  if (first.kind == CollectiveKind::allgather) {
    HVD_TRY(fill_allgather(group, item));
  } else if (first.kind != CollectiveKind::barrier) {
    fill_segments(group, item);
  }
  running_.emplace(item.id, std::move(group.operations));
  data_plane_.start(std::move(item));
  return ok_status();
}

Status Dispatcher::fill_allgather(const AgreedGroup& group, WorkItem& item) const {
  Operation& operation = *group.operations.front();
  const TensorRef& input = operation.request.input;
  if (group.answer.gather_rows.size() != static_cast<std::size_t>(rank_count_) ||
      group.answer.gather_rows[rank_.index()] != input.shape[0]) {
    return error(StatusCode::internal, "allgather '", operation.request.name,
                 "': the answer does not give this rank's ", input.shape[0], " rows");
  }
  // The root checked the sum already; this pairs with it, for the answer came over a wire.
  std::int64_t rows = 0;
  operation.gathered_shape = input.shape;
  for (const std::int64_t count : group.answer.gather_rows) {
    if (__builtin_add_overflow(rows, count, &rows)) {
      rows = -1;
      break;
    }
  }
  operation.gathered_shape.set(0, rows);
  if (!operation.gathered_shape.countable()) {
    return error(StatusCode::internal, "allgather '", operation.request.name,
                 "': the answer's rows are more than 2^56 elements");
  }
  for (const std::int64_t count : group.answer.gather_rows) {
    item.counts.push_back(static_cast<std::size_t>(count) * input.shape.row_element_count());
  }
  const std::size_t bytes = operation.gathered_shape.element_count() * dtype_bytes(input.dtype);
  operation.gathered.reset(static_cast<std::byte*>(std::malloc(std::max<std::size_t>(bytes, 1))));
  if (operation.gathered == nullptr) {
    return error(StatusCode::resource, "allgather '", operation.request.name, "': rank ", rank_,
                 " has no memory for the result of ", bytes, " bytes");
  }
  item.segments.push_back({input.data, operation.gathered.get(), input.element_count()});
  return ok_status();
}

bool Dispatcher::take_finished(std::vector<Outcome>& finished) {
  WorkCompletion completion;
  bool any = false;
  while (data_plane_.take_completion(completion)) {
    const auto at = running_.find(completion.work_id);
    HVD_CHECK(at != running_.end());
    for (OperationPtr& operation : at->second) {
      Status status = completion.status.about_tensor(operation->request.name);
      finished.push_back({std::move(operation), std::move(status)});
    }
    running_.erase(at);
    any = true;
  }
  return any;
}

}  // namespace hvd
