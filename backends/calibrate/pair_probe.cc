#include "backends/calibrate/pair_probe.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "backends/calibrate/steady.h"
#include "collectives/selector.h"
#include "core/base/thread.h"

namespace hvd {
namespace {

// Numbers that no item of the job has: these come before the first, and the job counts from 0.
constexpr std::uint64_t kFirstItem = std::uint64_t{1} << 62;
constexpr int kPingsMost = 20;
constexpr int kSleepyPingsMost = 6;
// A pass over sockets is a system call; in between the memory of this host is looked at.
constexpr int kPassesBetweenPolls = 64;
constexpr Nanos kSleepMost = 10 * kMillisecond;
// A way of that length is measured in spite of the budget, once.
constexpr Nanos kPatience = 20 * kMillisecond;
constexpr double kLatencyLeast = 1e-7;
// Messages double until one takes that long: some ten times what interrupts and timers add.
constexpr Nanos kLongEnough = 3 * kMillisecond;
constexpr std::size_t kFirstBytes = std::size_t{16} << 10;

// Every wire of a job takes chunks of a page in its express lane.
ScheduleChoice small_choice() {
  return pack_choice({.algorithm = Algorithm::direct, .chunk_bytes = 4096, .lane = Lane::express});
}

}  // namespace

Status PairProbe::run(CollectiveKind kind, ScheduleChoice choice, std::span<std::byte> memory,
                      Waiting waiting) {
  WorkItem item;
  item.id = kFirstItem + item_count_++;
  item.kind = kind;
  item.dtype = DType::uint8;
  item.choice = choice;
  item.peer = peer_;
  item.label = "calibration";
  item.segments.push_back({memory.data(), memory.data(), memory.size()});
  world_.plane.start(std::move(item));
  WorkCompletion completion;
  for (int pass = 1;; ++pass) {
    world_.plane.progress();
    if (world_.plane.take_completion(completion)) {
      return completion.status;
    }
    if (waiting == Waiting::sleeps) {
      if (world_.plane.prepare_sleep()) {
        (void)world_.idle.sleep(world_.clock.now() + kSleepMost);
      }
      world_.plane.end_sleep();
      HVD_TRY(world_.alive());
    } else if (pass % kPassesBetweenPolls == 0) {
      (void)world_.idle.poll();
      HVD_TRY(world_.alive());
      yield_thread();  // the other may be waiting for this core
    }
  }
}

Status PairProbe::send(const Command& command) {
  Command copy = command;
  return run(CollectiveKind::send, small_choice(), std::as_writable_bytes(std::span(&copy, 1)),
             Waiting::polls);
}

Result<PairProbe::Command> PairProbe::receive_command(Waiting waiting) {
  Command command;
  HVD_TRY(run(CollectiveKind::recv, small_choice(), std::as_writable_bytes(std::span(&command, 1)),
              waiting));
  if (command.byte_count > kPairBytesMost || command.waiting > Waiting::sleeps) {
    return error(StatusCode::internal, "calibration: rank ", peer_, " announces ",
                 command.byte_count, " bytes, and ", kPairBytesMost, " is the most");
  }
  return command;
}

Status PairProbe::answer() {
  std::uint64_t nothing = 0;
  return run(CollectiveKind::send, small_choice(), std::as_writable_bytes(std::span(&nothing, 1)),
             Waiting::polls);
}

Status PairProbe::await_answer(Waiting waiting) {
  std::uint64_t nothing = 0;
  return run(CollectiveKind::recv, small_choice(), std::as_writable_bytes(std::span(&nothing, 1)),
             waiting);
}

Result<Nanos> PairProbe::round_trip(const Command& command) {
  const Time start = world_.clock.now();
  HVD_TRY(send(command));
  const Nanos sending = std::max<Nanos>(world_.clock.now() - start, 1);
  if (command.byte_count > 0) {
    HVD_TRY(run(CollectiveKind::send, command.choice, std::span(memory_).first(command.byte_count),
                Waiting::polls));
  }
  HVD_TRY(await_answer(command.waiting));
  send_time_ = send_time_ == 0 ? sending : std::min(send_time_, sending);
  return std::max<Nanos>(world_.clock.now() - start, 1);
}

Result<Nanos> PairProbe::round_trips(const Command& command, int count, Time end) {
  std::vector<Nanos> times;
  Nanos last = 0;
  for (int round = 0; round < count; ++round) {
    const bool is_late = world_.clock.now() >= end;
    if (is_late && (times.size() >= kSteadyCount || last == 0 || last > kPatience)) {
      break;
    }
    HVD_ASSIGN(last, round_trip(command));
    times.push_back(last);
  }
  return steady_least(std::move(times));
}

Status PairProbe::stop() { return send({.is_last = 1}); }

Status PairProbe::follow() {
  Waiting waiting = Waiting::polls;
  for (;;) {
    HVD_ASSIGN(const Command command, receive_command(waiting));
    if (command.is_last != 0) {
      return ok_status();
    }
    if (command.byte_count > 0) {
      memory_.resize(std::max<std::size_t>(memory_.size(), command.byte_count));
      HVD_TRY(run(CollectiveKind::recv, command.choice,
                  std::span(memory_).first(command.byte_count), Waiting::polls));
    }
    waiting = command.waiting;
    HVD_TRY(answer());
  }
}

Result<Measurements> PairProbe::lead_in_host(Nanos budget) {
  HVD_TRY(round_trip({}).status());  // the other may come late
  const Time end = world_.clock.now() + budget;
  HVD_ASSIGN(const Nanos polling, round_trips({}, kPingsMost, end));
  HVD_ASSIGN(const Nanos sleeping,
             round_trips({.waiting = Waiting::sleeps}, polling == 0 ? 0 : kSleepyPingsMost, end));
  HVD_TRY(stop());
  Measurements measured;
  measured.flag_seconds = seconds_from_nanos(polling) / 2;
  // Both sleep in turn.
  measured.wake_seconds =
      sleeping == 0 ? 0 : seconds_from_nanos(std::max<Nanos>(sleeping - polling, 0)) / 2;
  return plausible(measured);
}

// By the difference of two messages, the second twice as long: what both have in common, as the
// way there and back and a burst that passes unshaped, falls out. 0 where two such differences in
// a row do not agree.
Result<double> PairProbe::bytes_per_second(Nanos there_and_back, Time end) {
  memory_.resize(kPairBytesMost);
  Nanos before = 0;
  double rate = 0;
  double rate_before = 0;
  for (std::size_t bytes = kFirstBytes; bytes <= kPairBytesMost; bytes *= 2) {
    const ScheduleChoice choice = world_.plane.choose(
        {.kind = CollectiveKind::send, .dtype = DType::uint8, .element_count = bytes});
    const Command command{.byte_count = static_cast<std::uint32_t>(bytes), .choice = choice};
    HVD_ASSIGN(Nanos took, round_trip(command));
    // Short ones more often, as what disturbs them counts more.
    for (int again = 0; again < 2 && took < kLongEnough / 4; ++again) {
      HVD_ASSIGN(const Nanos one_more, round_trip(command));
      took = std::min(took, one_more);
    }
    rate_before = rate;
    rate = before > 0 && took > before
               ? static_cast<double>(bytes) / 2 / seconds_from_nanos(took - before)
               : 0;
    before = took;
    // Two differences need three messages, in spite of the budget where the way is long.
    const bool is_late =
        world_.clock.now() >= end && (bytes >= 4 * kFirstBytes || there_and_back > kPatience);
    if (is_late || took > kLongEnough + 2 * there_and_back) {
      break;
    }
  }
  constexpr double kAgree = 1.5;
  const bool agree = rate < kAgree * rate_before && rate_before < kAgree * rate;
  return agree ? rate : 0;
}

Result<Measurements> PairProbe::lead_between_hosts(Nanos budget) {
  // The other may come late, and a connection has to be made.
  HVD_TRY(round_trip({}).status());
  send_time_ = 0;
  const Time start = world_.clock.now();
  HVD_ASSIGN(const Nanos there_and_back, round_trips({}, kPingsMost, start + budget / 4));
  Measurements measured;
  if (there_and_back > 0) {
    measured.overhead_seconds = seconds_from_nanos(send_time_);
    HVD_ASSIGN(measured.network_bytes_per_second, bytes_per_second(there_and_back, start + budget));
  }
  HVD_TRY(stop());
  measured.latency_seconds = std::max(
      kLatencyLeast, seconds_from_nanos(there_and_back) / 2 - 2 * measured.overhead_seconds);
  // Half a model is none.
  return measured.network_bytes_per_second > 0 ? plausible(measured) : Measurements{};
}

}  // namespace hvd
