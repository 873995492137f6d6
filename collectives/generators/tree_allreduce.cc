#include "collectives/generators/tree_allreduce.h"

#include "collectives/generators/blocks.h"
#include "collectives/generators/tree.h"

namespace hvd {
namespace {

// The children's ranks are higher than mine and rise from child to child, so mine is always the
// left operand.
void reduce_chunk(ScheduleBuilder& builder, const ScheduleParams& params, const TreePlace& tree,
                  BufferKind mine, Block chunk) {
  combine_upwards(builder, tree, {mine, chunk.offset, {}}, at_output(chunk.offset), chunk.count,
                  post_flag(params));
  if (tree.parent.value < 0) {
    round_to_wire(builder, params, chunk);
  }
}

void spread_chunk(ScheduleBuilder& builder, const TreePlace& tree, Block chunk) {
  if (tree.parent.value >= 0) {
    builder.recv(tree.parent, at_output(chunk.offset), chunk.count);
  }
  for (auto child = tree.children.rbegin(); child != tree.children.rend(); ++child) {
    builder.send(*child, at_output(chunk.offset), chunk.count);
  }
}

}  // namespace

// All chunks go up before the first comes down. Were the two interleaved, a leaf would have to stop
// sending in time to receive, and chunks under way would be bounded by the slots of one edge
// instead of by the depth of the tree.
Schedule make_tree_allreduce(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  const bool alone = params.rank_count == 1;
  if (alone || params.prescale) {
    copy_input_to_output(builder, params, pre_flag(params) | (alone ? post_flag(params) : 0U));
  }
  if (alone) {
    return builder.take();
  }
  const TreePlace tree = binomial_place(params.rank, params.rank_count, kRoot);
  const BufferKind mine = params.prescale ? BufferKind::output : BufferKind::input;
  const Block all{0, params.element_count};
  const std::uint64_t chunk_count = chunk_count_of(all, params.chunk_element_count);
  for (std::uint64_t k = 0; k < chunk_count; ++k) {
    reduce_chunk(builder, params, tree, mine, chunk_of(all, params.chunk_element_count, k));
  }
  for (std::uint64_t k = 0; k < chunk_count; ++k) {
    spread_chunk(builder, tree, chunk_of(all, params.chunk_element_count, k));
  }
  return builder.take();
}

}  // namespace hvd
