#include "collectives/schedule_choice.h"

#include "core/base/check.h"

namespace hvd {
namespace {

// A choice is, from the lowest bit: 8 bits algorithm, 32 bits chunk bytes, 1 bit lane, 1 bit
// stream, 2 bits wire type, 1 bit fixed order, 11 bits zero, 8 bits layout.
constexpr std::uint64_t kLayout = 1;
constexpr unsigned kChunkShift = 8;
constexpr unsigned kLaneShift = 40;
constexpr unsigned kStreamShift = 41;
constexpr unsigned kNarrowShift = 42;
constexpr unsigned kOrderShift = 44;
constexpr unsigned kLayoutShift = 56;

}  // namespace

ScheduleChoice pack_choice(const ScheduleSpec& spec) {
  HVD_CHECK(spec.chunk_bytes >= kChunkBytesMin && spec.chunk_bytes <= kChunkBytesMax);
  HVD_CHECK(spec.chunk_bytes % kChunkBytesMin == 0);
  return static_cast<ScheduleChoice>(spec.algorithm) | spec.chunk_bytes << kChunkShift |
         static_cast<ScheduleChoice>(spec.lane) << kLaneShift |
         static_cast<ScheduleChoice>(spec.stream) << kStreamShift |
         static_cast<ScheduleChoice>(spec.narrow) << kNarrowShift |
         static_cast<ScheduleChoice>(spec.fixed_order) << kOrderShift | kLayout << kLayoutShift;
}

bool streams(ScheduleChoice choice) { return ((choice >> kStreamShift) & 1U) != 0; }

ScheduleChoice with_stream(ScheduleChoice choice, bool stream) {
  const ScheduleChoice bit = ScheduleChoice{1} << kStreamShift;
  return stream ? choice | bit : choice & ~bit;
}

Algorithm algorithm_of(ScheduleChoice choice) { return static_cast<Algorithm>(choice & 0xffU); }

Lane lane_of(ScheduleChoice choice) { return static_cast<Lane>((choice >> kLaneShift) & 1U); }

Result<ScheduleSpec> unpack_choice(ScheduleChoice choice, CollectiveKind kind) {
  const ScheduleSpec spec{algorithm_of(choice),
                          (choice >> kChunkShift) & 0xffffffffU,
                          lane_of(choice),
                          streams(choice),
                          static_cast<WireType>((choice >> kNarrowShift) & 3U),
                          ((choice >> kOrderShift) & 1U) != 0};
  if (find_algorithm(kind, spec.algorithm) == nullptr || spec.chunk_bytes < kChunkBytesMin ||
      spec.chunk_bytes > kChunkBytesMax || spec.chunk_bytes % kChunkBytesMin != 0 ||
      spec.narrow > WireType::bfloat16 || (spec.narrow != WireType::own && !reduces(kind)) ||
      pack_choice(spec) != choice) {
    return error(StatusCode::invalid_argument, "schedule choice ", choice, " is none for ",
                 collective_name(kind), ": algorithm ", choice & 0xffU, ", chunk of ",
                 spec.chunk_bytes, " bytes, layout ", choice >> kLayoutShift,
                 ". do all ranks run the same version of hvd?");
  }
  return spec;
}

}  // namespace hvd
