#include "tests/multiproc/workers/hold.h"

#include <algorithm>
#include <atomic>

#include "backends/engine/execution.h"

namespace hvd_worker {
extern "C" {

// What the calls of hvd::Execution::run and ready would reach, and what they reach instead.
hvd::Execution::State run_it(hvd::Execution* execution, hvd::LaneWires& wires,
                             int& budget) asm("__real__ZN3hvd9Execution3runERNS_9LaneWiresERi");
bool is_ready(const hvd::Execution* execution,
              hvd::LaneWires& wires) asm("__real__ZNK3hvd9Execution5readyERNS_9LaneWiresE");
hvd::Execution::State run_until_held(
    hvd::Execution* execution, hvd::LaneWires& wires,
    int& budget) asm("__wrap__ZN3hvd9Execution3runERNS_9LaneWiresERi");
bool ready_unless_held(const hvd::Execution* execution, hvd::LaneWires& wires) asm(
    "__wrap__ZNK3hvd9Execution5readyERNS_9LaneWiresE");

}  // extern "C"

namespace {

std::atomic<int> units_to_go{-1};  // -1: nothing is to be held
void (*tell_held)() = nullptr;
// Written by whoever drives progress: one at a time.
const hvd::Execution* chosen = nullptr;
bool standing = false;

}  // namespace

void hold_next(int units, void (*held)()) {
  tell_held = held;
  units_to_go.store(units);
}

hvd::Execution::State run_until_held(hvd::Execution* execution, hvd::LaneWires& wires,
                                     int& budget) {
  if (units_to_go.load() >= 0 && chosen == nullptr) {
    chosen = execution;
  }
  if (execution != chosen) {
    return run_it(execution, wires, budget);
  }
  if (standing) {
    return hvd::Execution::State::blocked;
  }
  int part = std::min(budget, units_to_go.load());
  const int given = part;
  // With nothing to spend it says whether anything is left to do.
  const hvd::Execution::State state = run_it(execution, wires, part);
  const int used = std::min(given - part, given);
  budget -= given - part;
  if (units_to_go.fetch_sub(used) > used || state == hvd::Execution::State::done ||
      state == hvd::Execution::State::failed) {
    return state;
  }
  standing = true;
  tell_held();
  return hvd::Execution::State::blocked;
}

bool ready_unless_held(const hvd::Execution* execution, hvd::LaneWires& wires) {
  return (execution != chosen || !standing) && is_ready(execution, wires);
}

}  // namespace hvd_worker
