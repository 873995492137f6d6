// core/stages/dispatcher.h: turns agreed groups into WorkItems and finished items into outcomes.
// Not here: which schedule runs (ports/data_plane.h).
// Threads: one at a time (the baton holder).  Limits: none.
// Read next: coordinator.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/reused_map.h"
#include "core/ports/data_plane.h"
#include "core/stages/negotiator.h"

namespace hvd {

class Dispatcher {
 public:
  Dispatcher(DataPlane& data_plane, Rank rank, int rank_count)
      : data_plane_(data_plane), rank_(rank), rank_count_(rank_count) {}

  // Starts the group on the data plane. A Status means that this rank cannot take part (no memory
  // for a result) although the others start: the job must be aborted. Takes the group's operations
  // over, but not on failure.
  Status start(AgreedGroup& group);
  // Operations of items that have finished since the last call, with their outcome. One whose given
  // output cannot take the result fails on this rank alone, with the result in memory of its own.
  bool take_finished(std::vector<Outcome>& finished);
  bool busy() const { return !running_.empty(); }

 private:
  void begin(const AgreedGroup& group, WorkItem& item) const;
  void fill(const AgreedGroup& group, WorkItem& item) const;
  Status fill_counts(const AgreedGroup& group, WorkItem& item) const;
  Result<std::byte*> place_result(Operation& operation, std::size_t own_place) const;
  Status bad_rows(const Request& request) const;

  DataPlane& data_plane_;
  const Rank rank_;
  const int rank_count_;
  const std::shared_ptr<ResultPool> results_ = ResultPool::create();
  std::array<std::uint64_t, kWorkStreamCount> next_ids_{};  // never come twice, nor go back
  WorkItem spent_;                                          // memory for the next item
  WorkCompletion completion_;  // of the item at hand; kept for its memory
  ReusedMap<std::uint64_t, std::vector<OperationPtr>> running_;
};

}  // namespace hvd
