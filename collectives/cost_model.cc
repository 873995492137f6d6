#include "collectives/cost_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collectives/schedule_text.h"

namespace hvd {
namespace {

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
constexpr double kProductsBytes = 3 * sizeof(double);  // of a place of dot products

bool sends(const Op& op) { return op.kind == OpKind::send; }
bool receives(const Op& op) { return op.kind == OpKind::recv || op.kind == OpKind::recv_reduce; }

// What happens at a time: a rank goes on, or the first byte of a chunk reaches its host.
struct Event {
  double time;
  std::uint64_t number;  // decides between events of one time: first come, first served
  std::size_t subject;   // a rank, or a message
  bool is_arrival;
  bool operator>(const Event& other) const {
    return time != other.time ? time > other.time : number > other.number;
  }
};

struct Chunk {
  double time;  // from when on the receiver can take it
  std::uint32_t depth;
};

struct Edge {
  std::size_t to = 0;
  bool is_network = false;
  std::size_t slot_count = 1;
  std::size_t sent_count = 0;
  std::vector<Chunk> chunks;  // that have come, in order
  std::vector<double> freed;  // when the sender knew that the n-th chunk's slot was free
  std::vector<int> peers;     // to whom the n-th went; only where one rank stands for all
  std::size_t waiting_receiver = kNobody;
  std::size_t waiting_sender = kNobody;
  std::size_t taken_count() const { return freed.size(); }
};

struct Message {
  std::size_t edge;
  double bytes;
  double ready;  // when the sender's core had handed over all of it
  std::uint32_t depth;
};

struct FlagRaise {
  std::uint32_t value;
  double time;  // from when on others see it
  std::uint32_t depth;
};

struct RankState {
  std::size_t host = 0;
  double clock = 0;
  std::size_t next_op = 0;
  std::size_t awaited = 0;  // wait_all: the others before this place of slot_ranks are there
  std::uint32_t depth = 0;
  double network_bytes = 0;
  double message_count = 0;
  std::array<std::vector<FlagRaise>, kFlagCount> flags;
  std::vector<std::size_t> flag_waiters;
};

struct Host {
  double sends_until = 0;  // its interface is busy
  double takes_until = 0;
  double memory_until = 0;  // its memory is
  double working_set = 0;   // bytes of tensors and scratch
  double slot_bytes = 0;
  bool is_cached = true;  // the working set fits in the caches
  bool are_slots_cached = true;
};

// Runs all ranks in the order of their clocks. Whoever cannot go on is put aside until the chunk,
// free slot or flag is there.
class Simulation {
 public:
  Simulation(std::span<const Schedule> schedules, DType dtype, const CostParameters& parameters,
             std::span<const int> host_of_rank, bool one_for_all)
      : schedules_(schedules),
        element_bytes_(static_cast<double>(dtype_bytes(dtype))),
        parameters_(parameters),
        one_for_all_(one_for_all),
        ranks_(schedules.size()) {
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      const std::size_t host =
          host_of_rank.empty() ? 0 : static_cast<std::size_t>(host_of_rank[rank]);
      ranks_[rank].host = host;
      hosts_.resize(std::max(hosts_.size(), host + 1));
      const Schedule& schedule = schedules[rank];
      const std::uint64_t vectors = schedule.in_place ? 1 : 2;
      hosts_[host].working_set +=
          element_bytes_ *
          static_cast<double>(schedule.element_count * vectors + schedule.scratch_element_count);
      hosts_[host].slot_bytes += element_bytes_ * static_cast<double>(schedule.slot_element_count);
      const bool streams = std::any_of(schedule.ops.begin(), schedule.ops.end(),
                                       [](const Op& op) { return (op.flags & kStream) != 0; });
      hosts_[host].are_slots_cached = hosts_[host].are_slots_cached && !streams;
      push({0, 0, rank, false});
    }
    const auto cache_bytes = static_cast<double>(parameters.cache_bytes);
    for (Host& host : hosts_) {
      host.is_cached = host.working_set + host.slot_bytes <= cache_bytes;
      host.are_slots_cached = host.are_slots_cached && host.slot_bytes <= cache_bytes;
    }
  }

