// tests/sim/sim_data_plane.h: a data plane that trusts nobody: it compares what every rank starts
// under one item id, and only once all have started it does it run it, all at once.
// Not here: time and ranks (sim_world.h).  Threads: one.  Limits: none.
// Read next: sim_world.h.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/data_plane.h"

namespace hvd::sim {

class SimDataPlane;

using ItemKey = std::pair<WorkStream, std::uint64_t>;

class SimDataWorld {
 public:
  struct Hooks {
    std::function<void(std::string)> fault;                  // a rule is broken
    std::function<void(Rank, std::function<void()>)> later;  // after a random time, then wake rank
    std::function<bool(Rank)> dead;
    std::function<bool()> coin;
  };
  SimDataWorld(int rank_count, Hooks hooks) : hooks_(std::move(hooks)), rank_count_(rank_count) {}

  std::unique_ptr<SimDataPlane> plane(Rank rank);
  // The wires' own view of a death: what needs the rank fails on the others.
  void rank_died(Rank rank);
  bool idle() const;

 private:
  friend class SimDataPlane;
  struct Item {
    std::map<Rank, WorkItem> started;
    Rank first_rank;
    std::vector<bool> completed;
    bool doomed = false;
    // Two ranks take part in a message, all in anything else.
    bool complete(int rank_count) const {
      const bool is_message = is_point_to_point(started.begin()->second.kind);
      return static_cast<int>(started.size()) == (is_message ? 2 : rank_count);
    }
  };
  void start(Rank rank, WorkItem item);
  void complete_everywhere(ItemKey key);
  void compare(const Item& item, Rank rank, const WorkItem& other) const;

  Hooks hooks_;
  const int rank_count_;
  std::map<ItemKey, Item> items_;
  std::vector<SimDataPlane*> planes_;
};

class SimDataPlane final : public DataPlane {
 public:
  SimDataPlane(SimDataWorld& world, Rank rank) : world_(world), rank_(rank) {}

  std::string description() const override { return "simulated"; }
  Status accepts(const Request&) const override { return ok_status(); }
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape& shape) override;
  void start(WorkItem item) override;
  bool progress() override { return false; }
  bool take_completion(WorkCompletion& completion) override;
  bool busy() const override { return !running_.empty(); }
  void abort(const Status& cause) override;
  bool prepare_sleep() override { return completions_.empty(); }
  void end_sleep() override {}

  void finish(ItemKey key, const Status& status);

 private:
  SimDataWorld& world_;
  const Rank rank_;
  Status aborted_;
  std::map<ItemKey, bool> running_;
  std::deque<WorkCompletion> completions_;
};

}  // namespace hvd::sim
