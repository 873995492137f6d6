#include "tests/sim/sim_world.h"

#include <algorithm>

namespace hvd::sim {

void Agenda::at(Time when, std::function<void()> what) {
  events_.emplace(std::pair(std::max(when, clock_.now()), scheduled_count_++), std::move(what));
}

bool Agenda::run_next(Time until) {
  if (events_.empty() || events_.begin()->first.first > until) {
    return false;
  }
  auto first = events_.extract(events_.begin());
  clock_.set(first.key().first);
  first.mapped()();
  return true;
}

// One rank's end of the star.
class SimWorld::ControlEnd final : public ControlPlane {
 public:
  ControlEnd(SimWorld& world, Rank self) : world_(world), self_(self) {}
  void send(Rank to, std::span<const std::byte> message) override {
    world_.send(self_, to, message);
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

  std::deque<ControlEvent> inbox;

 private:
  SimWorld& world_;
  Rank self_;
};

// What one rank sees of the others' words; each store is seen by each of them at its own time.
class SimWorld::Board final : public WordBoard {
 public:
  Board(SimWorld& world, Rank self)
      : seen(static_cast<std::size_t>(world.options_.rank_count)), world_(world), self_(self) {}
  void publish(PlanWord word) override { world_.spread_word(self_, word); }
  PlanWord word_of(Rank rank) const override { return seen[rank.index()]; }

  std::vector<PlanWord> seen;