  Result<Cost> run() {
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      event.is_arrival ? arrive(event) : run_rank(event);
    }
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      const std::vector<Op>& ops = schedules_[rank].ops;
      const std::size_t next = ranks_[rank].next_op;
      if (next < ops.size()) {
        return error(StatusCode::invalid_argument, "no time can be predicted: rank ", rank,
                     " waits for ever at op ", next, ", ", op_text(ops[next]));
      }
    }
    return total();
  }

 private:
  void push(Event event) {
    event.number = event_count_++;
    events_.push(event);
  }
  void wake(std::size_t& waiter, double time) {
    if (waiter != kNobody) {
      push({std::max(time, ranks_[waiter].clock), 0, waiter, false});
      waiter = kNobody;
    }
  }

  // While nobody else's clock is behind, a rank goes on without coming through the queue.
  void run_rank(const Event& event) {
    RankState& rank = ranks_[event.subject];
    rank.clock = std::max(rank.clock, event.time);
    const std::vector<Op>& ops = schedules_[event.subject].ops;
    while (rank.next_op < ops.size()) {
      if (!events_.empty() && events_.top().time < rank.clock) {
        push({rank.clock, 0, event.subject, false});
        return;
      }
      const Op& op = ops[rank.next_op];
      if (!run_op(event.subject, op)) {
        return;
      }
      rank.clock += parameters_.op_seconds;
      ++rank.next_op;
    }
  }

  // False where the rank has to wait; then somebody wakes it.
  bool run_op(std::size_t rank, const Op& op) {
    switch (op.kind) {
      case OpKind::copy:
      case OpKind::reduce:
      case OpKind::weigh:
        run_copy(rank, op, op.kind != OpKind::copy);
        return true;
      case OpKind::dot:
        run_dot(rank, op);
        return true;
      case OpKind::send:
        return run_send(rank, op);
      case OpKind::recv:
      case OpKind::recv_reduce:
        return run_receive(rank, op);
      case OpKind::post:
        run_post(rank, op);
        return true;
      case OpKind::wait:
        return sees_flag(rank, static_cast<std::size_t>(op.peer), op);
      case OpKind::wait_all:
        return sees_all_flags(rank, op);
      case OpKind::reduce_slots:
        run_reduce_slots(rank, op);
        return true;
    }
    return true;
  }

  double bytes(const Op& op) const {
    const bool of_products = op.src == BufferKind::products || op.dst == BufferKind::products;
    const double element_bytes = of_products ? kProductsBytes : element_bytes_;
    return element_bytes * static_cast<double>(op.count);
  }
  // On a wire: a narrow type has 16 bits.
  double wire_bytes(const Op& op) const {
    return (op.flags & kNarrow) != 0 ? 2.0 * static_cast<double>(op.count) : bytes(op);
  }
  // Bytes that are moved in the caches and outside, by a core.
  struct Traffic {
    double cached = 0;
    double memory = 0;
  };
  bool is_cached(std::size_t rank, BufferKind buffer) const {
    const Host& host = hosts_[ranks_[rank].host];
    return buffer == BufferKind::slot ? host.are_slots_cached
                                      : host.is_cached || buffer == BufferKind::products;
  }
  void read(std::size_t rank, BufferKind buffer, double size, Traffic& traffic) const {
    (is_cached(rank, buffer) ? traffic.cached : traffic.memory) += size;
  }
  // Outside the caches an ordinary store reads its line first, but in place the line of the result
  // has been read already.
  void write(std::size_t rank, const Op& op, BufferKind buffer, double size,
             Traffic& traffic) const {
    if (is_cached(rank, buffer)) {
      traffic.cached += size;
      return;
    }
    const bool is_there = schedules_[rank].in_place && buffer == BufferKind::output;
    traffic.memory += is_there || (op.flags & kStream) != 0 ? size : 2 * size;
  }

  // The core's own pace, and the host's memory after all that was asked of it before.
  void work(std::size_t rank, const Traffic& traffic) {
    RankState& state = ranks_[rank];
    Host& host = hosts_[state.host];
    const double alone = traffic.cached / parameters_.core_cached_bytes_per_second +
                         traffic.memory / parameters_.core_memory_bytes_per_second;
    if (traffic.memory == 0) {
      state.clock += alone;
      return;
    }
    host.memory_until = std::max(host.memory_until, state.clock) +
                        traffic.memory / parameters_.host_memory_bytes_per_second;
    state.clock = std::max(state.clock + alone, host.memory_until);
  }

  void run_copy(std::size_t rank, const Op& op, bool combines) {
    Traffic traffic;
    read(rank, op.src, bytes(op), traffic);
    if (combines) {
      read(rank, op.dst, bytes(op), traffic);
    }
    write(rank, op, op.dst, bytes(op), traffic);
    work(rank, traffic);
    if (op.src == BufferKind::peer_part) {
      ranks_[rank].clock +=
          parameters_.call_seconds + bytes(op) / parameters_.kernel_copy_bytes_per_second;
    }
    slot_bytes_ += op.dst == BufferKind::slot ? bytes(op) : 0;
  }

  void run_dot(std::size_t rank, const Op& op) {
    Traffic traffic;
    read(rank, op.dst, bytes(op), traffic);
    read(rank, op.src, bytes(op), traffic);
    work(rank, traffic);
  }

  // What came over an edge lies in a small buffer, so in the caches.
  void take(std::size_t rank, const Op& op) {
    Traffic traffic{.cached = bytes(op)};
    if (op.kind == OpKind::recv_reduce) {
      read(rank, op.src, bytes(op), traffic);
    }
    write(rank, op, op.dst, bytes(op), traffic);
    work(rank, traffic);
  }

  Edge& edge(std::size_t from, std::size_t to) {
    if (one_for_all_) {
      from = to = 0;
    }
    const auto [found, is_new] =
        edges_of_pairs_.try_emplace(from * ranks_.size() + to, edges_.size());
    if (is_new) {
      const bool is_network = one_for_all_ || ranks_[from].host != ranks_[to].host;
      edges_.push_back(
          {.to = to,
           .is_network = is_network,
           .slot_count = static_cast<std::size_t>(is_network ? parameters_.network_slot_count
                                                             : parameters_.host_slot_count),
           .chunks = {},
           .freed = {},
           .peers = {}});
    }
    edge_index_ = found->second;
    return edges_[edge_index_];
  }

  // Whether the slot of the next chunk is free; the clock is then past the moment it became so.
  bool has_slot(RankState& state, Edge& to, const Op& op) const {
    if (to.sent_count < to.slot_count) {
      return true;
    }
    const std::size_t before = to.sent_count - to.slot_count;
    // One edge stands for those to all peers: what went to another peer took no slot of this.
    if (one_for_all_ && to.peers[before] != op.peer) {
      return true;
    }
    if (to.freed.size() <= before) {
      return false;
    }
    state.clock = std::max(state.clock, to.freed[before]);
    return true;
  }

  bool run_send(std::size_t rank, const Op& op) {
    RankState& state = ranks_[rank];
    Edge& to = edge(rank, static_cast<std::size_t>(op.peer));
    if (!has_slot(state, to, op)) {
      to.waiting_sender = rank;
      return false;
    }
    ++to.sent_count;
    ++state.message_count;
    if (one_for_all_) {
      to.peers.push_back(op.peer);
    }
    if (to.is_network) {
      send_over_network(state, op);
      return true;
    }
    Traffic traffic{.cached = bytes(op)};
    read(rank, op.src, bytes(op), traffic);
    work(rank, traffic);
    slot_bytes_ += bytes(op);
    to.chunks.push_back({state.clock + parameters_.flag_seconds, state.depth + 1});
    wake(to.waiting_receiver, to.chunks.back().time);
    return true;
  }

  // The interface sends what the core hands over, so they overlap.
  void send_over_network(RankState& state, const Op& op) {
    const double size = wire_bytes(op);
    Host& host = hosts_[state.host];
    const double start = std::max(state.clock + parameters_.overhead_seconds, host.sends_until);
    host.sends_until = start + time_on_wire(size);
    state.clock += parameters_.overhead_seconds + size / parameters_.network_copy_bytes_per_second;
    state.network_bytes += size;
    messages_.push_back({edge_index_, size, state.clock, state.depth + 1});
    push({start + parameters_.latency_seconds, 0, messages_.size() - 1, true});
  }
  double time_on_wire(double size) const {
    return std::max(parameters_.gap_seconds, size / parameters_.network_bytes_per_second);
  }

  void arrive(const Event& event) {
    const Message& message = messages_[event.subject];
    Edge& to = edges_[message.edge];
    Host& host = hosts_[ranks_[to.to].host];
    const double start = std::max(event.time, host.takes_until);
    host.takes_until = start + time_on_wire(message.bytes);
    const double all_there = std::max(start + message.bytes / parameters_.network_bytes_per_second,
                                      message.ready + parameters_.latency_seconds);
    to.chunks.push_back({all_there, message.depth});
    wake(to.waiting_receiver, all_there);
  }

  bool run_receive(std::size_t rank, const Op& op) {
    RankState& state = ranks_[rank];
    Edge& from = edge(static_cast<std::size_t>(op.peer), rank);
    if (from.chunks.size() <= from.taken_count()) {
      from.waiting_receiver = rank;
      return false;
    }
    const Chunk chunk = from.chunks[from.taken_count()];
    state.depth = std::max(state.depth, chunk.depth);
    double slot_known_after = parameters_.flag_seconds;
    if (from.is_network) {
      // A core that waited has copied what came before.
      const double copied =
          state.clock + wire_bytes(op) / parameters_.network_copy_bytes_per_second;
      state.clock = std::max(copied, chunk.time) + parameters_.overhead_seconds;
      // Otherwise the copy from the network's stack went to where it belongs.
      if (op.kind == OpKind::recv_reduce) {
        take(rank, op);
      }
      slot_known_after = parameters_.latency_seconds;
    } else {
      state.clock = std::max(state.clock, chunk.time);
      take(rank, op);
    }
    from.freed.push_back(state.clock + slot_known_after);
    wake(from.waiting_sender, from.freed.back());
    return true;
  }

  void run_post(std::size_t rank, const Op& op) {
    RankState& state = ranks_[rank];
    const double seen = state.clock + parameters_.flag_seconds;
    state.flags[flag_of(op)].push_back({value_of(op), seen, state.depth + 1});
    for (std::size_t& waiter : std::exchange(state.flag_waiters, {})) {
      wake(waiter, seen);
    }
  }

  bool sees_flag(std::size_t rank, std::size_t whose, const Op& op) {
    RankState& state = ranks_[rank];
    const std::vector<FlagRaise>& raises = ranks_[whose].flags[flag_of(op)];
    const auto raise = std::lower_bound(
        raises.begin(), raises.end(), value_of(op),
        [](const FlagRaise& one, std::uint32_t value) { return one.value < value; });
    if (raise == raises.end()) {
      ranks_[whose].flag_waiters.push_back(rank);
      return false;
    }
    state.clock = std::max(state.clock, raise->time);
    state.depth = std::max(state.depth, raise->depth);
    return true;
  }

  bool sees_all_flags(std::size_t rank, const Op& op) {
    const std::vector<Rank>& others = schedules_[rank].slot_ranks;
    std::size_t& awaited = ranks_[rank].awaited;
    for (; awaited < others.size(); ++awaited) {
      if (others[awaited].index() != rank && !sees_flag(rank, others[awaited].index(), op)) {
        return false;
      }
    }
    awaited = 0;
    return true;
  }

  void run_reduce_slots(std::size_t rank, const Op& op) {
    const auto others = static_cast<double>(schedules_[rank].slot_ranks.size()) - 1;
    Traffic traffic;
    read(rank, op.src, bytes(op), traffic);
    const bool from_inputs = (op.flags & kFromInputs) != 0;
    read(rank, from_inputs ? BufferKind::peer_input : BufferKind::slot, bytes(op) * others,
         traffic);
    write(rank, op, op.dst, bytes(op), traffic);
    if ((op.flags & kToSlot) != 0) {
      write(rank, op, BufferKind::slot, bytes(op), traffic);
      slot_bytes_ += bytes(op);
    }
    if ((op.flags & kToOutputs) != 0) {
      write(rank, op, BufferKind::peer_output, bytes(op) * others, traffic);
      slot_bytes_ += bytes(op) * others;
    }
    work(rank, traffic);
  }

  Cost total() const {
    Cost cost;
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      const RankState& state = ranks_[rank];
      cost.seconds = std::max(cost.seconds, state.clock);
      cost.network_bytes += state.network_bytes;
      cost.network_bytes_rank = std::max(cost.network_bytes_rank, state.network_bytes);
      cost.message_count += state.message_count;
      cost.message_count_rank = std::max(cost.message_count_rank, state.message_count);
      cost.round_count = std::max(cost.round_count, static_cast<double>(state.depth));
      cost.op_count += static_cast<double>(schedules_[rank].ops.size());
    }
    cost.slot_bytes = slot_bytes_;
    return cost;
  }

  const std::span<const Schedule> schedules_;
  const double element_bytes_;
  const CostParameters parameters_;
  const bool one_for_all_;
  std::vector<RankState> ranks_;
  std::vector<Host> hosts_;
  std::vector<Edge> edges_;
  std::unordered_map<std::size_t, std::size_t> edges_of_pairs_;
  std::size_t edge_index_ = 0;  // of the edge that edge() gave last
  std::vector<Message> messages_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t event_count_ = 0;
  double slot_bytes_ = 0;
};

