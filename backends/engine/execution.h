// backends/engine/execution.h: one Schedule that is being run over one WorkItem, as a state
// machine. Not here: which schedule (schedule_cache.h), in which order items run
// (native_data_plane.h). Threads: baton holder only.  Limits: a run stops within kSliceBytes of
// copying. Read next: item_memory.h, edges.h, slot_lane.h, collectives/schedule.h.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backends/engine/edges.h"
#include "backends/engine/item_memory.h"
#include "backends/engine/peer_parts.h"
#include "backends/engine/peer_tensors.h"
#include "backends/engine/placed_schedule.h"
#include "backends/engine/slot_lane.h"
#include "core/base/status.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// What of a lane the executions of its items use, one after the other.
struct LaneWires {
  Edges edges;
  SlotLane slots;
};

class Execution {
 public:
  enum class State { moving, blocked, done, failed };

  // Long copies and reductions are cut here, so that what is in the other lane and what other ranks
  // say comes between: 128 KiB take some 10 µs.
  static constexpr std::size_t kSliceBytes = std::size_t{128} << 10;
  // What a step takes off a budget: one for the step and one for each so many bytes.
  static constexpr std::size_t kBudgetBytes = std::size_t{16} << 10;
  // A call to the kernel costs microseconds on some machines: 1 MiB takes 9 % longer in reads of
  // kSliceBytes than in reads of 256 KiB, which take some 30 µs each.
  static constexpr std::size_t kReadBytes = std::size_t{256} << 10;

  // Takes the item over. The schedule is the one for this shape of item; where none could be made,
  // run() fails with the reason.
  void begin(WorkItem item, Result<std::shared_ptr<const PlacedSchedule>> schedule, unsigned bank,
             LaneWires& wires);
  // Runs until the budget is spent, taking off what it used, and stops earlier where an op would
  // have to wait.
  State run(LaneWires& wires, int& budget);
  // Whether the op that run() stopped at could go on now.
  bool ready(LaneWires& wires) const;

  // Whom the op that run() stopped at waits for; none while it moves.
  std::optional<Rank> awaited() const { return awaited_; }
  // Where the run was ended from outside: the ranks that may still reach this one's tensors.
  std::vector<Rank> holders(const LaneWires& wires) const;

  const WorkItem& item() const { return item_; }
  const Status& failure() const { return failure_; }
  // It is not to go on: nobody is to rely on this rank's tensors any more.
  void withdraw(LaneWires& wires);
  // Once it is over.
  WorkItem take_item() { return std::move(item_); }

 private:
  const Schedule& schedule() const { return placed_->schedule; }
  Rank world(std::int32_t peer) const { return placed_->members[static_cast<std::size_t>(peer)]; }

  // Each either gets its op over, or part of it, or waits, or fails with `failure_`.
  State step(const Op& op, LaneWires& wires);
  State send(const Op& op, Edges& edges);
  bool send_in_place(const Op& op, Rank peer, std::size_t bytes, Edges& edges);
  void offer_place(const Op& op, Rank peer, Edges& edges);
  State receive(const Op& op, Edges& edges);
  // Dot products, which are no part of a tensor.
  State send_products(const Op& op, Edges& edges);
  void take_products(const Op& op, const IncomingChunk& chunk);
  State run_local(const Op& op, LaneWires& wires);
  State read_part(const Op& op, LaneWires& wires);
  bool part_stands(const Op& op, const LaneWires& wires) const;
  void run_slice(const Op& op, LaneWires& wires, std::size_t from, std::size_t count);
  // For a schedule in which tensors of others are reached: says where this rank's are.
  bool has_places_to_tell() const {
    return !places_told_ && (placed_->reaches_tensors || schedule().offers_parts);
  }
  State tell_places(LaneWires& wires);
  Status find_tensors(LaneWires& wires);
  State wait_for_flag(const Op& op, LaneWires& wires, Rank peer);
  State wait_for_all(const Op& op, LaneWires& wires);

  void reduce_slots(const Op& op, const SlotLane& slots, std::size_t from, std::size_t count);
  void reduce_tensors(const Op& op, std::size_t from, std::size_t count);
  std::size_t list_sources(std::size_t offset, std::size_t count);
  PieceCursor operand(const Op& op, bool is_dst, const SlotLane& slots, std::size_t from,
                      std::size_t count) const;
  static bool writes_slot(const Op& op);
  State waiting_for(Rank peer, const Edges& edges);  // and notes whom
  Status judge(const IncomingChunk& chunk, const Op& op, const Edges& edges) const;

  WorkItem item_;
  std::shared_ptr<const PlacedSchedule> placed_;
  ItemMemory memory_;
  std::size_t next_op_ = 0;
  std::size_t op_elements_done_ = 0;  // of a local op that was cut
  std::size_t sharers_seen_ = 0;      // of a wait_all
  int step_cost_ = 1;
  std::optional<Rank> awaited_;
  std::vector<const std::byte*> sources_;  // of a reduce_slots
  bool places_told_ = false;
  bool tensors_found_ = false;
  std::vector<PeerPart> parts_;     // by rank in the group
  std::vector<PeerTensors> peers_;  // by place among the sharers; this rank's own is not used
  Status failure_;
};

}  // namespace hvd
