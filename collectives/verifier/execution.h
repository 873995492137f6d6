// collectives/verifier/execution.h: runs all ranks' schedules over formulas instead of numbers.
// Not here: what the outputs must be (post_condition.h), why one run suffices (../verifier.h).
// Threads: one.  Limits: run once.
// Read next: execution.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectives/verifier.h"
#include "collectives/verifier/contents.h"
#include "collectives/verifier/op_rules.h"
#include "collectives/verifier/report.h"
#include "collectives/verifier/shared_accesses.h"
#include "collectives/verifier/terms.h"

namespace hvd {

// Whether ranks read or write one another's inputs and outputs; then these are shared memory.
bool uses_peer_tensors(std::span<const Schedule> schedules);

// What a run looks at. A read that comes too early gets stale elements, and whatever is then said
// about them hides the cause; so where memory is shared, a run that finds a fault is repeated with
// a look at the order alone.
enum class Look : std::uint8_t { order_only, order_and_values };

class Execution {
 public:
  // The schedules passed collective_fault.
  Execution(std::span<const Schedule> schedules, int edge_slot_count, Look look);

  // The first fault, or a report without one; then output() holds what came out.
  VerifierReport run();

  bool shares_memory() const { return shares_memory_; }
  const TermTable& terms() const { return terms_; }
  const Contents& output(std::size_t rank) const { return ranks_[rank].output; }
  // At the end: how many ops of each rank are over whenever this rank has come to its end. Kept
  // only where somebody asks: for barriers and shared memory.
  const VectorClock& clock(std::size_t rank) const { return ranks_[rank].clock; }

 private:
  using Fault = std::optional<VerifierReport>;
  struct Chunk {
    Elements elements;
    VectorClock clock;
    std::size_t op_index = 0;
    bool is_narrow = false;
    bool is_products = false;
  };
  struct Edge {
    std::vector<Chunk> chunks;  // in the order in which they were sent
    std::size_t taken_count = 0;
    std::size_t waiting_count() const { return chunks.size() - taken_count; }
  };
  struct FlagRaise {
    std::uint32_t value;
    VectorClock clock;
  };
  struct RankState {
    std::size_t next_op = 0;
    bool is_checked = false;  // op_fault has nothing against the next op
    bool is_queued = false;
    std::size_t awaited = 0;  // wait_all: the others before this place of slot_ranks are there
    Contents input;
    Contents output;  // in place it holds the input at first
    Contents scratch;
    Contents slot;
    Contents products;
    VectorClock clock;
    std::array<std::vector<FlagRaise>, kFlagCount> flags;
    std::vector<std::size_t> flag_waiters;  // ranks to go on when it raises a flag
  };
  // Accesses to memory of one rank that others may reach too.
  struct SharedMemory {
    SharedAccesses slot;
    SharedAccesses input;  // without elements unless ranks use one another's tensors
    SharedAccesses output;
  };
  struct Operand {
    Memory memory;
    std::uint64_t offset;
  };

  void start_rank(std::size_t rank);
  void offer_tensors(std::size_t rank);
  void enqueue(std::size_t rank);
  bool is_blocked(std::size_t rank, const Op& op);
  bool is_raised(std::size_t rank, const Op& op) const;
  bool waits_for_flag(std::size_t rank, std::size_t whose, const Op& op);
  bool waits_for_all(std::size_t rank, const Op& op);
  Fault run_rank(std::size_t rank);
  Fault finish_rank(std::size_t rank);
  Fault run_op(std::size_t rank, const Op& op);
  Fault run_local(std::size_t rank, const Op& op);
  Fault run_adasum(std::size_t rank, const Op& op);
  Fault run_send(std::size_t rank, const Op& op);
  Fault run_receive(std::size_t rank, const Op& op);
  Fault run_post(std::size_t rank, const Op& op);
  Fault run_reduce_slots(std::size_t rank, const Op& op);
  Fault write_slots_result(std::size_t rank, const Op& op);

  Operand source(std::size_t rank, const Op& op) const;
  Operand destination(std::size_t rank, const Op& op) const;
  Contents& contents(const Memory& memory);
  SharedAccesses* shared(const Memory& memory);
  Fault read(std::size_t rank, const Operand& from, std::uint64_t count, Elements& elements);
  // Moves the places in `elements`.
  Fault write(std::size_t rank, const Operand& to, Elements& elements);
  Fault combine(std::size_t rank, const Op& op, Elements& ours, const Elements& theirs);
  Fault finish_values(std::size_t rank, const Op& op, Elements& elements);

  VerifierReport deadlock_report() const;
  Fault leftover_chunk() const;
  std::string waiting_text(std::size_t rank) const;

  Edge& edge(std::size_t from, std::size_t to) { return edges_[from * ranks_.size() + to]; }
  const Edge& edge(std::size_t from, std::size_t to) const {
    return edges_[from * ranks_.size() + to];
  }
  void finish_op(std::size_t rank);
  void learn(std::size_t rank, std::size_t from, const VectorClock& clock);
  void learn_raise(std::size_t rank, std::size_t whose, const Op& op);
  VerifierReport fault(VerifierRule rule, std::size_t rank, const std::string& text,
                       std::uint64_t begin = 0, std::uint64_t end = 0) const;
  VerifierReport conflict_report(std::size_t rank, const Conflict& conflict, bool writes) const;

  const std::span<const Schedule> schedules_;
  const std::size_t edge_slot_count_;
  const bool uses_peer_tensors_;
  const bool shares_memory_;
  const bool keeps_clocks_;
  const bool looks_at_values_;
  TermTable terms_;
  std::vector<RankState> ranks_;
  std::vector<Edge> edges_;
  std::vector<SharedMemory> shared_;
  std::vector<std::size_t> queue_;  // ranks that may be able to go on
  Elements first_;                  // working space of one op
  Elements second_;
};

}  // namespace hvd