Status check_peers(const Schedule& schedule, std::size_t rank_count) {
  for (const Op& op : schedule.ops) {
    const bool has_peer = sends(op) || receives(op) || op.kind == OpKind::wait;
    if (has_peer && (op.peer < 0 || static_cast<std::size_t>(op.peer) >= rank_count ||
                     Rank{op.peer} == schedule.rank)) {
      return error(StatusCode::invalid_argument, "no time can be predicted: rank ", schedule.rank,
                   " has the op ", op_text(op), ", and rank ", op.peer, " is no other rank of ",
                   rank_count);
    }
    if ((op.kind == OpKind::post || op.kind == OpKind::wait || op.kind == OpKind::wait_all) &&
        flag_of(op) >= kFlagCount) {
      return error(StatusCode::invalid_argument, "no time can be predicted: rank ", schedule.rank,
                   " has the op ", op_text(op), ", and a rank has ", kFlagCount, " flags");
    }
  }
  const auto out_of_range = [&](Rank rank) { return rank.value < 0 || rank.index() >= rank_count; };
  if (std::any_of(schedule.slot_ranks.begin(), schedule.slot_ranks.end(), out_of_range)) {
    return error(StatusCode::invalid_argument, "no time can be predicted: rank ", schedule.rank,
                 " shares slots with a rank that is none of ", rank_count);
  }
  return ok_status();
}

}  // namespace

