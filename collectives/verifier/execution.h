// collectives/verifier/execution.h: runs all ranks' schedules over formulas instead of numbers.
// Not here: what the outputs must be (post_condition.h), why one run suffices (../verifier.h).
// Threads: one.  Limits: run once.
// Read next: execution.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectives/verifier.h"
#include "collectives/verifier/contents.h"
#include "collectives/verifier/report.h"
#include "collectives/verifier/shared_accesses.h"
#include "collectives/verifier/terms.h"

namespace hvd {

// What a run looks at. A read that comes too early gets stale elements, and whatever is then said
// about them hides the cause; so where memory is shared, a first run looks at the order alone.
enum class Look : std::uint8_t { order_only, order_and_values };

class Execution {
 public:
  // The schedules passed collective_fault.
  Execution(std::span<const Schedule> schedules, int edge_slot_count, Look look);

  // The first fault, or a report without one; then output() holds what came out.
  VerifierReport run();

  const TermTable& terms() const { return terms_; }
  const Contents& output(std::size_t rank) const { return ranks_[rank].output; }
  // At the end: how many ops of each rank are over whenever this rank has come to its end. Kept
  // only where somebody asks: for barriers and shared memory.
  const VectorClock& clock(std::size_t rank) const { return ranks_[rank].clock; }

 private:
  struct Chunk {
    Elements elements;
    VectorClock clock;
    std::size_t op_index = 0;
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
    bool is_queued = false;
    Contents input;
    Contents output;  // in place it holds the input at first
    Contents scratch;
    Contents slot;
    VectorClock clock;
    std::map<std::uint32_t, std::vector<FlagRaise>> flags;
  };
  struct Operand {
    Contents* contents;
    std::uint64_t offset;
    bool is_shared;
    std::size_t owner;
  };

  void start_rank(std::size_t rank);
  void enqueue(std::size_t rank);
  bool is_blocked(std::size_t rank, const Op& op) const;
  std::optional<VerifierReport> run_rank(std::size_t rank);
  std::optional<VerifierReport> run_op(std::size_t rank, const Op& op);
  std::optional<VerifierReport> run_local(std::size_t rank, const Op& op);
  std::optional<VerifierReport> run_send(std::size_t rank, const Op& op);
  std::optional<VerifierReport> run_receive(std::size_t rank, const Op& op);
  std::optional<VerifierReport> run_post(std::size_t rank, const Op& op);
  void run_wait(std::size_t rank, const Op& op);

  std::optional<VerifierReport> read(std::size_t rank, const Op& op, bool from_dst,
                                     Elements& elements);
  std::optional<VerifierReport> write(std::size_t rank, const Op& op, Elements& elements);
  std::optional<VerifierReport> scale(std::size_t rank, const Op& op, Elements& elements);
  // ours = ours (op) theirs, or reversed.
  std::optional<VerifierReport> combine(std::size_t rank, const Op& op, Elements& ours,
                                        const Elements& theirs);
  std::string combination_fault(const Value& ours, const Value& theirs) const;

  VerifierReport deadlock_report() const;
  std::optional<VerifierReport> leftover_chunk() const;
  std::string waiting_text(std::size_t rank) const;

  Operand operand(std::size_t rank, const Op& op, bool is_dst);
  Edge& edge(std::size_t from, std::size_t to) { return edges_[from * ranks_.size() + to]; }
  const Edge& edge(std::size_t from, std::size_t to) const {
    return edges_[from * ranks_.size() + to];
  }
  void finish_op(std::size_t rank);
  void learn(std::size_t rank, const VectorClock& clock);
  VerifierReport fault(VerifierRule rule, std::size_t rank, const std::string& text,
                       std::uint64_t begin = 0, std::uint64_t end = 0) const;
  VerifierReport conflict_report(std::size_t rank, const Conflict& conflict, bool writes) const;

  const std::span<const Schedule> schedules_;
  const std::size_t edge_slot_count_;
  const bool keeps_clocks_;
  const bool looks_at_values_;
  TermTable terms_;
  std::vector<RankState> ranks_;
  std::vector<Edge> edges_;
  std::vector<SharedAccesses> shared_;
  std::vector<std::size_t> queue_;  // ranks that may be able to go on
  Elements first_;                  // working space of one op
  Elements second_;
};

}  // namespace hvd
