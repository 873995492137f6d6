#include "backends/tcp/frame_sender.h"

#include <array>
#include <cstring>

#include "core/base/bytes.h"
#include "tests/catch.h"

namespace hvd {
namespace {

constexpr EdgeGeometry kGeometry{.chunk_bytes = 16, .slot_count = 3, .credit_lag = 1};

void commit(FrameSender& sender, std::uint64_t sequence, std::size_t byte_count) {
  const std::span<std::byte> slot = sender.begin();
  REQUIRE(slot.size() == kGeometry.chunk_bytes);
  std::memset(slot.data(), static_cast<int>('a' + sequence), byte_count);
  sender.commit({.sequence = sequence, .byte_count = byte_count, .work_id = 1});
}

// Takes at most `limit` bytes out of it, as a socket would.
Bytes write_some(FrameSender& sender, std::size_t limit) {
  std::array<iovec, 3> parts{};  // few, so that not all fits at once
  Bytes bytes;
  const std::size_t count = sender.fill_parts(parts);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* data = static_cast<const std::byte*>(parts[i].iov_base);
    bytes.insert(bytes.end(), data, data + parts[i].iov_len);
  }
  bytes.resize(std::min(bytes.size(), limit));
  sender.sent(bytes.size());
  return bytes;
}

Bytes write_all(FrameSender& sender, std::size_t at_once) {
  Bytes all;
  while (!sender.empty()) {
    const Bytes some = write_some(sender, at_once);
    REQUIRE(!some.empty());
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

EdgeFrame frame_at(const Bytes& bytes, std::size_t at) {
  return decode_edge_frame(std::span(bytes).subspan(at).first<kEdgeFrameBytes>()).value();
}

TEST_CASE("no more chunks are in flight than the peer has memory for", "[tcp]") {
  FrameSender sender(kGeometry);
  for (std::uint64_t sequence = 0; sequence < 4; ++sequence) {
    commit(sender, sequence, 16);
  }
  CHECK(sender.begin().empty());
  CHECK(sender.sent_count() == 0);
  (void)write_all(sender, 1000);
  CHECK(sender.sent_count() == 4);
  CHECK(sender.begin().empty());
  sender.take_credit(1);
  sender.take_credit(0);  // an older frame that was overtaken
  commit(sender, 4, 16);
  CHECK(sender.begin().empty());
}

TEST_CASE("the stream is the same however little the socket takes at once", "[tcp]") {
  const std::size_t at_once = GENERATE(1, 7, 32, 33, 47, 1000);
  FrameSender sender(kGeometry);
  commit(sender, 0, 16);
  commit(sender, 1, 0);
  commit(sender, 2, 3);
  const Bytes bytes = write_all(sender, at_once);
  REQUIRE(bytes.size() == 3 * kEdgeFrameBytes + 19);
  CHECK(frame_at(bytes, 0).chunk.byte_count == 16);
  CHECK(bytes[kEdgeFrameBytes] == std::byte{'a'});
  CHECK(frame_at(bytes, kEdgeFrameBytes + 16).chunk.byte_count == 0);
  CHECK(frame_at(bytes, 2 * kEdgeFrameBytes + 16).chunk.sequence == 2);
  CHECK(bytes.back() == std::byte{'c'});
}

TEST_CASE("a credit waits for the end of a chunk and goes ahead of those behind it", "[tcp]") {
  const std::size_t at_once = GENERATE(1, 20, 1000);
  FrameSender sender(kGeometry);
  commit(sender, 0, 16);
  commit(sender, 1, 16);
  const Bytes head = write_some(sender, 40);  // in the middle of chunk 0
  sender.set_consumed(3);
  Bytes bytes = head;
  const Bytes rest = write_all(sender, at_once);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  REQUIRE(bytes.size() == 3 * kEdgeFrameBytes + 32);
  const EdgeFrame credit = frame_at(bytes, kEdgeFrameBytes + 16);
  CHECK(credit.kind == FrameKind::credit);
  CHECK(credit.credit == 3);
  CHECK(frame_at(bytes, 2 * kEdgeFrameBytes + 16).chunk.sequence == 1);
}

TEST_CASE("a chunk carries the credit, and then none is owed", "[tcp]") {
  FrameSender sender(kGeometry);
  sender.set_consumed(1);
  CHECK(sender.empty());  // it may wait for a chunk to go with
  const std::span<std::byte> slot = sender.begin();
  REQUIRE(!slot.empty());
  sender.set_consumed(2);
  CHECK(!sender.empty());
  sender.commit({.sequence = 0, .byte_count = 1, .work_id = 1});
  const Bytes bytes = write_all(sender, 1000);
  REQUIRE(bytes.size() == kEdgeFrameBytes + 1);
  CHECK(frame_at(bytes, 0).credit == 2);
}

TEST_CASE("a peer that never reads makes nothing pile up", "[tcp]") {
  FrameSender sender(kGeometry);
  for (std::uint64_t consumed = 1; consumed < 100'000; ++consumed) {
    sender.set_consumed(consumed);
  }
  const Bytes bytes = write_all(sender, 1000);
  REQUIRE(bytes.size() == kEdgeFrameBytes);
  CHECK(frame_at(bytes, 0).credit == 99'999);
}

TEST_CASE("a window that there is no memory for is an error, not the end of the process", "[tcp]") {
  FrameSender sender({.chunk_bytes = std::size_t{1} << 58, .slot_count = 3, .credit_lag = 1});
  CHECK(sender.memory_failure().ok());
  CHECK(sender.begin().empty());
  CHECK(sender.memory_failure().code() == StatusCode::resource);
  CHECK_THAT(sender.memory_failure().message(),
             Catch::Contains("RLIMIT_AS") && Catch::Contains("HVD_ALGORITHM"));
  CHECK(sender.empty());
}

}  // namespace
}  // namespace hvd