Status check_parameters(const CostParameters& p) {
  const auto is_rate = [](double value) { return std::isfinite(value) && value > 0; };
  const auto is_time = [](double value) { return std::isfinite(value) && value >= 0; };
  const bool fits =
      is_time(p.latency_seconds) && is_time(p.overhead_seconds) && is_time(p.gap_seconds) &&
      is_rate(p.network_bytes_per_second) && is_rate(p.network_copy_bytes_per_second) &&
      is_time(p.flag_seconds) && is_time(p.op_seconds) && is_time(p.call_seconds) &&
      is_rate(p.kernel_copy_bytes_per_second) && is_rate(p.core_cached_bytes_per_second) &&
      is_rate(p.core_memory_bytes_per_second) && is_rate(p.host_memory_bytes_per_second) &&
      p.network_slot_count > 0 && p.host_slot_count > 0;
  return fits ? ok_status()
              : error(StatusCode::invalid_argument,
                      "no time can be predicted: rates and slot counts are more than 0, latencies, "
                      "overheads and gaps 0 or more");
}

std::string_view cost_method_name(CostMethod method) {
  switch (method) {
    case CostMethod::every_rank:
      return "every rank evaluated";
    case CostMethod::one_for_all:
      return "one rank evaluated for all";
    case CostMethod::extrapolated:
      return "extrapolated from smaller jobs";
  }
  return "unknown";
}

