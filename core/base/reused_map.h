// core/base/reused_map.h: a hash map that keeps the nodes of what was erased for what comes next.
// Not here: lists (reused_list.h).
// Threads: one at a time.  Limits: keeps kSpareNodesMax nodes.
// Read next: core/stages/negotiator.h.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hvd {

// Names and handles come and go with each operation; std::unordered_map allocates a node for each.
template <typename Key, typename Value>
class ReusedMap {
 public:
  using Nodes = std::unordered_map<Key, Value>;
  using iterator = typename Nodes::iterator;
  using const_iterator = typename Nodes::const_iterator;
  static constexpr std::size_t kSpareNodesMax = 1024;

  // Where the key is, and whether it is new. A new one's value is as whoever had the node last left
  // it: the caller sets all of it.
  std::pair<iterator, bool> insert(const Key& key) {
    if (spare_.empty()) {
      return nodes_.try_emplace(key);
    }
    spare_.back().key() = key;
    auto outcome = nodes_.insert(std::move(spare_.back()));
    if (outcome.inserted) {
      spare_.pop_back();
    } else {
      spare_.back() = std::move(outcome.node);
    }
    return {outcome.position, outcome.inserted};
  }
  iterator find(const Key& key) { return nodes_.find(key); }
  const_iterator find(const Key& key) const { return nodes_.find(key); }
  // The value stays in the spare node: a caller that must let go of what it holds does so first.
  iterator erase(iterator at) {
    const iterator next = std::next(at);
    if (spare_.size() < kSpareNodesMax) {
      spare_.push_back(nodes_.extract(at));
    } else {
      nodes_.erase(at);
    }
    return next;
  }
  iterator begin() { return nodes_.begin(); }
  iterator end() { return nodes_.end(); }
  const_iterator begin() const { return nodes_.begin(); }
  const_iterator end() const { return nodes_.end(); }
  std::size_t size() const { return nodes_.size(); }
  bool empty() const { return nodes_.empty(); }
  // Keeps no nodes.
  void clear() {
    nodes_.clear();
    spare_.clear();
  }

 private:
  Nodes nodes_;
  std::vector<typename Nodes::node_type> spare_;
};

}  // namespace hvd
