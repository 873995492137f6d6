// tests/collectives/table_jobs.h: jobs of equal hosts for which decision tables are made.
// Not here: what the tables are to say (decision_table_test.cc, golden_decisions.cc).
// Threads: values.  Limits: none.
// Read next: decision_table_test.cc.
#pragma once

#include <vector>

#include "collectives/decision_table.h"
#include "collectives/schedule.h"

namespace hvd {

class TableJob {
 public:
  // With the slots that the engine has for such a job.
  TableJob(int host_count, int ranks_per_host);

  int rank_count() const { return static_cast<int>(host_of_rank_.size()); }
  const std::vector<int>& host_of_rank() const { return host_of_rank_; }
  SelectorSettings& settings() { return settings_; }
  // The job has to outlive what points to its hosts.
  SelectorSettings settings() const;
  DecisionTable table(const CostParameters& cost = {}) const;
  std::vector<Schedule> schedules(const WorkShape& shape, const ScheduleSpec& spec) const;

 private:
  std::vector<int> host_of_rank_;
  SelectorSettings settings_;
};

}  // namespace hvd
