#include "backends/tcp/frame.h"

#include "tests/catch.h"

namespace hvd {
namespace {

const EdgeFrame kFrame{.kind = FrameKind::chunk,
                       .chunk = {.sequence = 7, .byte_count = 4096, .work_id = 1ULL << 40},
                       .credit = 5};

TEST_CASE("a frame comes back as it was", "[tcp]") {
  const auto frame = decode_edge_frame(encode(kFrame));
  REQUIRE(frame.ok());
  CHECK(*frame == kFrame);
  const EdgeFrame credit{.kind = FrameKind::credit, .chunk = {}, .credit = ~0ULL};
  CHECK(decode_edge_frame(encode(credit)).value() == credit);
}

TEST_CASE("a frame with a field that cannot be is refused by its name", "[tcp]") {
  const auto refusal = [](std::size_t at, int value) {
    EdgeFrameBytes bytes = encode(kFrame);
    bytes[at] = static_cast<std::byte>(value);
    return decode_edge_frame(bytes).status().message();
  };
  CHECK(refusal(0, 'x').find("begins with") != std::string::npos);
  CHECK(refusal(2, 9).find("version 9") != std::string::npos);
  CHECK(refusal(3, 3).find("kind 3") != std::string::npos);
  CHECK(refusal(3, 2).find("credit frame has a chunk of 4096") != std::string::npos);
}

}  // namespace
}  // namespace hvd
