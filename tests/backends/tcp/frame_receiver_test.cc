#include "backends/tcp/frame_receiver.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

constexpr EdgeGeometry kGeometry{.chunk_bytes = 10'000, .slot_count = 3, .credit_lag = 1};
constexpr std::uint64_t kSent = 5;

Bytes frame_bytes(const EdgeFrame& frame, char filler = 'a') {
  const EdgeFrameBytes head = encode(frame);
  Bytes bytes(kEdgeFrameBytes + frame.chunk.byte_count, static_cast<std::byte>(filler));
  std::copy(head.begin(), head.end(), bytes.begin());
  return bytes;
}

EdgeFrame chunk_frame(std::uint64_t sequence, std::size_t byte_count, std::uint64_t credit = 0) {
  return {.kind = FrameKind::chunk,
          .chunk = {.sequence = sequence, .byte_count = byte_count, .work_id = 9},
          .credit = credit};
}

// As a socket that gives at most `at_once` bytes.
Status feed(FrameReceiver& receiver, std::span<const std::byte> bytes, std::size_t at_once) {
  while (!bytes.empty()) {
    std::size_t taken = 0;
    for (const iovec& part : receiver.room()) {
      const std::size_t count = std::min({part.iov_len, bytes.size() - taken, at_once - taken});
      if (count > 0) {
        std::memcpy(part.iov_base, bytes.data() + taken, count);
      }
      taken += count;
    }
    REQUIRE(taken > 0);
    HVD_TRY(receiver.take(taken, kSent));
    bytes = bytes.subspan(taken);
  }
  return ok_status();
}

TEST_CASE("chunks come out whole, in order, whatever pieces the stream comes in", "[tcp]") {
  const std::size_t at_once = GENERATE(1, 31, 33, 4096, 5000, 100'000);
  FrameReceiver receiver(kGeometry);
  const std::vector<std::size_t> sizes = {0, 1, 5000, 10'000, 3, 0, 4064, 9999};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Bytes bytes = frame_bytes(chunk_frame(i, sizes[i]), static_cast<char>('a' + i));
    REQUIRE(feed(receiver, bytes, at_once).ok());
    const auto chunk = receiver.peek();
    REQUIRE(chunk.has_value());
    CHECK(chunk->header == ChunkHeader{.sequence = i, .byte_count = sizes[i], .work_id = 9});
    REQUIRE(chunk->data.size() == sizes[i]);
    for (const std::byte each : chunk->data) {
      REQUIRE(each == static_cast<std::byte>('a' + i));
    }
    receiver.release();
    CHECK(!receiver.inside_frame());
  }
  CHECK(receiver.released() == sizes.size());
}

TEST_CASE("several small chunks come with one read", "[tcp]") {
  FrameReceiver receiver(kGeometry);
  Bytes stream;
  for (std::uint64_t i = 0; i < 4; ++i) {
    const Bytes bytes = frame_bytes(chunk_frame(i, 8, i));
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  REQUIRE(feed(receiver, stream, stream.size()).ok());
  CHECK(receiver.credit() == 3);
  for (std::uint64_t i = 0; i < 4; ++i) {
    REQUIRE(receiver.peek().has_value());
    CHECK(receiver.peek()->header.sequence == i);
    receiver.release();
  }
  CHECK(!receiver.peek().has_value());
}

TEST_CASE("a chunk comes straight to memory that was offered, whenever it was offered", "[tcp]") {
  const std::size_t before = GENERATE(0, 10, 32, 33, 1000);
  FrameReceiver receiver(kGeometry);
  const Bytes stream = frame_bytes(chunk_frame(0, 5000), 'x');
  REQUIRE(feed(receiver, std::span(stream).first(before), 77).ok());
  Bytes memory(5000);
  receiver.offer(1, {memory.data(), 1});  // not the chunk that comes next
  receiver.offer(0, memory);
  REQUIRE(feed(receiver, std::span(stream).subspan(before), 777).ok());
  REQUIRE(feed(receiver, frame_bytes(chunk_frame(1, 5000), 'y'), 777).ok());
  REQUIRE(receiver.peek().has_value());
  CHECK(receiver.peek()->data.data() == memory.data());
  CHECK(memory == Bytes(5000, std::byte{'x'}));
  receiver.release();
  REQUIRE(receiver.peek().has_value());
  CHECK(receiver.peek()->data.data() != memory.data());
  CHECK(receiver.peek()->data[4999] == std::byte{'y'});
}

TEST_CASE("an offer that does not fit or was withdrawn is not written to", "[tcp]") {
  const bool withdrawn = GENERATE(true, false);
  FrameReceiver receiver(kGeometry);
  Bytes memory(withdrawn ? 100 : 99);
  receiver.offer(0, memory);
  const Bytes stream = frame_bytes(chunk_frame(0, 100), 'x');
  REQUIRE(feed(receiver, std::span(stream).first(kEdgeFrameBytes), 99).ok());
  if (withdrawn) {
    receiver.withdraw_offer();
  }
  REQUIRE(feed(receiver, std::span(stream).subspan(kEdgeFrameBytes), 99).ok());
  CHECK(receiver.peek()->data[99] == std::byte{'x'});
  CHECK(memory == Bytes(memory.size()));
}

TEST_CASE("an older credit takes nothing back", "[tcp]") {
  FrameReceiver receiver(kGeometry);
  REQUIRE(
      feed(receiver, frame_bytes({.kind = FrameKind::credit, .chunk = {}, .credit = 4}), 99).ok());
  REQUIRE(feed(receiver, frame_bytes(chunk_frame(0, 1, 2)), 99).ok());
  CHECK(receiver.credit() == 4);
}

TEST_CASE("a header that cannot be is a status that names its field", "[tcp]") {
  const auto refusal = [](const EdgeFrame& frame, std::uint64_t chunks_before = 0) {
    FrameReceiver receiver(kGeometry);
    for (std::uint64_t i = 0; i < chunks_before; ++i) {
      REQUIRE(feed(receiver, frame_bytes(chunk_frame(i, 5)), 99).ok());
    }
    const EdgeFrameBytes head = encode(frame);
    return feed(receiver, head, 99).message();
  };
  CHECK(refusal(chunk_frame(0, 0, kSent + 1)) ==
        "a frame has credit 6 but only 5 chunks were sent");
  CHECK(refusal(chunk_frame(0, 10'001)) == "a frame has byte count 10001; the limit is 10000");
  CHECK(refusal(chunk_frame(1, 5)) == "a frame has sequence 1 where chunk 0 was to come");
  CHECK(refusal(chunk_frame(4, 5), 4) ==
        "a frame has sequence 4 but only 0 chunks were consumed and there is memory for 4");
}

TEST_CASE("no bytes make the receiver do worse than refuse", "[tcp]") {
  Random random(2026);
  for (int round = 0; round < 2'000; ++round) {
    FrameReceiver receiver(kGeometry);
    Bytes stream;
    for (std::uint64_t i = 0; i < 3; ++i) {
      const Bytes bytes = frame_bytes(chunk_frame(i, random.below(200), random.below(kSent)));
      stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    stream[random.below(stream.size())] = static_cast<std::byte>(random.below(256));
    const Status status = feed(receiver, stream, 1 + random.below(100));
    CHECK((status.ok() || status.code() == StatusCode::aborted));
  }
}

TEST_CASE("a chunk that there is no memory for is this rank's failure", "[tcp]") {
  FrameReceiver receiver({.chunk_bytes = std::size_t{1} << 58, .slot_count = 3, .credit_lag = 1});
  const Status status = feed(receiver, encode(chunk_frame(0, 5)), 99);
  CHECK(status.code() == StatusCode::resource);
  CHECK_THAT(status.message(), Catch::Contains("RLIMIT_AS"));
}

}  // namespace
}  // namespace hvd
