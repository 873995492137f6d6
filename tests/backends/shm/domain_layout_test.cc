#include "backends/shm/domain_layout.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a few ranks get four slots of 256 KiB an edge", "[shm]") {
  for (int size = 1; size <= 4; ++size) {
    CHECK(domain_geometry(size) == RingGeometry{.slot_bytes = 256 * 1024, .slot_count = 4});
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

TEST_CASE("the rings of a segment neither overlap nor leave it", "[shm]") {
  for (const int size : {2, 3, 5, 40}) {
    const DomainLayout layout(size);
    for (int from = 0; from < size; ++from) {
      std::size_t end = kRingPageBytes;  // the sleep word's page
      for (int to = 0; to < size; ++to) {
        if (to != from) {
          CHECK(layout.ring_offset(from, to) == end);
          end += ring_bytes(layout.geometry);
        }
      }
      CHECK(end == layout.segment_bytes());
    }
  }
}

}  // namespace
}  // namespace hvd
