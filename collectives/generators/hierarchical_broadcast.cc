#include "collectives/generators/hierarchical_broadcast.h"

#include "collectives/generators/hosts.h"
#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class HierarchicalBroadcast {
 public:
  explicit HierarchicalBroadcast(const ScheduleParams& params)
      : params_(params),
        hosts_(params),
        window_(params, params.element_count),
        tree_(hosts_.tree(params.root, window_.chunk_count())),
        builder_(CollectiveKind::broadcast, params) {}

  Schedule make() {
    if (shares()) {
      builder_.slot(window_.slot_element_count(), hosts_.local());
    }
    const bool leads = leader() == params_.rank;
    for (std::uint64_t k = 0; k < window_.chunk_count(); ++k) {
      leads ? lead(k) : take(k);
    }
    if (params_.rank == params_.root) {
      copy_input_to_output(builder_, params_, 0);  // at the end: nobody waits for it
    }
    return builder_.take();
  }

 private:
  bool shares() const { return hosts_.local().size() > 1; }
  Rank leader() const { return hosts_.leader(hosts_.mine, params_.root); }

  void lead(std::uint64_t k) {
    const Block chunk = window_.chunk(k);
    const bool is_root = params_.rank == params_.root;
    const Place source = is_root ? at_input(chunk.offset) : at_output(chunk.offset);
    if (!is_root) {
      builder_.recv(tree_.parent, source, chunk.count);
    }
    for (auto child = tree_.children.rbegin(); child != tree_.children.rend(); ++child) {
      builder_.send(*child, source, chunk.count);
    }
    if (!shares()) {
      return;
    }
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    builder_.copy(at_slot(params_.rank, window_.offset(k)), source, chunk.count,
                  stream_flag(params_));
    builder_.post(kPublished, done_with(k));
  }

  void take(std::uint64_t k) {
    const Block chunk = window_.chunk(k);
    builder_.wait(leader(), kPublished, done_with(k));
    builder_.copy(at_output(chunk.offset), at_slot(leader(), window_.offset(k)), chunk.count);
    if (window_.is_reused(k)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const Hosts hosts_;
  const SlotWindow window_;
  const TreePlace tree_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_hierarchical_broadcast(const ScheduleParams& params) {
  return HierarchicalBroadcast(params).make();
}

}  // namespace hvd
