#include "backends/calibrate/pair_probe.h"

#include <algorithm>
#include <array>
#include <bit>
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
// A pass over sockets is a system call; in between the memory of this host is looked at, but only
// if what is awaited comes there.
constexpr int kPassesBetweenPolls = 64;
constexpr int kPassesBetweenPollsOfHosts = 4;
constexpr Nanos kSleepMost = 10 * kMillisecond;
// A way of that length is measured in spite of the budget, once.
constexpr Nanos kPatience = 20 * kMillisecond;
constexpr double kLatencyLeast = 1e-7;
// Messages grow until one takes that long on the wire: some ten times what interrupts and timers
// add, and more than a token bucket lets pass at once (128 KiB of 1 Gbit/s are 1 ms).
constexpr Nanos kLongEnough = 2 * kMillisecond;
constexpr std::size_t kFirstBytes = std::size_t{4} << 10;
constexpr std::size_t kSizesMost = 22;  // 1 B to kPairBytesMost
static_assert(kPairBytesMost == std::size_t{1} << (kSizesMost - 1));
// Beside the time that is meant for it: messages of a long way take what they take.
constexpr Nanos kWaysOfRate = 16;
constexpr std::size_t kLateMost = 8;

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
  const int passes_between_polls =
      world_.between_hosts ? kPassesBetweenPollsOfHosts : kPassesBetweenPolls;
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
    } else if (pass % passes_between_polls == 0) {
      (void)world_.idle.poll();
      HVD_TRY(world_.alive());
      if (pass % kPassesBetweenPolls == 0) {
        yield_thread();  // the other may be waiting for this core
      }
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

Result<Nanos> PairProbe::message_time(std::size_t byte_count) {
  const ScheduleChoice choice = world_.plane.choose(
      {.kind = CollectiveKind::send, .dtype = DType::uint8, .element_count = byte_count});
  const Command command{.byte_count = static_cast<std::uint32_t>(byte_count), .choice = choice};
  HVD_ASSIGN(Nanos least, round_trip(command));
  // What disturbs one, another may be spared; short ones more often, as it counts more there.
  for (int again = 0; again < (least < kLongEnough ? 2 : 1) && least < kPatience; ++again) {
    HVD_ASSIGN(const Nanos took, round_trip(command));
    least = std::min(least, took);
  }
  return least;
}

// By the difference of two messages, the second twice as long: what both have in common, as the
// way there and back and a burst that passes unshaped, falls out. Messages grow until one takes
// long enough to be past a burst; then two such differences in a row have to agree, or messages
// grow on. 0, not measured, where they never do in time.
Result<double> PairProbe::bytes_per_second(Nanos there_and_back, Time end) {
  memory_.resize(kPairBytesMost);
  std::array<Nanos, kSizesMost> times{};  // by the logarithm of the bytes; 0: not taken
  const auto time_of = [&](std::size_t bytes) -> Result<Nanos> {
    Nanos& known = times[static_cast<std::size_t>(std::bit_width(bytes) - 1)];
    if (known == 0) {
      HVD_ASSIGN(known, message_time(bytes));
    }
    return known;
  };
  // A connection has to be made for these, too.
  const ScheduleChoice choice = world_.plane.choose(
      {.kind = CollectiveKind::send, .dtype = DType::uint8, .element_count = kFirstBytes});
  HVD_TRY(round_trip({.byte_count = kFirstBytes, .choice = choice}).status());
  std::size_t bytes = there_and_back > kMillisecond ? 4 * kFirstBytes : kFirstBytes;
  while (world_.clock.now() < end) {
    HVD_ASSIGN(const Nanos took, time_of(bytes));
    const Nanos on_the_wire = took - there_and_back;
    if (on_the_wire < kLongEnough && bytes < kPairBytesMost) {
      const std::size_t factor = on_the_wire < kLongEnough / 8 ? 4 : 2;
      bytes = std::min(kPairBytesMost, bytes * factor);
      continue;
    }
    HVD_ASSIGN(const Nanos half, time_of(bytes / 2));
    HVD_ASSIGN(const Nanos quarter, time_of(bytes / 4));
    if (took > half && half > quarter) {
      constexpr double kAgree = 1.5;
      const double rate = static_cast<double>(bytes) / 2 / seconds_from_nanos(took - half);
      const double before = static_cast<double>(bytes) / 4 / seconds_from_nanos(half - quarter);
      if (rate < kAgree * before && before < kAgree * rate) {
        return rate;
      }
    }
    if (bytes == kPairBytesMost) {
      break;
    }
    bytes *= 2;
  }
  return 0.0;
}

// The answer is surely there when it is looked for: what is left is a core's part of it.
Result<Nanos> PairProbe::late_receive(Nanos there_and_back, Time end) {
  std::vector<Nanos> times;
  while (times.size() < kLateMost && (times.size() < kSteadyCount || world_.clock.now() < end)) {
    const Time sent_at = world_.clock.now();
    HVD_TRY(send({}));
    // Not yielded: whoever else is on this core would keep it for longer than there is time.
    while (world_.clock.now() < sent_at + there_and_back + there_and_back / 2) {
    }
    const Time start = world_.clock.now();
    HVD_TRY(await_answer(Waiting::polls));
    times.push_back(std::max<Nanos>(world_.clock.now() - start, 1));
  }
  return steady_least(std::move(times));
}

// A round trip is the wire twice, and four times a core: to send and to receive, on each side. The
// two are not alike: where the wire is memory, whoever sends does the receiver's share of the
// network's stack as well. The model has one overhead for both: the mean.
Result<Measurements> PairProbe::lead_between_hosts(Nanos budget) {
  // The other may come late, and a connection has to be made.
  HVD_TRY(round_trip({}).status());
  send_time_ = 0;
  const Time start = world_.clock.now();
  HVD_ASSIGN(const Nanos there_and_back, round_trips({}, kPingsMost, start + budget / 4));
  Measurements measured;
  if (there_and_back > 0) {
    const Nanos sending = send_time_;
    HVD_ASSIGN(const Nanos late, late_receive(there_and_back, start + budget / 2));
    const Nanos receiving = late > 0 ? late : sending;
    measured.overhead_seconds = seconds_from_nanos(sending + receiving) / 2;
    measured.latency_seconds = std::max(kLatencyLeast, seconds_from_nanos(there_and_back) / 2 -
                                                           seconds_from_nanos(sending + receiving));
    const Time end = world_.clock.now() + 2 * budget + kWaysOfRate * there_and_back;
    HVD_ASSIGN(measured.network_bytes_per_second, bytes_per_second(there_and_back, end));
  }
  HVD_TRY(stop());
  // Half a model is none.
  return measured.network_bytes_per_second > 0 ? plausible(measured) : Measurements{};
}

}  // namespace hvd
