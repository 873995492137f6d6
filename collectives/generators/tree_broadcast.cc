#include "collectives/generators/tree_broadcast.h"

#include <vector>

#include "collectives/generators/blocks.h"
#include "collectives/generators/tree.h"

namespace hvd {
namespace {

Schedule make_broadcast(const ScheduleParams& params, const std::vector<TreeFlow>& flows) {
  ScheduleBuilder builder(CollectiveKind::broadcast, params);
  const bool is_root = params.rank == params.root;
  const BufferKind source = is_root ? BufferKind::input : BufferKind::output;
  pass_in_turns(flows, params.chunk_element_count, [&](const TreePlace& tree, Block chunk) {
    if (!is_root) {
      builder.recv(tree.parent, at_output(chunk.offset), chunk.count);
    }
    for (auto child = tree.children.rbegin(); child != tree.children.rend(); ++child) {
      builder.send(*child, {source, chunk.offset, {}}, chunk.count);
    }
  });
  if (is_root) {
    copy_input_to_output(builder, params, 0);  // after the sends: nobody waits for it
  }
  return builder.take();
}

}  // namespace

Schedule make_tree_broadcast(const ScheduleParams& params) {
  return make_broadcast(
      params,
      one_flow(binomial_place(params.rank, params.rank_count, params.root), params.element_count));
}

Schedule make_chain_broadcast(const ScheduleParams& params) {
  return make_broadcast(params, one_flow(chain_place(params.rank, params.rank_count, params.root),
                                         params.element_count));
}

Schedule make_double_tree_broadcast(const ScheduleParams& params) {
  return make_broadcast(params, double_tree_flows(params, true));
}

}  // namespace hvd
