#include "tests/sim/sim_data_plane.h"

#include <algorithm>
#include <utility>

#include "core/base/str.h"
#include "tests/sim/reference_collectives.h"

namespace hvd::sim {

std::unique_ptr<SimDataPlane> SimDataWorld::plane(Rank rank) {
  auto plane = std::make_unique<SimDataPlane>(*this, rank);
  planes_.resize(static_cast<std::size_t>(rank_count_), nullptr);
  planes_[rank.index()] = plane.get();
  return plane;
}

void SimDataWorld::start(Rank rank, WorkItem item) {
  const std::uint64_t id = item.id;
  const ItemKey key(item.stream, id);
  const auto [at, is_new] = items_.try_emplace(key);
  Item& known = at->second;
  if (is_new) {
    known.first_rank = rank;
    known.completed.assign(static_cast<std::size_t>(rank_count_), false);
  } else {
    compare(known, rank, item);
  }
  if (!known.started.emplace(rank, std::move(item)).second) {
    hooks_.fault(str("item ", id, " started twice on rank ", rank));
  }
  // What a dead rank had started may have been sent completely, or not.
  for (const auto& [starter, its_item] : known.started) {
    known.doomed = known.doomed || (hooks_.dead(starter) && hooks_.coin());
  }
  if (known.complete(rank_count_) && !known.doomed) {
    run_reference(known.started);
    complete_everywhere(key);
  }
}

void SimDataWorld::complete_everywhere(ItemKey key) {
  for (int r = 0; r < rank_count_; ++r) {
    const Rank rank(r);
    hooks_.later(rank, [this, rank, key] {
      items_[key].completed[rank.index()] = true;
      planes_[rank.index()]->finish(key, ok_status());
    });
  }
}

void SimDataWorld::rank_died(Rank rank) {
  for (auto& [id, item] : items_) {
    const bool finished = item.completed[rank.index()];
    const bool sent = item.complete(rank_count_) && hooks_.coin();
    if (finished || sent) {
      continue;
    }
    for (int r = 0; r < rank_count_; ++r) {
      hooks_.later(Rank(r), [this, r, id = id, rank] {
        planes_[static_cast<std::size_t>(r)]->finish(
            id, error(StatusCode::aborted, "rank ", rank, " is gone").blame_rank(rank.value));
      });
    }
  }
}

void SimDataWorld::compare(const Item& item, Rank rank, const WorkItem& other) const {
  const WorkItem& first = item.started.at(item.first_rank);
  const auto differ = [&](bool same, const char* what) {
    if (!same) {
      hooks_.fault(str("item ", other.id, ": ", what, " differs between ranks ", item.first_rank,
                       " ('", first.label, "') and ", rank, " ('", other.label, "')"));
    }
  };
  differ(first.label == other.label, "label");
  differ(first.choice == other.choice, "choice");
  differ(first.op == other.op, "op");
  differ(first.prescale == other.prescale && first.postscale == other.postscale, "scale");
  differ(first.root == other.root, "root");
  differ(first.segments.size() == other.segments.size(), "segment count");
  differ(first.kind == CollectiveKind::barrier || first.dtype == other.dtype, "dtype");
  if (is_point_to_point(first.kind)) {
    differ(is_point_to_point(other.kind) && first.kind != other.kind, "direction");
    differ(first.peer == rank && other.peer == item.first_rank, "peer");
  } else {
    differ(first.kind == other.kind, "kind");
  }
  if (first.kind == CollectiveKind::alltoall) {
    differ(first.send_counts[rank.index()] == other.counts[item.first_rank.index()] &&
               first.counts[rank.index()] == other.send_counts[item.first_rank.index()],
           "exchange");
    return;
  }
  differ(first.counts == other.counts, "counts");
  if (has_counts(first.kind)) {
    return;
  }
  for (std::size_t s = 0; s < std::min(first.segments.size(), other.segments.size()); ++s) {
    differ(first.segments[s].element_count == other.segments[s].element_count, "segment size");
  }
}

bool SimDataWorld::idle() const {
  for (int r = 0; r < rank_count_; ++r) {
    if (!hooks_.dead(Rank(r)) && planes_[static_cast<std::size_t>(r)]->busy()) {
      return false;
    }
  }
  return true;
}

ScheduleChoice SimDataPlane::choose(const WorkShape& shape) {
  if (rank_ != kRoot) {
    world_.hooks_.fault(str("rank ", rank_, " chose a schedule"));
  }
  return static_cast<ScheduleChoice>(shape.kind) * 1000 + shape.element_count;
}

void SimDataPlane::start(WorkItem item) {
  const ItemKey key(item.stream, item.id);
  running_.emplace(key, true);
  if (!aborted_.ok()) {
    finish(key, aborted_);
    return;
  }
  world_.start(rank_, std::move(item));
}

void SimDataPlane::finish(ItemKey key, const Status& status) {
  if (running_.erase(key) > 0) {
    completions_.push_back({.work_id = key.second, .status = status, .stream = key.first});
  }
}

bool SimDataPlane::take_completion(WorkCompletion& completion) {
  if (completions_.empty()) {
    return false;
  }
  completion = std::move(completions_.front());
  completions_.pop_front();
  return true;
}

void SimDataPlane::abort(const Status& cause) {
  if (aborted_.ok()) {
    aborted_ = cause;
  }
  while (!running_.empty()) {
    finish(running_.begin()->first, cause);
  }
}

}  // namespace hvd::sim