 private:
  SimWorld& world_;
  Rank self_;
};

struct SimWorld::SimRank {
  std::unique_ptr<ControlEnd> control;
  std::unique_ptr<Board> board;
  std::unique_ptr<SimDataPlane> data;
  std::unique_ptr<Coordinator> coordinator;
  std::function<void()> after_pass = [] {};
  bool dead = false;
  bool frozen = false;
  bool leaving = false;
  bool left = false;
  bool wake_scheduled = false;
  Time leave_began_at = 0;
  Time leave_until = kNever;
  Nanos leave_took = 0;
  Time timer_at = kNever;
};

SimWorld::SimWorld(const Options& options)
    : random(options.seed),
      options_(options),
      logger_(LogLevel::warning, "",
              [this](LogLevel, std::string_view line) { warnings_.emplace_back(line); }),
      data_(options.rank_count,
            {.fault = [this](std::string text) { faults_.push_back(std::move(text)); },
             .later =
                 [this](Rank rank, std::function<void()> what) {
                   const auto wait = static_cast<Nanos>(random.below(2 * kMillisecond));
                   agenda.at(clock.now() + wait, [this, rank, what = std::move(what)] {
                     what();
                     wake(rank);
                   });
                 },
             .dead = [this](Rank rank) { return at(rank).dead; },
             .coin = [this] { return random.below(2) == 0; }}) {
  std::vector<RankAddress> addresses;
  addresses.reserve(static_cast<std::size_t>(options.rank_count));
  for (int r = 0; r < options.rank_count; ++r) {
    addresses.push_back({str("host", r / 4), 4000 + r});
  }
  for (int r = 0; r < options.rank_count; ++r) {
    auto rank = std::make_unique<SimRank>();
    rank->control = std::make_unique<ControlEnd>(*this, Rank(r));
    rank->data = data_.plane(Rank(r));
    rank->board = std::make_unique<Board>(*this, Rank(r));
    ranks_.push_back(std::move(rank));
  }
  for (int r = 0; r < options.rank_count; ++r) {
    SimRank& rank = at(Rank(r));
    rank.coordinator = std::make_unique<Coordinator>(
        options.config, JobRanks(Rank(r), addresses),
        Coordinator::World{clock, *rank.control, *rank.data, logger_,
                           options.words_by_message ? nullptr : rank.board.get()});
    wake(Rank(r));
  }
}

SimWorld::~SimWorld() = default;

Coordinator& SimWorld::coordinator(Rank rank) { return *at(rank).coordinator; }
void SimWorld::after_pass(Rank rank, std::function<void()> what) {
  at(rank).after_pass = std::move(what);
}
bool SimWorld::dead(Rank rank) const { return at(rank).dead; }
bool SimWorld::frozen(Rank rank) const { return at(rank).frozen; }
bool SimWorld::left(Rank rank) const { return at(rank).left; }
Nanos SimWorld::leave_took(Rank rank) const { return at(rank).leave_took; }

// ---- passes ------------------------------------------------------------------------------------

void SimWorld::wake(Rank rank) {
  SimRank& self = at(rank);
  if (self.wake_scheduled) {
    return;
  }
  self.wake_scheduled = true;
  // Sometimes the thread comes late, so that several things are found in one pass.
  const Nanos late = random.below(4) == 0 ? static_cast<Nanos>(random.below(kMillisecond)) : 0;
  agenda.at(clock.now() + late, [this, rank] {
    at(rank).wake_scheduled = false;
    pass(rank);
  });
}

void SimWorld::pass(Rank rank) {
  SimRank& self = at(rank);
  if (self.dead || self.frozen || self.left) {
    return;
  }
  Coordinator& coordinator = *self.coordinator;
  if (!coordinator.baton.try_take()) {
    faults_.push_back("the baton was taken twice");
    return;
  }
  while (coordinator.run_pass()) {
  }
  const Time next = coordinator.next_deadline();
  if (self.leaving && (coordinator.may_leave() || clock.now() >= self.leave_until)) {
    if (!coordinator.may_leave()) {
      faults_.push_back(str("rank ", rank, " left only because its time was up"));
    }
    coordinator.finish_leave();
    self.left = true;
    self.leave_took = clock.now() - self.leave_began_at;
  }
  coordinator.baton.give_back();
  if (next <= clock.now()) {
    faults_.push_back(str("rank ", rank, " wants to be woken in the past"));
  } else if (next != kNever && next != self.timer_at) {
    self.timer_at = next;
    agenda.at(next, [this, rank, next] {
      if (at(rank).timer_at == next) {
        at(rank).timer_at = kNever;
        wake(rank);
      }
    });
  }
  if (self.left) {
    channel_ends(rank, "connection closed by peer");
  }
  self.after_pass();
}

// ---- the star ----------------------------------------------------------------------------------

void SimWorld::send(Rank from, Rank to, std::span<const std::byte> message) {
  if (from == to || (from != kRoot && to != kRoot)) {
    faults_.push_back(str("rank ", from, " sent to rank ", to, ": there is no such channel"));
    return;
  }
  if (message.size() > kControlMessageBytesMax) {
    faults_.push_back(str("rank ", from, " sent a message of ", message.size(), " bytes"));
    return;
  }
  fly(from, to,
      {.kind = ControlEvent::Kind::message,
       .from = from,
       .message = Bytes(message.begin(), message.end()),
       .reason = {}});
}

void SimWorld::spread_word(Rank from, PlanWord word) {
  for (int r = 0; r < rank_count(); ++r) {
    const auto delay = static_cast<Nanos>(random.below(10 * kMicrosecond));
    agenda.at(clock.now() + delay, [this, from, word, to = Rank(r)] {
      PlanWord& seen = at(to).board->seen[from.index()];
      seen = PlanWord::of_bits(std::max(seen.bits(), word.bits()));
      wake(to);
    });
  }
}

void SimWorld::fly(Rank from, Rank to, ControlEvent event) {
  std::deque<Flight>& channel = flights_[{from.value, to.value}];
  const auto delay =
      static_cast<Nanos>(random.below(static_cast<std::uint64_t>(options_.message_delay_most)) + 1);
  const Time earliest = channel.empty() ? 0 : channel.back().arrives_at;
  const Time arrives_at = std::max(earliest, clock.now() + delay);
  const std::uint64_t id = flight_count_++;
  channel.push_back({arrives_at, id, std::move(event)});
  agenda.at(arrives_at, [this, from, to, id] { land(from, to, id); });
}

void SimWorld::land(Rank from, Rank to, std::uint64_t id) {
  std::deque<Flight>& channel = flights_[{from.value, to.value}];
  if (channel.empty() || channel.front().id != id) {
    return;  // lost with its sender
  }
  ControlEvent event = std::move(channel.front().event);
  channel.pop_front();
  if (!at(to).dead && !at(to).left) {
    at(to).control->inbox.push_back(std::move(event));
    wake(to);
  }
}

void SimWorld::lose_tail(Rank from, Rank to) {
  std::deque<Flight>& channel = flights_[{from.value, to.value}];
  channel.resize(random.below(channel.size() + 1));
}

void SimWorld::channel_ends(Rank rank, const std::string& reason) {
  for (int r = 0; r < rank_count(); ++r) {
    const Rank peer(r);
    if (peer != rank && (peer == kRoot || rank == kRoot)) {
      fly(rank, peer,
          {.kind = ControlEvent::Kind::peer_lost, .from = rank, .message = {}, .reason = reason});
    }
  }
}

// ---- life and death ----------------------------------------------------------------------------

void SimWorld::kill(Rank rank) {
  if (at(rank).dead || at(rank).left) {
    return;
  }
  at(rank).dead = true;
  for (int r = 0; r < rank_count(); ++r) {
    lose_tail(rank, Rank(r));
  }
  channel_ends(rank, "connection reset by peer");
  // The root hears of it and tells everyone. Once the root has left, only the wires can.
  agenda.at(clock.now() + kSecond, [this, rank] {
    if (at(kRoot).left) {
      data_.rank_died(rank);
    }
  });
}

void SimWorld::freeze(Rank rank) { at(rank).frozen = true; }

void SimWorld::thaw(Rank rank) {
  at(rank).frozen = false;
  wake(rank);
}

void SimWorld::leave(Rank rank, Nanos most) {
  SimRank& self = at(rank);
  Coordinator& coordinator = *self.coordinator;
  if (!coordinator.baton.try_take()) {
    faults_.push_back("the baton was taken twice");
    return;
  }
  coordinator.begin_leave();
  self.leaving = true;
  self.leave_began_at = clock.now();
  self.leave_until = clock.now() + most;
  if (coordinator.may_leave()) {
    coordinator.finish_leave();
    self.left = true;
  }
  coordinator.baton.give_back();
  if (self.left) {
    channel_ends(rank, "connection closed by peer");
    return;
  }
  agenda.at(self.leave_until, [this, rank] { wake(rank); });
  wake(rank);
}

}  // namespace hvd::sim
