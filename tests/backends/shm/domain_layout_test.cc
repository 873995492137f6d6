#include "backends/shm/domain_layout.h"

#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a few ranks get four slots of 256 KiB an edge", "[shm]") {
  for (int size = 1; size <= 4; ++size) {
    CHECK(domain_geometry(size) == RingGeometry{.slot_bytes = 256 << 10, .slot_count = 4});
  }
}

TEST_CASE("the slots of a rank stay within 16 MiB up to a thousand ranks a host", "[shm]") {
  for (int size = 2; size <= 1'000; ++size) {
    const RingGeometry geometry = domain_geometry(size);
    const std::size_t bytes = static_cast<std::size_t>(size - 1) *
                              static_cast<std::size_t>(geometry.slot_count) * geometry.slot_bytes;
    REQUIRE(bytes <= kDomainBytesMax);
    REQUIRE(geometry.slot_bytes % kRingPageBytes == 0);
    REQUIRE(geometry.slot_count >= 2);
  }
}

TEST_CASE("the parts of a segment neither overlap nor leave it", "[shm]") {
  for (const int size : {1, 2, 3, 5, 40}) {
    const DomainLayout layout(size);
    std::size_t end = DomainLayout::kHeaderBytes;  // with the sleep word and the flags
    for (const Lane lane : kLanes) {
      for (std::size_t bank = 0; bank < kBankCount; ++bank) {
        CHECK(layout.bank_offset(lane, bank) >= end);
        CHECK(layout.bank_offset(lane, bank) % kRingPageBytes == 0);
        end = layout.bank_offset(lane, bank) + layout.bank_skip(lane) + layout.bank_bytes(lane);
      }
    }
    end = (end + kRingPageBytes - 1) / kRingPageBytes * kRingPageBytes;
    for (int from = 0; from < size; ++from) {
      std::size_t ring_end = end;
      for (int to = 0; to < size; ++to) {
        for (const Lane lane : kLanes) {
          if (to != from) {
            CHECK(layout.ring_offset(from, to, lane) == ring_end);
            ring_end += ring_bytes(layout.geometry[lane]);
          }
        }
      }
      for (int to = 0; to < size; ++to) {
        if (to != from) {
          CHECK(layout.control_offset(from, to) == ring_end);
          ring_end += kByteRingBytes;
        }
      }
      CHECK(ring_end == layout.segment_bytes());
    }
  }
}

TEST_CASE("banks are as large on all hosts, whatever number of ranks each has", "[shm]") {
  for (const int largest : {1, 8, 16, 33, 64}) {
    for (const int size : {1, 2, 8, largest}) {
      if (size <= largest) {
        CHECK(DomainLayout(size, largest).bank_bytes(Lane::bulk) ==
              DomainLayout(largest).bank_bytes(Lane::bulk));
      }
    }
  }
}

TEST_CASE("the flags of the lanes lie apart, on lines of their own", "[shm]") {
  const DomainLayout layout(2);
  std::vector<std::byte> segment(layout.segment_bytes());
  FlagLine* next = reinterpret_cast<FlagLine*>(segment.data() + kLineBytes);
  for (const Lane lane : kLanes) {
    const SlotMap::Member member = slot_member(layout, lane, segment.data());
    CHECK(member.flags == next);
    CHECK(member.done == member.flags + kFlagCount);
    next = member.done + 1;
  }
  const SlotMap::Member any = slot_member(layout, Lane::bulk, segment.data());
  CHECK(any.stopped == next);
  CHECK(any.word == next + 1);
  CHECK(slot_member(layout, Lane::planned_express, segment.data()).word == any.word);
  CHECK(reinterpret_cast<std::byte*>(any.word + 1) <= segment.data() + DomainLayout::kHeaderBytes);
}

}  // namespace
}  // namespace hvd
