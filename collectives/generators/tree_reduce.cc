#include "collectives/generators/tree_reduce.h"

#include "collectives/generators/blocks.h"
#include "collectives/generators/tree.h"

namespace hvd {
namespace {

class TreeReduce {
 public:
  TreeReduce(const ScheduleParams& params, TreePlace tree)
      : params_(params),
        tree_(std::move(tree)),
        is_root_(params.rank == params.root),
        builder_(CollectiveKind::reduce, params) {}

  Schedule make() {
    // Only the root has an output: the others combine in scratch.
    const bool combines = !tree_.children.empty() || params_.prescale;
    const Block all{0, params_.element_count};
    if (!is_root_ && combines) {
      builder_.scratch(std::min(params_.chunk_element_count, params_.element_count));
    }
    for (std::uint64_t k = 0; k < chunk_count_of(all, params_.chunk_element_count); ++k) {
      reduce(chunk_of(all, params_.chunk_element_count, k));
    }
    return builder_.take();
  }

 private:
  void reduce(Block chunk) {
    const Place to = is_root_ ? at_output(chunk.offset) : at_scratch(0);
    Place mine = at_input(chunk.offset);
    const bool alone = params_.rank_count == 1;
    if (params_.prescale || (alone && (!params_.in_place || params_.postscale))) {
      builder_.copy(to, mine, chunk.count, pre_flag(params_) | (alone ? post_flag(params_) : 0U));
      mine = to;
    }
    combine_upwards(builder_, tree_, mine, to, chunk.count, post_flag(params_));
  }

  const ScheduleParams& params_;
  const TreePlace tree_;
  const bool is_root_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_tree_reduce(const ScheduleParams& params) {
  return TreeReduce(params, binomial_place(params.rank, params.rank_count, params.root)).make();
}

Schedule make_chain_reduce(const ScheduleParams& params) {
  return TreeReduce(params, chain_place(params.rank, params.rank_count, params.root)).make();
}

}  // namespace hvd
