#include "core/stages/grouped.h"

#include <algorithm>
#include <utility>

#include "core/base/str.h"
#include "core/stages/submit_queue.h"

namespace hvd {
namespace {

Status wrong(const Request& request, const std::string& what) {
  return error(StatusCode::invalid_argument, collective_name(request.kind), " '", request.name,
               "': ", what)
      .about_tensor(request.name);
}

struct Piece {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::size_t tensor;
  bool written;
};

void add_piece(const std::byte* memory, std::size_t bytes, std::size_t tensor, bool written,
               std::vector<Piece>& pieces) {
  if (memory != nullptr && bytes > 0) {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    pieces.push_back({begin, begin + bytes, tensor, written});
  }
}

std::vector<Piece> pieces_of(const Operation& operation, Rank self, int rank_count) {
  std::vector<Piece> pieces;
  pieces.reserve(2 * operation.members.size());
  for (std::size_t i = 0; i < operation.members.size(); ++i) {
    const Request& request = operation.members[i].request;
    const TensorRef& input = request.input;
    add_piece(input.data, input.byte_count(), i, false, pieces);
    std::size_t bytes = 0;
    if (request.kind == CollectiveKind::allreduce) {
      bytes = input.byte_count();
    } else if (request.kind == CollectiveKind::reduce_scatter) {
      bytes = static_cast<std::size_t>(split_of(request, self, rank_count)) *
              input.shape.row_element_count() * dtype_bytes(input.dtype);
    } else if (gives_output(request)) {
      bytes = request.output_shape.element_count() * dtype_bytes(request.output_dtype);
    }
    add_piece(request.output, bytes, i, true, pieces);
  }
  return pieces;
}

Status check_apart(const Operation& operation, Rank self, int rank_count) {
  std::vector<Piece> pieces = pieces_of(operation, self, rank_count);
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  // What reaches furthest so far, and what of it is written.
  const Piece* furthest = nullptr;
  const Piece* furthest_written = nullptr;
  const auto clash = [](const Piece* before, const Piece& piece) {
    return before != nullptr && before->tensor != piece.tensor && piece.begin < before->end;
  };
  for (const Piece& piece : pieces) {
    const Piece* other = clash(furthest_written, piece)            ? furthest_written
                         : piece.written && clash(furthest, piece) ? furthest
                                                                   : nullptr;
    if (other != nullptr) {
      const auto [first, second] = std::minmax(other->tensor, piece.tensor);
      return wrong(operation.request,
                   str("tensors ", first + 1, " and ", second + 1, " of ", operation.members.size(),
                       " share memory that is written. give each memory of its own"));
    }
    if (furthest == nullptr || piece.end > furthest->end) {
      furthest = &piece;
    }
    if (piece.written && (furthest_written == nullptr || piece.end > furthest_written->end)) {
      furthest_written = &piece;
    }
  }
  return ok_status();
}

Request member_request(const Request& whole, const std::vector<GroupTensor>& tensors,
                       std::size_t index) {
  Request request;
  request.kind = whole.kind;
  request.name = str(whole.name, "_", index + 1, "of", tensors.size());
  request.input = tensors[index].input;
  request.output = tensors[index].output;
  request.output_shape = tensors[index].output_shape;
  request.output_dtype = tensors[index].output_dtype;
  request.op = whole.op;
  request.prescale = whole.prescale;
  request.postscale = whole.postscale;
  request.deadline = whole.deadline;
  request.within_reach = tensors[index].within_reach;
  return request;
}

}  // namespace

OperationPtr grouped_operation(Request whole, const std::vector<GroupTensor>& tensors) {
  OperationPtr operation = std::make_shared<Operation>();
  operation->members = std::vector<Operation>(tensors.size());
  operation->unfinished_count = tensors.size();
  operation->unstarted_count = tensors.size();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    operation->members[i].request = member_request(whole, tensors, i);
    operation->members[i].whole = operation.get();
  }
  operation->request = std::move(whole);
  return operation;
}

Status check_group(const Operation& operation, Rank self, int rank_count) {
  const Request& whole = operation.request;
  const std::size_t count = operation.members.size();
  if (!may_be_grouped(whole.kind)) {
    return wrong(whole, "only allreduce, allgather and reduce-scatter have a grouped form");
  }
  if (whole.name.empty()) {  // one that is too long is so in its members too
    return wrong(whole, str("a name has 1 to ", kNameBytesMax, " bytes; this one has 0"));
  }
  if (count == 0 || count > kGroupTensorsMax) {
    return wrong(whole,
                 str("a group has 1 to ", kGroupTensorsMax, " tensors; this one has ", count));
  }
  if (!whole.splits.empty()) {
    return wrong(whole, "the rows of a group are shared evenly; it has no splits");
  }
  std::uint64_t element_count = 0;
  for (const Operation& member : operation.members) {
    HVD_TRY(check_request(member.request, self, rank_count));
    element_count += member.request.input.element_count();
    if (element_count > std::uint64_t{1} << 56) {
      return wrong(whole, "together the tensors have more than 2^56 elements");
    }
  }
  return check_apart(operation, self, rank_count);
}

}  // namespace hvd
