// bindings/python/hvd/_handle.h: an operation or a group under way: waiting, polling, its results.
// Not here: how it is submitted (_core.cc). Threads: with the GIL held, but for waiting and
// copying. Limits: one result for each tensor. Read next: _core.cc.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bindings/c/hvd.h"
#include "bindings/python/hvd/_borrowed.h"

namespace hvd_core {

// Ctrl-C is seen at the latest after this time, where the signal hits another thread than the
// waiting one; hvd_wait itself returns at once when a signal interrupts it.
inline constexpr double kWaitSliceSeconds = 0.1;

class Handle {
 public:
  // `group_count`: tensors of a group; 0: it is one operation.
  Handle(hvd_handle_t id, Borrowed borrowed, bool has_result, int32_t group_count = 0)
      : id_(id),
        life_(session().life),
        has_result_(has_result),
        group_count_(group_count),
        borrowed_(std::move(borrowed)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    int done = 1;
    if (id_ == 0 || life_ != session().life) {
      return;
    }
    if (!done_ && hvd_poll(id_, &done) == HVD_OK && done == 0) {
      session().parked.emplace_back(id_, std::move(borrowed_));
    } else {
      (void)hvd_release(id_);
    }
  }

  // False if the time is over first. Raises the operation's error.
  bool wait(double timeout_seconds) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    double slice = kWaitSliceSeconds;
    while (!done_ && live()) {
      if (timeout_seconds >= 0) {
        const std::chrono::duration<double> spent = Clock::now() - start;
        slice = std::min(kWaitSliceSeconds, std::max(0.0, timeout_seconds - spent.count()));
      }
      const Failure outcome = wait_slice(slice);
      if (outcome.status == HVD_TIMED_OUT || outcome.status == HVD_ERROR_INTERRUPTED) {
        if (done_) {
          break;  // by another thread
        }
        check_signals();
        if (timeout_seconds >= 0 && slice < kWaitSliceSeconds && outcome.status == HVD_TIMED_OUT) {
          return false;
        }
        continue;
      }
      if (!done_) {
        done_ = true;
        failure_ = outcome;
      }
    }
    give_back();
    if (failure_.status != HVD_OK) {
      raise(failure_, false);
    }
    return true;
  }

  bool poll() {
    int done = 1;
    if (!done_ && live()) {
      check_call(hvd_poll(id_, &done));
    }
    return done != 0;
  }

  bool has_result() const { return has_result_; }

  py::tuple result_shape() { return shape_of(result_of()); }

  // Of each tensor of a group.
  py::list result_shapes() {
    py::list shapes;
    for (const Result& result : results_of()) {
      shapes.append(shape_of(result));
    }
    return shapes;
  }

  int result_dtype() {
    (void)result_of();
    int32_t dtype = 0;
    check_call(hvd_result_dtype(id_, &dtype));
    return dtype;
  }

  py::tuple received_splits() {
    (void)result_of();
    const int64_t* splits = nullptr;
    int32_t count = 0;
    check_call(hvd_received_splits(id_, &splits, &count));
    py::tuple all(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      all[static_cast<size_t>(i)] = py::int_(splits[i]);
    }
    return all;
  }

  // Copies the result's bytes to `address` and forgets it.
  void take_result(uintptr_t address, size_t bytes) { take({result_of()}, {{address, bytes}}); }

  // The same of each tensor of a group.
  void take_results(const std::vector<std::pair<uintptr_t, size_t>>& places) {
    const std::vector<Result> results = results_of();
    if (places.size() != results.size()) {
      throw py::value_error("a group of " + std::to_string(results.size()) + " tensors has no " +
                            std::to_string(places.size()) + " results");
    }
    take(results, places);
  }

  py::object output = py::none();  // whatever the caller hangs here, usually the output array

 private:
  struct Result {
    void* data = nullptr;
    const int64_t* shape = nullptr;
    int32_t ndim = 0;
  };

  static py::tuple shape_of(const Result& result) {
    py::tuple shape(static_cast<size_t>(result.ndim));
    for (int i = 0; i < result.ndim; ++i) {
      shape[static_cast<size_t>(i)] = py::int_(result.shape[i]);
    }
    return shape;
  }

  void take(const std::vector<Result>& results,
            const std::vector<std::pair<uintptr_t, size_t>>& places) {
    ++users_;
    {
      py::gil_scoped_release no_gil;
      for (size_t i = 0; i < results.size(); ++i) {
        const auto [address, bytes] = places[i];
        if (bytes > 0) {
          std::memcpy(reinterpret_cast<void*>(address), results[i].data, bytes);
        }
      }
    }
    --users_;
    has_result_ = false;
    give_back();
  }

  void check_has_result() const {
    if (!has_result_ || !done_ || failure_.status != HVD_OK || life_ != session().life) {
      throw py::value_error("this handle has no result, or it was taken already");
    }
  }

  Result result_of() const {
    check_has_result();
    Result result;
    check_call(hvd_result(id_, &result.data, &result.shape, &result.ndim));
    return result;
  }

  std::vector<Result> results_of() const {
    check_has_result();
    std::vector<Result> results(static_cast<size_t>(group_count_));
    for (int32_t i = 0; i < group_count_; ++i) {
      Result& result = results[static_cast<size_t>(i)];
      check_call(hvd_grouped_result(id_, i, &result.data, &result.shape, &result.ndim));
    }
    return results;
  }

  // shutdown() ended every operation of its life.
  bool live() {
    if (life_ == session().life) {
      return true;
    }
    done_ = true;
    failure_ = {HVD_ERROR_PRECONDITION,
                "hvd: this operation was pending when hvd.shutdown() was called", "", -1};
    return false;
  }

  Failure wait_slice(double seconds) {
    Failure outcome;
    ++users_;
    {
      py::gil_scoped_release no_gil;
      const hvd_status_t status = hvd_wait(id_, seconds);
      if (status == HVD_TIMED_OUT || status == HVD_ERROR_INTERRUPTED) {
        outcome.status = status;
      } else if (status != HVD_OK) {
        outcome = last_failure(status);
      }
    }
    --users_;
    return outcome;
  }

  // Once nobody needs libhvd's handle any more: several threads may wait for one operation.
  void give_back() {
    if (!done_ || users_ > 0 || id_ == 0) {
      return;
    }
    if (has_result_ && failure_.status == HVD_OK) {
      return;
    }
    if (life_ == session().life) {
      (void)hvd_release(id_);
    }
    id_ = 0;
    const Borrowed last = std::move(borrowed_);
  }

  hvd_handle_t id_;
  const uint64_t life_;
  bool has_result_;
  const int32_t group_count_;
  bool done_ = false;
  int users_ = 0;  // threads that use id_ without the GIL
  Failure failure_;
  Borrowed borrowed_;
};

}  // namespace hvd_core
