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
    std::size_t end = kRingPageBytes;  // the page with the sleep word and the flags
    for (const Lane lane : {Lane::express, Lane::bulk}) {
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
        for (const Lane lane : {Lane::express, Lane::bulk}) {
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
  const SlotMap::Member express = slot_member(layout, Lane::express, segment.data());
  const SlotMap::Member bulk = slot_member(layout, Lane::bulk, segment.data());
  CHECK(reinterpret_cast<std::byte*>(express.flags) == segment.data() + kLineBytes);
  CHECK(express.done == express.flags + kFlagCount);
  CHECK(bulk.flags == express.done + 1);
  CHECK(bulk.stopped == bulk.done + 1);
  CHECK(express.stopped == bulk.stopped);
  CHECK(reinterpret_cast<std::byte*>(bulk.stopped + 1) <= segment.data() + kRingPageBytes);
}

}  // namespace
}  // namespace hvd
