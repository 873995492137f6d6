#include "collectives/generators/tree_reduce.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "collectives/generators/blocks.h"
#include "collectives/generators/tree.h"

namespace hvd {
namespace {

class TreeReduce {
 public:
  TreeReduce(const ScheduleParams& params, std::vector<TreeFlow> flows)
      : params_(params),
        flows_(std::move(flows)),
        is_root_(params.rank == params.root),
        builder_(CollectiveKind::reduce, params) {}

  Schedule make() {
    // Only the root has an output: the others combine in scratch.
    const bool combines = params_.prescale || std::any_of(flows_.begin(), flows_.end(), has_child);
    if (!is_root_ && combines) {
      builder_.scratch(std::min(params_.chunk_element_count, params_.element_count));
    }
    pass_in_turns(flows_, params_.chunk_element_count,
                  [this](const TreePlace& tree, Block chunk) { reduce(tree, chunk); });
    return builder_.take();
  }

 private:
  static bool has_child(const TreeFlow& flow) { return !flow.tree.children.empty(); }

  void reduce(const TreePlace& tree, Block chunk) {
    const Place to = is_root_ ? at_output(chunk.offset) : at_scratch(0);
    Place mine = at_input(chunk.offset);
    const bool alone = params_.rank_count == 1;
    if (params_.prescale || (alone && (!params_.in_place || params_.postscale))) {
      builder_.copy(to, mine, chunk.count, pre_flag(params_) | (alone ? post_flag(params_) : 0U));
      mine = to;
    }
    combine_upwards(builder_, tree, mine, to, chunk.count, post_flag(params_));
  }

  const ScheduleParams& params_;
  const std::vector<TreeFlow> flows_;
  const bool is_root_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_tree_reduce(const ScheduleParams& params) {
  return TreeReduce(params, one_flow(binomial_place(params.rank, params.rank_count, params.root),
                                     params.element_count))
      .make();
}

Schedule make_chain_reduce(const ScheduleParams& params) {
  return TreeReduce(params, one_flow(chain_place(params.rank, params.rank_count, params.root),
                                     params.element_count))
      .make();
}

Schedule make_double_tree_reduce(const ScheduleParams& params) {
  return TreeReduce(params, double_tree_flows(params, false)).make();
}

}  // namespace hvd
