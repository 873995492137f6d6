#include "collectives/generators/point_to_point.h"

#include "collectives/generators/blocks.h"

namespace hvd {

Schedule make_send(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::send, params);
  const Block all{0, params.element_count};
  for (std::uint64_t k = 0; k < chunk_count_of(all, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(all, params.chunk_element_count, k);
    builder.send(params.peer, at_input(chunk.offset), chunk.count);
  }
  return builder.take();
}

Schedule make_recv(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::recv, params);
  const Block all{0, params.element_count};
  for (std::uint64_t k = 0; k < chunk_count_of(all, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(all, params.chunk_element_count, k);
    builder.recv(params.peer, at_output(chunk.offset), chunk.count);
  }
  return builder.take();
}

}  // namespace hvd
