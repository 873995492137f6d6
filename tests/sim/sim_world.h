// tests/sim/sim_world.h: N coordinators in one process under one manual clock and one seed.
// Not here: what the ranks' programs do (program.h), what must come out (sim_run.h).
// Threads: one.  Limits: virtual time; nothing sleeps.
// Read next: sim_data_plane.h, program.h, sim_run.h.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/stages/coordinator.h"
#include "tests/sim/sim_data_plane.h"

namespace hvd::sim {

// What happens when, in virtual time; ties in the order of scheduling.
class Agenda {
 public:
  explicit Agenda(ManualClock& clock) : clock_(clock) {}
  void at(Time when, std::function<void()> what);
  bool run_next(Time until);  // false: nothing left up to `until`
  bool empty() const { return events_.empty(); }

 private:
  ManualClock& clock_;
  std::uint64_t scheduled_count_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> events_;
};

class SimWorld {
 public:
  struct Options {
    int rank_count = 2;
    std::uint64_t seed = 0;
    Nanos message_delay_most = kMillisecond;
    bool words_by_message = false;  // ranks see no others' words
    Config config;
  };
  explicit SimWorld(const Options& options);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  ManualClock clock{1000 * kSecond};
  Agenda agenda{clock};
  Random random;

  int rank_count() const { return static_cast<int>(ranks_.size()); }
  Coordinator& coordinator(Rank rank);
  // Called after each pass of that rank, outside the baton.
  void after_pass(Rank rank, std::function<void()> what);

  // The rank's baton holder runs soon.
  void wake(Rank rank);
  // Its process dies now: of what it sent and is under way, an end part is lost on each channel.
  void kill(Rank rank);
  // Stopped (SIGSTOP) until thaw; messages pile up.
  void freeze(Rank rank);
  void thaw(Rank rank);
  // Shuts the rank down: says goodbye, drives until it may leave or `most` has passed, closes.
  void leave(Rank rank, Nanos most);

  bool dead(Rank rank) const;
  bool frozen(Rank rank) const;
  bool left(Rank rank) const;  // leave() has come to its end
  Nanos leave_took(Rank rank) const;
  // Broken rules that the ports noticed.
  const std::vector<std::string>& faults() const { return faults_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  bool data_plane_idle() const { return data_.idle(); }

 private:
  struct Flight {
    Time arrives_at = 0;
    std::uint64_t id = 0;
    ControlEvent event;
  };
  struct SimRank;
  class ControlEnd;
  class Board;

  void pass(Rank rank);
  void send(Rank from, Rank to, std::span<const std::byte> message);
  void spread_word(Rank from, PlanWord word);
  void fly(Rank from, Rank to, ControlEvent event);
  void land(Rank from, Rank to, std::uint64_t id);
  void lose_tail(Rank from, Rank to);
  void channel_ends(Rank rank, const std::string& reason);
  SimRank& at(Rank rank) { return *ranks_[rank.index()]; }
  const SimRank& at(Rank rank) const { return *ranks_[rank.index()]; }

  const Options options_;
  std::vector<std::string> faults_;
  std::vector<std::string> warnings_;
  Logger logger_;
  SimDataWorld data_;
  std::vector<std::unique_ptr<SimRank>> ranks_;
  std::map<std::pair<int, int>, std::deque<Flight>> flights_;
  std::uint64_t flight_count_ = 0;
};

}  // namespace hvd::sim
