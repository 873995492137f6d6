// tests/core/stages/fake_data_plane.h: a data plane that only keeps what it is given.
// Not here: one that runs it (tests/sim/sim_data_plane.h).
// Threads: one.  Limits: none.
// Read next: dispatcher_test.cc.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/data_plane.h"

namespace hvd::test {

class FakeDataPlane final : public DataPlane {
 public:
  std::string description() const override { return "fake"; }
  Status accepts(const Request&) const override { return ok_status(); }
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape&) override { return 0; }
  bool settled(const WorkShape&) const override { return is_settled; }
  void start(WorkItem item) override { items.push_back(std::move(item)); }
  bool progress() override { return false; }
  bool take_completion(WorkCompletion& completion) override {
    if (completions.empty()) {
      return false;
    }
    completion = std::move(completions.front());
    completions.pop_front();
    return true;
  }
  bool busy() const override { return false; }
  void abort(const Status&) override {}
  bool prepare_sleep() override { return true; }
  void end_sleep() override {}

  bool is_settled = true;
  std::vector<WorkItem> items;
  std::deque<WorkCompletion> completions;
};

}  // namespace hvd::test
