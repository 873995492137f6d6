// core/vocabulary/request.h: what one rank asks for: one operation on one named tensor.
// Not here: what all ranks agreed on (work_item.h).
// Threads: values; built by the submitting thread, then owned by the coordinator.
// Limits: names up to kNameBytesMax.  Read next: work_item.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/vocabulary/collective.h"
#include "core/vocabulary/rank.h"
#include "core/vocabulary/reduce_op.h"
#include "core/vocabulary/tensor_ref.h"

namespace hvd {

inline constexpr std::size_t kNameBytesMax = 1024;
// Tensors of one grouped operation. It is announced in one message, which has to fit.
inline constexpr std::size_t kGroupTensorsMax = 65536;

// Names of point-to-point operations begin with this; no other name may.
inline constexpr std::string_view kPointToPointPrefix = "p2p ";

struct Request {
  CollectiveKind kind = CollectiveKind::barrier;
  std::string name;
  // What this rank gives. recv: no data, but the shape and dtype that it expects. scatter: of the
  // root only.
  TensorRef input;
  // allreduce, and reduce on the root: of the input's shape, may be the same memory. broadcast: the
  // input. reduce_scatter: this rank's rows, no memory of the input. recv: of the shape that input
  // says. The others, whose size all ranks decide together: null, and the runtime allocates it when
  // it knows; or what the caller gives, of output_shape and output_dtype.
  std::byte* output = nullptr;
  Shape output_shape;  // makes_result() only; no dimension: none is given
  DType output_dtype = DType::float32;
  ReduceOp op = ReduceOp::sum;
  Rank root = kRoot;
  double prescale = 1.0;
  double postscale = 1.0;
  Nanos deadline = 0;  // time from submission until the operation is an error; 0 means never
  // Rows of the input's first dimension for each rank: reduce_scatter, alltoall, scatter (of the
  // root). Empty: equal parts; in reduce_scatter and scatter the first ranks take what is left.
  std::vector<std::int64_t> splits;
  Rank peer = {};  // send, recv: the other rank
  // Input and output lie in memory that the ranks of this host all reach; where only the input is
  // wanted, that they may read.
  bool within_reach = false;
  // The n-th operation of its kind that was given no name, from 1; 0: it has one. The name ends in
  // the same number less one.
  std::uint64_t unnamed = 0;
};

// Where the runtime would make a result: whether the caller gave memory for it.
inline bool gives_output(const Request& request) {
  return makes_result(request.kind) && request.output_shape.dimension_count() > 0;
}

// Rows of a rank if `rows` are dealt out evenly; the first ranks have one more where they must.
std::int64_t even_share(std::int64_t rows, Rank rank, int rank_count);
// How many rows go to the rank: as the request's splits say, or evenly.
std::int64_t split_of(const Request& request, Rank rank, int rank_count);

// "p2p 0>1 tag 7 #2": the third message of rank 0 to rank 1 with this tag. Sender and receiver
// count for themselves, so that messages of one tag match in their order.
std::string point_to_point_name(Rank source, Rank destination, std::int32_t tag,
                                std::uint64_t sequence);

}  // namespace hvd
