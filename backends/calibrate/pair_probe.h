// backends/calibrate/pair_probe.h: how long chunks take between two ranks, by the engine itself.
// Not here: which ranks measure (calibrate.h), memory alone (memory_probe.h).
// Threads: the one that runs init.  Limits: no other items in the plane meanwhile; what is sent is
// bounded by kPairBytesMost and the budget. Read next: pair_probe.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "collectives/measurements.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/ports/data_plane.h"
#include "core/ports/idle.h"

namespace hvd {

inline constexpr std::size_t kPairBytesMost = std::size_t{2} << 20;  // of one message
inline constexpr Nanos kPairProbeBudget = 10 * kMillisecond;

// Messages of send and recv, as schedules make them: so what is measured includes all that the
// engine does for a chunk, over whatever wire the two have.
class PairProbe {
 public:
  struct World {
    DataPlane& plane;
    Idle& idle;
    const Clock& clock;
    // Ok while waiting makes sense: the deadline of init is not over, nobody was lost.
    std::function<Status()> alive;
    bool between_hosts = false;
  };
  PairProbe(const World& world, Rank peer) : world_(world), peer_(peer) {}

  // One of the two leads, the other follows until it is told to stop; an error of the plane or of
  // alive() ends both. Where the budget is spent first, fields stay 0.
  Result<Measurements> lead_in_host(Nanos budget = kPairProbeBudget);
  Result<Measurements> lead_between_hosts(Nanos budget = kPairProbeBudget);
  Status follow();

 private:
  enum class Waiting : std::uint32_t { polls = 0, sleeps = 1 };
  struct Command {
    std::uint32_t byte_count = 0;  // of a message that follows
    Waiting waiting = Waiting::polls;
    ScheduleChoice choice = 0;  // of that message
    std::uint64_t is_last = 0;
  };

  Status run(CollectiveKind kind, ScheduleChoice choice, std::span<std::byte> memory,
             Waiting waiting);
  Status send(const Command& command);
  Result<Command> receive_command(Waiting waiting);
  Status answer();
  Status await_answer(Waiting waiting);
  // Until the other's answer is here.
  Result<Nanos> round_trip(const Command& command);
  // The steady least of so many, as long as there is time; but of kSteadyCount at least, where each
  // comes back within kPatience.
  Result<Nanos> round_trips(const Command& command, int count, Time end);
  // What it takes to receive what is there; 0 where that was not steady.
  Result<Nanos> late_receive(Nanos there_and_back, Time end);
  // Of a message, until it is answered: the least of a few.
  Result<Nanos> message_time(std::size_t byte_count);
  Result<double> bytes_per_second(Nanos there_and_back, Time end);
  Status stop();

  const World world_;
  const Rank peer_;
  std::uint64_t item_count_ = 0;
  Nanos send_time_ = 0;  // the least that handing over a command took; 0: none was
  std::vector<std::byte> memory_ = {};
};

}  // namespace hvd
