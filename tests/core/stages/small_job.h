// tests/core/stages/small_job.h: a few coordinators over channels that deliver at once, stepped by
// hand, so that a test can say in which order things happen. Random orders are tests/sim's.
// Not here: threads (progress_test.cc).  Threads: one.  Limits: none.
// Read next: coordinator_test.cc.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/stages/coordinator.h"
#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd::test {

class SmallJob {
 public:
  explicit SmallJob(int rank_count, const Config& config = {}) {
    for (int r = 0; r < rank_count; ++r) {
      seats_.push_back(std::make_unique<Seat>(*this, Rank(r), rank_count, config));
    }
  }

  ManualClock clock{1000 * kSecond};
  std::vector<std::string> warnings;
  std::size_t message_bytes_most = 0;
  bool hold_items = false;        // items that are started do not finish
  bool hold_aborted = false;      // nor do those that were aborted, until they are abandoned
  std::vector<WorkWait> awaited;  // what every data plane says

  Coordinator& at(int rank) { return *seats_[index(rank)]->coordinator; }
  OperationPtr submit(int rank, const Request& request) {
    Result<OperationPtr> operation = at(rank).submit(request);
    REQUIRE(operation.ok());
    return *operation;
  }
  // One pass of one rank.
  bool step(int rank) {
    return with_baton(rank,
                      [](Coordinator& c) HVD_NO_THREAD_SAFETY_ANALYSIS { return c.run_pass(); });
  }
  void run() {
    for (bool moved = true; moved;) {
      moved = finish_items();
      for (int r = 0; r < static_cast<int>(seats_.size()); ++r) {
        moved = (seats_[index(r)]->alive && step(r)) || moved;
      }
    }
  }
  void begin_leave(int rank) {
    (void)with_baton(rank, [](Coordinator& c) HVD_NO_THREAD_SAFETY_ANALYSIS {
      c.begin_leave();
      return true;
    });
  }
  bool may_leave(int rank) {
    return with_baton(rank,
                      [](Coordinator& c) HVD_NO_THREAD_SAFETY_ANALYSIS { return c.may_leave(); });
  }
  void finish_leave(int rank) {
    (void)with_baton(rank, [](Coordinator& c) HVD_NO_THREAD_SAFETY_ANALYSIS {
      c.finish_leave();
      return true;
    });
    lose(rank, "connection closed by peer");
  }
  // The rank's process is gone.
  void lose(int rank, const std::string& reason) {
    seats_[index(rank)]->alive = false;
    for (int r = 0; r < static_cast<int>(seats_.size()); ++r) {
      if (r != rank && (r == 0 || rank == 0)) {
        seats_[index(r)]->inbox.push_back({ControlEvent::Kind::peer_lost, Rank(rank), {}, reason});
      }
    }
  }
  // Puts a message into a rank's inbox, as if `from` had sent it.
  void deliver(int from, int to, const ControlMessage& message) {
    seats_[index(to)]->inbox.push_back(
        {ControlEvent::Kind::message, Rank(from), encoded(message), {}});
  }
  void deliver_raw(int from, int to, Bytes bytes) {
    seats_[index(to)]->inbox.push_back(
        {ControlEvent::Kind::message, Rank(from), std::move(bytes), {}});
  }
  // The rank's data plane gives up on an item that it has started.
  void fail_item(int rank, std::uint64_t id, const Status& status) {
    seats_[index(rank)]->running.erase(id);
    seats_[index(rank)]->completions.push_back({id, status});
  }
  std::vector<WorkItem>& started(int rank) { return seats_[index(rank)]->items; }

 private:
  struct Seat final : ControlPlane, DataPlane {
    Seat(SmallJob& job, Rank self, int rank_count, const Config& config)
        : job_(job),
          self_(self),
          logger(LogLevel::warning, "",
                 [&job](LogLevel, std::string_view line) { job.warnings.emplace_back(line); }),
          coordinator(
              std::make_unique<Coordinator>(config, job_of(rank_count, self),
                                            Coordinator::World{job.clock, *this, *this, logger})) {}

