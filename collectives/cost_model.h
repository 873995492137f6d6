// collectives/cost_model.h: how long Schedules take and what they move, by LogGP and memory rates.
// Not here: 100,000 ranks (predict_algorithm.h), measuring the parameters, choosing (selector.h).
// Threads: pure functions.  Limits: memory grows with ops; peers must be ranks of the job.
// Read next: cost_model.cc, then predict_algorithm.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "collectives/schedule.h"
#include "core/base/status.h"
#include "core/vocabulary/dtype.h"

namespace hvd {

// The defaults are of the machine in tests/bench/peers' published run (2 cores of an EPYC, 10 Gbit
// link): one flag 0.058 us; copies of 1 MiB at 49 GB/s, of 64 MiB at 22 GB/s past the caches and at
// 15.5 GB/s through them, on each of two cores. A copy reads and writes each byte, so in bytes of
// memory traffic these are 95, 45 and (a store to a line that is not cached reads it first) 47
// GB/s.
struct CostParameters {
  // Network, as in LogGP. The host of a rank has one interface, as fast in each direction.
  double latency_seconds = 10e-6;            // L: from interface to interface
  double overhead_seconds = 1.5e-6;          // o: of a core, for each chunk that it sends or takes
  double gap_seconds = 0.5e-6;               // g: from chunk to chunk on an interface, at least
  double network_bytes_per_second = 1.17e9;  // 1 / G: 10 Gbit/s less headers
  double network_copy_bytes_per_second = 8.7e9;  // by a core between memory and the network's stack
  int network_slot_count = 8;                    // chunks of one edge under way at most
  // One host.
  double flag_seconds = 0.058e-6;  // until another core sees a flag or a chunk
  double op_seconds = 0.015e-6;    // the engine's, for each op
  // Bytes read and written: by one core in the caches and outside, by all cores of a host outside.
  // Of a tensor that another process has, by the kernel: the copy, beside reading and writing.
  double call_seconds = 0.5e-6;  // for each op
  double kernel_copy_bytes_per_second = 20e9;
  double core_cached_bytes_per_second = 95e9;
  double core_memory_bytes_per_second = 45e9;
  double host_memory_bytes_per_second = 89e9;
  std::uint64_t cache_bytes = 32U << 20;  // of a host; what its ranks work on fits in there or not
  int host_slot_count = 4;
};
// Refuses what is not positive and finite (a latency, overhead or gap may be 0).
Status check_parameters(const CostParameters& parameters);

enum class CostMethod : std::uint8_t {
  every_rank = 0,    // all ranks' ops, one by one
  one_for_all = 1,   // one rank's ops: all ranks do the same at the same time
  extrapolated = 2,  // from smaller jobs that were evaluated rank by rank
};
std::string_view cost_method_name(CostMethod method);

// In double: totals of large jobs exceed what is exact, and nothing needs them exact.
struct Cost {
  double seconds = 0;             // until the last rank is done
  double network_bytes = 0;       // sent between hosts by all ranks
  double network_bytes_rank = 0;  // by the rank that sends most
  double slot_bytes = 0;          // written to memory that ranks of a host share, by all ranks
  double message_count = 0;       // chunks on edges, of all ranks
  double message_count_rank = 0;  // by the rank that sends most
  double round_count = 0;         // longest chain of chunks and flags, each needing the one before
  double op_count = 0;
  CostMethod method = CostMethod::every_rank;
};

// One schedule for each rank, in order. host_of_rank as in ScheduleParams. An error where a rank
// would wait for ever. The result depends on the arguments alone, to the last bit.
Result<Cost> predict(std::span<const Schedule> schedules, DType dtype,
                     const CostParameters& parameters, std::span<const int> host_of_rank);

// Of rank_count ranks on a host each, where all do what this one does: its n-th chunk to anybody
// leaves when everybody's n-th does, so that the n-th that it takes is the n-th that it sent. Error
// where it would wait for ever, as of a rank that only takes.
Result<Cost> predict_symmetric(const Schedule& schedule, DType dtype,
                               const CostParameters& parameters);

}  // namespace hvd
