#include "collectives/generators/tree_broadcast.h"

#include "collectives/generators/blocks.h"
#include "collectives/generators/tree.h"

namespace hvd {
namespace {

Schedule make_broadcast(const ScheduleParams& params, const TreePlace& tree) {
  ScheduleBuilder builder(CollectiveKind::broadcast, params);
  const bool is_root = params.rank == params.root;
  const BufferKind source = is_root ? BufferKind::input : BufferKind::output;
  const Block all{0, params.element_count};
  const std::uint64_t chunk_count = chunk_count_of(all, params.chunk_element_count);
  for (std::uint64_t k = 0; k < chunk_count; ++k) {
    const Block chunk = chunk_of(all, params.chunk_element_count, k);
    if (!is_root) {
      builder.recv(tree.parent, at_output(chunk.offset), chunk.count);
    }
    for (auto child = tree.children.rbegin(); child != tree.children.rend(); ++child) {
      builder.send(*child, {source, chunk.offset, {}}, chunk.count);
    }
  }
  if (is_root) {
    copy_input_to_output(builder, params, 0);  // after the sends: nobody waits for it
  }
  return builder.take();
}

}  // namespace

Schedule make_tree_broadcast(const ScheduleParams& params) {
  return make_broadcast(params, binomial_place(params.rank, params.rank_count, params.root));
}

Schedule make_chain_broadcast(const ScheduleParams& params) {
  return make_broadcast(params, chain_place(params.rank, params.rank_count, params.root));
}

}  // namespace hvd