    void send(Rank to, std::span<const std::byte> message) override {
      job_.message_bytes_most = std::max(job_.message_bytes_most, message.size());
      if (job_.seats_[to.index()]->alive) {
        job_.seats_[to.index()]->inbox.push_back(
            {ControlEvent::Kind::message, self_, Bytes(message.begin(), message.end()), {}});
      }
    }
    bool receive(ControlEvent& event) override {
      if (inbox.empty()) {
        return false;
      }
      event = std::move(inbox.front());
      inbox.pop_front();
      return true;
    }
    bool flushed() const override { return true; }

    std::string description() const override { return "by hand"; }
    Status accepts(const Request& request) const override {
      return request.name == "unwelcome" ? error(StatusCode::unsupported, "not that one")
                                         : ok_status();
    }
    void tensor_ready(const Request&) override {}
    ScheduleChoice choose(const WorkShape& shape) override { return shape.element_count; }
    void start(WorkItem item) override {
      running.insert(item.id);
      items.push_back(std::move(item));
      if (!aborted.ok()) {
        abort(aborted);
      }
    }
    bool progress() override { return false; }
    bool take_completion(WorkCompletion& completion) override {
      if (completions.empty()) {
        return false;
      }
      completion = std::move(completions.front());
      completions.pop_front();
      return true;
    }
    bool busy() const override { return !running.empty(); }
    std::vector<WorkWait> awaited() const override { return job_.awaited; }
    void abort(const Status& cause) override {
      aborted = cause;
      if (!job_.hold_aborted) {
        abandon();
      }
    }
    void abandon() override {
      const Status cause = aborted;
      for (const std::uint64_t id : running) {
        completions.push_back({id, cause});
      }
      running.clear();
    }
    bool prepare_sleep() override { return true; }
    void end_sleep() override {}

    SmallJob& job_;
    const Rank self_;
    bool alive = true;
    std::deque<ControlEvent> inbox;
    std::vector<WorkItem> items;
    std::set<std::uint64_t> running;
    std::deque<WorkCompletion> completions;
    Status aborted;
    Logger logger;
    std::unique_ptr<Coordinator> coordinator;
  };

  static std::size_t index(int rank) { return static_cast<std::size_t>(rank); }

  bool with_baton(int rank, const std::function<bool(Coordinator&)>& what) {
    Coordinator& coordinator = at(rank);
    if (!coordinator.baton.try_take()) {
      FAIL("the baton is taken");
      return false;
    }
    const bool result = what(coordinator);
    coordinator.baton.give_back();
    return result;
  }

  static const WorkItem* find_item(const Seat& seat, std::uint64_t id) {
    const auto at = std::find_if(seat.items.begin(), seat.items.end(),
                                 [&](const WorkItem& item) { return item.id == id; });
    return at == seat.items.end() ? nullptr : &*at;
  }
  bool started_everywhere(const Seat& seat, std::uint64_t id) const {
    const WorkItem& item = *find_item(seat, id);
    if (is_point_to_point(item.kind)) {
      return find_item(*seats_[item.peer.index()], id) != nullptr;
    }
    return std::all_of(seats_.begin(), seats_.end(),
                       [&](const auto& other) { return find_item(*other, id) != nullptr; });
  }

  // An item that every rank has started finishes everywhere.
  bool finish_items() {
    bool any = false;
    for (const std::unique_ptr<Seat>& seat : seats_) {
      for (const std::uint64_t id : std::set<std::uint64_t>(seat->running)) {
        if (!hold_items && started_everywhere(*seat, id)) {
          seat->running.erase(id);
          seat->completions.push_back({id, ok_status()});
          any = true;
        }
      }
    }
    return any;
  }

  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace hvd::test
