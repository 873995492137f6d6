// tests/core/stages/stage_samples.h: short ways to write entries, requests and operations in tests.
// Not here: jobs of several ranks (small_job.h).
// Threads: any.  Limits: none.
// Read next: root_negotiator_test.cc.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/stages/grouped.h"
#include "core/stages/job_ranks.h"
#include "core/stages/messages.h"
#include "core/stages/operation.h"

namespace hvd::test {

inline Shape shape_of(std::initializer_list<std::int64_t> sizes) {
  return Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}

inline ReadyEntry entry_of(const std::string& name, CollectiveKind kind = CollectiveKind::allreduce,
                           const Shape& shape = shape_of({2, 3})) {
  ReadyEntry entry;
  entry.kind = kind;
  entry.dtype = DType::float32;
  entry.shape = shape;
  entry.name = name;
  return entry;
}

inline ReadyMessage ready(std::vector<ReadyEntry> entries, std::uint64_t answers_seen = 0) {
  return {answers_seen, std::move(entries)};
}

inline ReadyEntry entry_of(const Request& request, Rank self) {
  ReadyEntry entry;
  describe(request, self, entry);
  return entry;
}
inline Bytes encoded(const ControlMessage& message) {
  ByteWriter out;
  encode(message, out);
  return out.take();
}
inline Result<ControlMessage> decoded(std::span<const std::byte> bytes, int rank_count) {
  ControlMessage message;
  HVD_TRY(decode(bytes, rank_count, message));
  return message;
}

inline JobRanks job_of(int rank_count, Rank self = kRoot) {
  std::vector<RankAddress> addresses;
  addresses.reserve(static_cast<std::size_t>(rank_count));
  for (int r = 0; r < rank_count; ++r) {
    addresses.push_back({std::string("host-") + static_cast<char>('a' + r % 26), 100 + r});
  }
  return JobRanks(self, std::move(addresses));
}

// The memory is never touched by what is tested with it.
inline Request request_of(const std::string& name, CollectiveKind kind = CollectiveKind::allreduce,
                          const Shape& shape = shape_of({2, 3})) {
  static std::array<std::byte, 64> memory;
  Request request;
  request.kind = kind;
  request.name = name;
  request.input = {memory.data(), DType::float32, shape};
  request.output = memory.data();
  return request;
}

inline OperationPtr operation_of(const Request& request) {
  auto operation = std::make_shared<Operation>();
  operation->request = request;
  return operation;
}

// Tensors of shape [2 3] that share memory which is only read.
inline std::vector<GroupTensor> group_tensors(std::size_t count) {
  static std::array<std::byte, 64> memory;
  return std::vector<GroupTensor>(count, {{memory.data(), DType::float32, shape_of({2, 3})}});
}
inline OperationPtr grouped_of(const std::string& name, std::size_t count) {
  Request whole;
  whole.kind = CollectiveKind::allgather;
  whole.name = name;
  return grouped_operation(whole, group_tensors(count));
}

}  // namespace hvd::test
