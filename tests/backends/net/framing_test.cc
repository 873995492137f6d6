// The parser alone; connections are in framed_connection_test.cc.
#include "backends/net/framing.h"

#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::size_t kBytesMax = 1000;

void append_frame(Bytes& stream, const Bytes& message) {
  const auto header = frame_header(message.size());
  stream.insert(stream.end(), header.begin(), header.end());
  stream.insert(stream.end(), message.begin(), message.end());
}

Bytes arbitrary_message() {
  const auto size = *rc::gen::inRange<std::size_t>(0, 60);
  Bytes message(size);
  for (std::byte& value : message) {
    value = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
  }
  return message;
}

}  // namespace

TEST_CASE("messages come out whole and in order, whatever pieces the stream comes in",
          "[framing][fuzz]") {
  REQUIRE(rc::check([] {
    std::vector<Bytes> sent(*rc::gen::inRange<std::size_t>(0, 8));
    Bytes stream;
    for (Bytes& message : sent) {
      message = arbitrary_message();
      append_frame(stream, message);
    }
    FrameParser parser(kBytesMax);
    std::span<const std::byte> rest(stream);
    while (!rest.empty()) {
      const auto count = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
      RC_ASSERT(parser.feed(rest.first(count)).ok());
      rest = rest.subspan(count);
    }
    Bytes message;
    for (const Bytes& expected : sent) {
      RC_ASSERT(parser.take(message));
      RC_ASSERT(message == expected);
    }
    RC_ASSERT(!parser.take(message));
    RC_ASSERT(!parser.inside_frame());
  }));
}

TEST_CASE("noise, also behind a good header, gives no message beyond the limit",
          "[framing][fuzz]") {
  REQUIRE(rc::check([](const std::vector<std::uint8_t>& noise, bool good_start) {
    Bytes stream;
    if (good_start) {
      const auto header = frame_header(0);
      stream.assign(header.begin(), header.begin() + 4);  // the size is noise
    }
    const auto bytes = std::as_bytes(std::span(noise));
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    FrameParser parser(10);
    (void)parser.feed(stream);
    Bytes message;
    while (parser.take(message)) {
      RC_ASSERT(message.size() <= 10U);
    }
  }));
}

TEST_CASE("a message of the limit passes and one byte more is refused with both numbers",
          "[framing]") {
  FrameParser parser(kBytesMax);
  Bytes stream;
  append_frame(stream, Bytes(kBytesMax));
  REQUIRE(parser.feed(stream).ok());
  Bytes message;
  REQUIRE(parser.take(message));
  REQUIRE(message.size() == kBytesMax);
  const Status status = parser.feed(frame_header(kBytesMax + 1));
  REQUIRE(status.code() == StatusCode::invalid_argument);
  REQUIRE(status.message().find("1001") != std::string::npos);
  REQUIRE(status.message().find("1000") != std::string::npos);
}

TEST_CASE("a failed stream stays failed but what came before it is there", "[framing]") {
  FrameParser parser(kBytesMax);
  Bytes stream;
  append_frame(stream, Bytes(3, std::byte{7}));
  stream.insert(stream.end(), 8, std::byte{'x'});
  REQUIRE_FALSE(parser.feed(stream).ok());
  Bytes good;
  append_frame(good, Bytes(1));
  REQUIRE_FALSE(parser.feed(good).ok());
  Bytes message;
  REQUIRE(parser.take(message));
  REQUIRE(message == Bytes(3, std::byte{7}));
  REQUIRE_FALSE(parser.take(message));
}

TEST_CASE("a frame of another version is refused by its number", "[framing]") {
  auto header = frame_header(1);
  header[2] = std::byte{9};
  FrameParser parser(kBytesMax);
  const Status status = parser.feed(header);
  REQUIRE(status.code() == StatusCode::unsupported);
  REQUIRE(status.message().find("version 9") != std::string::npos);
}

}  // namespace hvd
