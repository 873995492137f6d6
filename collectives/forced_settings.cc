#include "collectives/forced_settings.h"

#include <algorithm>
#include <string_view>

#include "core/base/str.h"

namespace hvd {
namespace {

// Why no collective of the job can have the algorithm, or "".
std::string_view why_never(int rank_count, const SelectorSettings& settings) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.host_of_rank.assign(settings.host_of_rank.begin(), settings.host_of_rank.end());
  params.slot_element_count = std::max(settings.slot_bytes_express, settings.slot_bytes_bulk);
  params.reads_peers = settings.reads_peers;
  params.in_arena = true;  // some tensor may be
  std::string_view why;
  for (const AlgorithmRow& row : algorithm_rows()) {
    if (row.name != settings.algorithm) {
      continue;
    }
    const std::string_view unmet = unmet_need(row, params);
    if (unmet.empty()) {
      return "";
    }
    why = why.empty() ? unmet : why;
  }
  return why;
}

std::uint64_t chunk_bytes_most(int rank_count, const SelectorSettings& settings) {
  const bool one_host = places_of_job(settings.host_of_rank, rank_count).host_count == 1;
  const std::uint64_t of_slots = settings.slot_bytes_bulk / 2;
  return one_host && of_slots > 0 ? std::max(of_slots, settings.slot_bytes) : settings.slot_bytes;
}

}  // namespace

Status check_chunk_bytes(std::uint64_t chunk_bytes) {
  if (chunk_bytes == 0 || (chunk_bytes % kChunkBytesMin == 0 && chunk_bytes <= kChunkBytesMax)) {
    return ok_status();
  }
  return error(StatusCode::invalid_argument, "setting HVD_CHUNK_BYTES has the value '", chunk_bytes,
               "'; allowed is 0, for chunks that are chosen, or a multiple of ", kChunkBytesMin,
               " up to ", kChunkBytesMax, ". unset it or correct it");
}

std::vector<std::string> remarks_on_forced(int rank_count, const SelectorSettings& settings) {
  std::vector<std::string> remarks;
  if (rank_count < 2) {
    return remarks;
  }
  if (const std::string_view why = why_never(rank_count, settings); !why.empty()) {
    remarks.push_back(str("setting HVD_ALGORITHM ", settings.algorithm,
                          " has no effect in this job: ", why,
                          ". each collective goes by its own choice; unset it, or see what is "
                          "possible with hvd-explain allreduce --ranks ",
                          rank_count));
  }
  const std::uint64_t most = chunk_bytes_most(rank_count, settings);
  if (settings.chunk_bytes > most) {
    remarks.push_back(str("setting HVD_CHUNK_BYTES ", settings.chunk_bytes,
                          " is more than a slot between these ranks holds: chunks are of ", most,
                          " bytes at most. set it to that or less"));
  }
  return remarks;
}

}  // namespace hvd
