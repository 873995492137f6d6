#include "tests/collectives/table_jobs.h"

#include <utility>

#include "core/base/check.h"

namespace hvd {

TableJob::TableJob(int host_count, int ranks_per_host) {
  for (int rank = 0; rank < host_count * ranks_per_host; ++rank) {
    host_of_rank_.push_back(rank / ranks_per_host);
  }
  settings_.slot_bytes = 256 << 10;
  if (ranks_per_host > 1) {
    settings_.slot_bytes_express = 256 << 10;
    settings_.slot_bytes_bulk = 3 << 20;
  }
}

SelectorSettings TableJob::settings() const {
  SelectorSettings settings = settings_;
  settings.host_of_rank = host_of_rank_;
  return settings;
}

DecisionTable TableJob::table(const CostParameters& cost) const {
  return DecisionTable(rank_count(), settings(), cost);
}

std::vector<Schedule> TableJob::schedules(const WorkShape& shape, const ScheduleSpec& spec) const {
  ScheduleParams params;
  params.rank_count = rank_count();
  params.host_of_rank = host_of_rank_;
  params.slot_element_count =
      (spec.lane == Lane::express ? settings_.slot_bytes_express : settings_.slot_bytes_bulk) /
      dtype_bytes(shape.dtype);
  params.element_count = has_counts(shape.kind) ? 0 : shape.element_count;
  if (has_counts(shape.kind)) {
    const auto ranks = static_cast<std::size_t>(rank_count());
    params.counts.assign(ranks, shape.element_count / ranks);
    params.send_counts =
        shape.kind == CollectiveKind::alltoall ? params.counts : params.send_counts;
  }
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < rank_count(); ++rank) {
    params.rank = Rank{rank};
    Result<Schedule> schedule = make_schedule(pack_choice(spec), shape.kind, shape.dtype, params);
    HVD_CHECK(schedule.ok());
    schedules.push_back(std::move(schedule).value());
  }
  return schedules;
}

}  // namespace hvd
