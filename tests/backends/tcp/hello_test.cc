#include "backends/tcp/hello.h"

#include "tests/catch.h"

namespace hvd {
namespace {

const EdgeHello kHello{
    .from = Rank{1}, .to = Rank{4}, .rank_count = 5, .lane = Lane::bulk, .generation = 3};

TEST_CASE("a hello comes back as it was", "[tcp]") {
  CHECK(decode_edge_hello(encode(kHello)).value() == kHello);
  CHECK(kHello.answer().answer() == kHello);
  CHECK(kHello.answer() != kHello);
}

TEST_CASE("a hello of another version or lane is refused", "[tcp]") {
  const auto refusal = [](std::size_t at) {
    EdgeHelloBytes bytes = encode(kHello);
    bytes[at] = std::byte{77};
    return decode_edge_hello(bytes).status();
  };
  CHECK(refusal(0).code() == StatusCode::unsupported);
  CHECK(refusal(4).message().find("version 77") != std::string::npos);
  CHECK(refusal(20).message().find("lane 77") != std::string::npos);
}

}  // namespace
}  // namespace hvd
