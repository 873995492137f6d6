// tests/collectives/reference_machine.h: ranks that run schedules op by op, with numbers.
// Not here: whose turn it is, whether the result is right (reference_executor.h).
// Threads: one.  Limits: schedules that the verifier's collective_fault and op_fault accept.
// Read next: reference_executor.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "collectives/schedule.h"
#include "collectives/verifier/op_rules.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

struct Arithmetic {
  DType dtype = DType::float32;
  ReduceOp op = ReduceOp::sum;
  double prescale = 1.0;
  double postscale = 1.0;
};

// A copy of a machine goes on from where the machine was.
class ReferenceMachine {
 public:
  // `inputs`: what each rank contributes. Output, scratch and slots start as conspicuous numbers.
  ReferenceMachine(const std::vector<Schedule>& schedules,
                   const std::vector<std::vector<std::byte>>& inputs, const Arithmetic& arithmetic,
                   int edge_slot_count);

  std::size_t rank_count() const { return ranks_.size(); }
  bool can_run(std::size_t rank) const;
  void run_op(std::size_t rank);
  // All ranks are at their end, every chunk fitted, and none is left over.
  bool finished() const;
  // As it was when the rank came to its end; what others did to it later came too late.
  const std::vector<std::byte>& output(std::size_t rank) const { return ranks_[rank].result; }
  // The op that a rank runs next; it is not at its end.
  const Op& next_op(std::size_t rank) const {
    return (*schedules_)[rank].ops[ranks_[rank].next_op];
  }
  bool at_end(std::size_t rank) const {
    return ranks_[rank].next_op == (*schedules_)[rank].ops.size();
  }
  // At least as long as its schedule says.
  std::vector<std::byte>& slots(std::size_t rank) { return ranks_[rank].slot; }
  // Barrier: no rank was outside when this one left.
  bool saw_all_enter(std::size_t rank) const;
  // Equal for machines that go on alike.
  std::string state() const;

 private:
  struct RankState {
    std::size_t next_op = 0;
    bool saw_all_enter = true;
    std::vector<std::byte> input;
    std::vector<std::byte> output;
    std::vector<std::byte> result;
    std::vector<std::byte> scratch;
    std::vector<std::byte> slot;
    std::vector<std::byte> products;
    std::array<std::uint32_t, kFlagCount> flags{};
  };
  using Chunks = std::deque<std::vector<std::byte>>;

  void start_rank(std::size_t rank, const std::vector<std::byte>& input);
  bool all_raised(std::size_t rank, const Op& op) const;
  void receive(std::size_t rank, const Op& op, Chunks& from);
  void send(std::size_t rank, const Op& op);
  void reduce_slots(std::size_t rank, const Op& op);
  void run_adasum(std::size_t rank, const Op& op);
  void receive_products(std::size_t rank, const Op& op, const std::vector<std::byte>& chunk);
  void combine(std::byte* dst, const std::byte* ours, const std::byte* theirs, const Op& op) const;
  void store(std::byte* dst, const std::byte* src, const Op& op) const;
  void finish(std::byte* dst, const Op& op) const;
  void narrow(std::byte* data, std::uint64_t count) const;
  std::byte* address(const Memory& memory, std::uint64_t offset);
  std::byte* source(std::size_t rank, const Op& op);
  std::byte* destination(std::size_t rank, const Op& op);
  void leave(std::size_t rank);
  Chunks& edge(std::size_t from, std::size_t to) { return edges_[from * ranks_.size() + to]; }
  const Chunks& edge(std::size_t from, std::size_t to) const {
    return edges_[from * ranks_.size() + to];
  }

  const std::vector<Schedule>* schedules_;
  Arithmetic arithmetic_;
  std::size_t bytes_;
  std::size_t slot_count_;
  bool broken_ = false;
  std::vector<RankState> ranks_;
  std::vector<Chunks> edges_;
};

}  // namespace hvd
