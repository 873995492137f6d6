#include "backends/tcp/edge_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"

namespace hvd {
namespace {

constexpr EdgeGeometry kGeometry{.chunk_bytes = 100'000, .slot_count = 3, .credit_lag = 1};

// Two ends whose sockets take little at once, so that writes and reads come in pieces.
struct Ends {
  EdgeStream left{kGeometry};
  EdgeStream right{kGeometry};
  Ends() {
    SocketPair pair = connected_pair();
    const int few = 4096;
    for (const int fd : {pair.left.get(), pair.right.get()}) {
      (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
    }
    left.attach(std::move(pair.left));
    right.attach(std::move(pair.right));
  }
};

bool send(EdgeStream& stream, std::uint64_t sequence, std::size_t byte_count) {
  const std::span<std::byte> slot = stream.begin_send();
  if (slot.empty()) {
    return false;
  }
  std::memset(slot.data(), static_cast<int>(sequence), byte_count);
  stream.commit_send({.sequence = sequence, .byte_count = byte_count, .work_id = 1});
  return true;
}

TEST_CASE("large chunks in both directions at once pass through small sockets", "[tcp]") {
  Ends ends;
  std::uint64_t sent[2] = {0, 0};
  std::uint64_t received[2] = {0, 0};
  EdgeStream* streams[2] = {&ends.left, &ends.right};
  const SteadyClock clock;
  const Time limit = clock.now() + kTestPatience;
  constexpr std::uint64_t count = 30;
  while ((received[0] < count || received[1] < count) && clock.now() < limit) {
    for (const int side : {0, 1}) {
      EdgeStream& stream = *streams[side];
      if (sent[side] < count && send(stream, sent[side], 70'000 + sent[side])) {
        ++sent[side];
      }
      REQUIRE(stream.flush());
      REQUIRE(stream.fill());
      if (const auto chunk = stream.peek(); chunk.has_value()) {
        REQUIRE(chunk->data.size() == 70'000 + received[side]);
        REQUIRE(chunk->data.front() == static_cast<std::byte>(received[side]));
        REQUIRE(chunk->data.back() == static_cast<std::byte>(received[side]));
        stream.release();
        ++received[side];
      }
    }
  }
  CHECK(received[0] == count);
  CHECK(received[1] == count);
  CHECK(ends.left.bytes_sent() >= count * 70'000);
}

TEST_CASE("memory that a chunk was sent from may be written again at once", "[tcp]") {
  const bool early = GENERATE(true, false);  // before there is a socket
  EdgeStream left(kGeometry);
  EdgeStream right(kGeometry);
  SocketPair pair = connected_pair();
  const int few = 4096;  // so that the kernel takes a part
  (void)::setsockopt(pair.left.get(), SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
  right.attach(std::move(pair.right));
  if (!early) {
    left.attach(std::move(pair.left));
  }
  for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
    std::vector<std::byte> memory(90'000, static_cast<std::byte>('a' + sequence));
    const auto bytes = std::span<const std::byte>(memory);
    const std::array<std::span<const std::byte>, 3> pieces = {
        bytes.first(10), bytes.subspan(10, 50'000), bytes.subspan(50'010)};
    REQUIRE(left.send_from({.sequence = sequence, .byte_count = 90'000, .work_id = 1}, pieces));
    std::fill(memory.begin(), memory.end(), std::byte{0});
  }
  if (early) {
    left.attach(std::move(pair.left));
  }
  const SteadyClock clock;
  const Time limit = clock.now() + kTestPatience;
  for (int sequence = 0; sequence < 3; ++sequence) {
    while (!right.peek().has_value() && clock.now() < limit) {
      REQUIRE(left.flush());
      REQUIRE(right.fill());
    }
    REQUIRE(right.peek().has_value());
    const auto same = static_cast<std::byte>('a' + sequence);
    CHECK(std::count(right.peek()->data.begin(), right.peek()->data.end(), same) == 90'000);
    right.release();
  }
}

TEST_CASE("chunks committed before there is a socket leave when it comes", "[tcp]") {
  EdgeStream early(kGeometry);
  REQUIRE(send(early, 0, 10));
  CHECK(early.flush());
  CHECK(early.unsent());
  SocketPair pair = connected_pair();
  early.attach(std::move(pair.left));
  CHECK(early.flush());
  CHECK(!early.unsent());
  EdgeStream late(kGeometry);
  late.attach(std::move(pair.right));
  const SteadyClock clock;
  REQUIRE(wait_for_fd(late.fd(), 1 /* POLLIN */, clock.now() + kTestPatience, clock).ok());
  CHECK(late.fill());
  CHECK(late.peek().has_value());
}

TEST_CASE("the end of a connection is told with its reason", "[tcp]") {
  Ends ends;
  ends.right.detach();
  const SteadyClock clock;
  REQUIRE(wait_for_fd(ends.left.fd(), 1 /* POLLIN */, clock.now() + kTestPatience, clock).ok());
  CHECK(!ends.left.fill());
  CHECK(ends.left.trouble() == "connection closed by peer");
  CHECK(!ends.left.peer_lies());
  ends.left.detach();
  CHECK(!ends.left.unsent());
  CHECK(ends.left.fill());  // nothing to do, and no reason to complain again
}

TEST_CASE("memory that is missing here is not the peer's fault", "[tcp]") {
  const EdgeGeometry vast{.chunk_bytes = std::size_t{1} << 58, .slot_count = 2, .credit_lag = 1};
  SocketPair pair = connected_pair();
  EdgeStream sends(kGeometry);
  EdgeStream receives(vast);
  sends.attach(std::move(pair.left));
  receives.attach(std::move(pair.right));
  CHECK(receives.begin_send().empty());
  CHECK(receives.own_fault().code() == StatusCode::resource);
  EdgeStream late(vast);
  CHECK(late.own_fault().ok());
  REQUIRE(send(sends, 0, 10));
  REQUIRE(sends.flush());
  const SteadyClock clock;
  REQUIRE(wait_for_fd(receives.fd(), 1 /* POLLIN */, clock.now() + kTestPatience, clock).ok());
  CHECK(!receives.fill());
  CHECK(!receives.peer_lies());
  CHECK(receives.trouble().find("RLIMIT_AS") != std::string::npos);
}

}  // namespace
}  // namespace hvd
