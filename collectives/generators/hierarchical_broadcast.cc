#include "collectives/generators/hierarchical_broadcast.h"

#include "collectives/generators/hosts.h"
#include "collectives/generators/slot_window.h"
#include "collectives/generators/tree.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class HierarchicalBroadcast {
 public:
  explicit HierarchicalBroadcast(const ScheduleParams& params)
      : params_(params),
        hosts_(params),
        root_host_(hosts_.host_of(params.root)),
        window_(params, params.element_count),
        builder_(CollectiveKind::broadcast, params) {}

  Schedule make() {
    if (shares()) {
      builder_.slot(window_.slot_element_count(), hosts_.local());
    }
    const bool leads = leader_of(hosts_.mine) == params_.rank;
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
  Rank leader_of(int host) const {
    return host == root_host_ ? params_.root : hosts_.ranks[static_cast<std::size_t>(host)].front();
  }

  void lead(std::uint64_t k) {
    const Block chunk = window_.chunk(k);
    const TreePlace tree = binomial_place(Rank{hosts_.mine}, hosts_.count(), Rank{root_host_});
    const bool is_root = params_.rank == params_.root;
    const Place source = is_root ? at_input(chunk.offset) : at_output(chunk.offset);
    if (!is_root) {
      builder_.recv(leader_of(tree.parent.value), source, chunk.count);
    }
    for (auto child = tree.children.rbegin(); child != tree.children.rend(); ++child) {
      builder_.send(leader_of(child->value), source, chunk.count);
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
    const Rank leader = leader_of(hosts_.mine);
    builder_.wait(leader, kPublished, done_with(k));
    builder_.copy(at_output(chunk.offset), at_slot(leader, window_.offset(k)), chunk.count);
    if (window_.is_reused(k)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const Hosts hosts_;
  const int root_host_;
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_hierarchical_broadcast(const ScheduleParams& params) {
  return HierarchicalBroadcast(params).make();
}

}  // namespace hvd
