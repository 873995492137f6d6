#include "collectives/generators/hierarchical_reduce.h"

#include "collectives/generators/hosts.h"
#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class HierarchicalReduce {
 public:
  explicit HierarchicalReduce(const ScheduleParams& params)
      : params_(params),
        hosts_(params),
        is_root_(params.rank == params.root),
        window_(params, params.element_count),
        tree_(hosts_.tree(params.root, window_.chunk_count())),
        builder_(CollectiveKind::reduce, params) {}

  Schedule make() {
    if (shares()) {
      builder_.slot(window_.slot_element_count(), hosts_.local());
    }
    const bool leads = hosts_.leader(hosts_.mine, params_.root) == params_.rank;
    if (leads && !is_root_) {
      builder_.scratch(std::min(window_.chunk_element_count(), params_.element_count));
    }
    for (std::uint64_t k = 0; k < window_.chunk_count(); ++k) {
      leads ? lead(k) : put(k);
    }
    return builder_.take();
  }

 private:
  bool shares() const { return hosts_.local().size() > 1; }

  void put(std::uint64_t k) {
    const Rank leader = hosts_.leader(hosts_.mine, params_.root);
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait(leader, kTaken, value);
    }
    const Block chunk = window_.chunk(k);
    builder_.copy(at_slot(params_.rank, window_.offset(k)), at_input(chunk.offset), chunk.count,
                  pre_flag(params_) | stream_flag(params_));
    builder_.post(kPublished, done_with(k));
  }

  // Only the root has an output: the others combine in scratch.
  void lead(std::uint64_t k) {
    const Block chunk = window_.chunk(k);
    const Place to = is_root_ ? at_output(chunk.offset) : at_scratch(0);
    Place mine = at_input(chunk.offset);
    if (params_.prescale) {
      builder_.copy(to, mine, chunk.count, kScalePre);
      mine = to;
    }
    if (shares()) {
      // The last to be combined on the root's host is another host's.
      builder_.wait_all(kPublished, done_with(k));
      builder_.reduce_slots(to, mine, window_.offset(k), chunk.count);
      mine = to;
      if (window_.is_reused(k)) {
        builder_.post(kTaken, done_with(k));
      }
    }
    combine_upwards(builder_, tree_, mine, to, chunk.count, post_flag(params_));
  }

  const ScheduleParams& params_;
  const Hosts hosts_;
  const bool is_root_;
  const SlotWindow window_;
  const TreePlace tree_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_hierarchical_reduce(const ScheduleParams& params) {
  return HierarchicalReduce(params).make();
}

}  // namespace hvd
