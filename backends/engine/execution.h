// backends/engine/execution.h: one Schedule that is being run over one WorkItem, as a state
// machine. Not here: which schedule (schedule_cache.h), in which order items run
// (native_data_plane.h). Threads: baton holder only.  Limits: one op at a time; an op is at most
// one chunk or a local pass. Read next: scatter_list.h, edges.h, collectives/schedule.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "backends/engine/edges.h"
#include "backends/engine/scatter_list.h"
#include "collectives/schedule.h"
#include "core/base/status.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// True if the item is to be run in place: some segment's output is its input. If only some are, the
// inputs of the others are copied to their outputs first, and then all of it runs in place.
bool runs_in_place(const WorkItem& item);

class Execution {
 public:
  enum class State { moving, blocked, done, failed };

  // Takes the item over. The schedule is the one for this shape of item; where none could be made,
  // run() fails with the reason.
  void begin(WorkItem item, Rank rank, Result<std::shared_ptr<const Schedule>> schedule);
  // Runs at most `budget` ops, taking them off it, and stops earlier where one would have to wait.
  State run(Edges& edges, int& budget);
  // Whether the op that run() stopped at could go on now.
  bool ready(Edges& edges) const;

  const WorkItem& item() const { return item_; }
  const Status& failure() const { return failure_; }

 private:
  // The op at hand either went through, or waits, or failed with `failure_`.
  State step(const Op& op, Edges& edges);
  State send(const Op& op, Edges& edges);
  State receive(const Op& op, Edges& edges);
  void run_local(const Op& op);

  State waiting_for(Rank peer, const Edges& edges);
  Status judge(const IncomingChunk& chunk, const Op& op, const Edges& edges) const;
  PieceCursor cursor(BufferKind buffer, std::uint64_t offset, std::uint64_t count) const;
  PieceCursor contiguous(const std::byte* memory) const;
  // dst = left (op) right, scaled as the op's flags say.
  void combine(const Op& op, PieceCursor dst, PieceCursor local, PieceCursor incoming) const;
  void move(const Op& op, PieceCursor dst, PieceCursor src) const;
  // Writes what the op's scale flags ask for; false, and nothing written, if they ask for nothing.
  bool scale_pieces(const Op& op, std::byte* to, const std::byte* from, std::size_t count) const;
  void build_lists(Rank rank);

  WorkItem item_;
  std::shared_ptr<const Schedule> schedule_;
  std::size_t next_op_ = 0;
  std::size_t element_bytes_ = 1;
  ScatterList input_;
  ScatterList output_;
  std::vector<std::byte> scratch_;  // kept from item to item, so that it stops allocating
  Status failure_;
};

}  // namespace hvd