Result<Cost> predict(std::span<const Schedule> schedules, DType dtype,
                     const CostParameters& parameters, std::span<const int> host_of_rank) {
  HVD_TRY(check_parameters(parameters));
  const auto rank_count = static_cast<int>(schedules.size());
  const bool hosts_fit = host_of_rank.empty() ||
                         (host_of_rank.size() == schedules.size() &&
                          std::all_of(host_of_rank.begin(), host_of_rank.end(),
                                      [&](int host) { return host >= 0 && host < rank_count; }));
  if (schedules.empty() || !hosts_fit) {
    return error(StatusCode::invalid_argument, "no time can be predicted of ", rank_count,
                 " schedules with ", host_of_rank.size(),
                 " hosts: each rank has one, and hosts are numbered from 0");
  }
  for (const Schedule& schedule : schedules) {
    HVD_TRY(check_peers(schedule, schedules.size()));
  }
  return Simulation(schedules, dtype, parameters, host_of_rank, false).run();
}

Result<Cost> predict_symmetric(const Schedule& schedule, DType dtype,
                               const CostParameters& parameters) {
  HVD_TRY(check_parameters(parameters));
  if (!schedule.slot_ranks.empty()) {
    return error(StatusCode::invalid_argument,
                 "one rank cannot stand for all where ranks share slots");
  }
  HVD_TRY(check_peers(schedule, static_cast<std::size_t>(schedule.rank_count)));
  HVD_ASSIGN(Cost cost, Simulation({&schedule, 1}, dtype, parameters, {}, true).run());
  const double ranks = schedule.rank_count;
  cost.network_bytes *= ranks;
  cost.message_count *= ranks;
  cost.op_count *= ranks;
  cost.method = CostMethod::one_for_all;
  return cost;
}

}  // namespace hvd
