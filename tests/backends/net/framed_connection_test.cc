// The connection of framing.h over real sockets; its parser alone is in framing_test.cc.
#include <sys/socket.h>

#include <array>

#include "backends/net/framing.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

const SteadyClock kClock;
Time patience() { return kClock.now() + kTestPatience; }
constexpr std::size_t kBytesMax = std::size_t{4} << 20;

Bytes message_of(std::size_t size, int fill) { return Bytes(size, static_cast<std::byte>(fill)); }

struct Connections {
  SocketPair pair = connected_pair();
  FramedConnection left{std::move(pair.left), kBytesMax};
  FramedConnection right{std::move(pair.right), kBytesMax};
};

// A peer that vanishes with unread input makes the kernel send a reset.
void reset_connection(Fd socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  socket.reset();
}

}  // namespace

TEST_CASE("more than the kernel takes is queued and arrives whole and in order",
          "[framed_connection]") {
  Connections both;
  constexpr int count = 6;
  for (int i = 0; i < count; ++i) {
    both.left.send(message_of(kBytesMax - static_cast<std::size_t>(i), i));
  }
  REQUIRE_FALSE(both.left.flushed());
  std::array<std::byte, 65536> buffer;
  Bytes message;
  for (int i = 0; i < count;) {
    both.left.flush();
    both.right.read_some(buffer);
    if (both.right.take(message)) {
      REQUIRE(message == message_of(kBytesMax - static_cast<std::size_t>(i), i));
      ++i;
    }
    REQUIRE_FALSE(both.right.ended());
  }
  REQUIRE(both.left.flushed());
}

TEST_CASE("what a peer sent before it closed is delivered before the end", "[framed_connection]") {
  Connections both;
  both.left.send(message_of(10, 1));
  both.left.send(message_of(0, 0));
  both.left.finish_sending();
  REQUIRE(*both.right.receive_until(patience(), kClock) == message_of(10, 1));
  REQUIRE(*both.right.receive_until(patience(), kClock) == Bytes());
  const Status end = both.right.receive_until(patience(), kClock).status();
  REQUIRE(end.code() == StatusCode::aborted);
  REQUIRE(end.message() == "connection closed by peer");
  both.right.send(message_of(kBytesMax, 3));  // swallowed
  REQUIRE(both.right.flushed());
}

TEST_CASE("what a peer sent before a reset is delivered, also after our own send failed",
          "[framed_connection]") {
  for (const bool we_send : {false, true}) {
    SocketPair pair = connected_pair();
    FramedConnection right(std::move(pair.right), kBytesMax);
    const auto header = frame_header(2);
    const Bytes body = message_of(2, 9);
    REQUIRE(::send(pair.left.get(), header.data(), header.size(), 0) == 8);
    REQUIRE(::send(pair.left.get(), body.data(), body.size(), 0) == 2);
    reset_connection(std::move(pair.left));
    if (we_send) {
      right.send(message_of(5, 5));
      right.send(message_of(5, 5));
    }
    REQUIRE(*right.receive_until(patience(), kClock) == body);
    const Status end = right.receive_until(patience(), kClock).status();
    REQUIRE(end.code() == StatusCode::aborted);
    REQUIRE(end.message().find("connection reset by peer") != std::string::npos);
    REQUIRE(right.flushed());
  }
}

TEST_CASE("who has finished sending can still receive", "[framed_connection]") {
  Connections both;
  both.left.finish_sending();
  both.right.send(message_of(3, 3));  // has not read the end yet
  REQUIRE(*both.left.receive_until(patience(), kClock) == message_of(3, 3));
}

TEST_CASE("an end in the middle of a message is told as such", "[framed_connection]") {
  SocketPair pair = connected_pair();
  FramedConnection right(std::move(pair.right), kBytesMax);
  const auto header = frame_header(2);
  REQUIRE(::send(pair.left.get(), header.data(), header.size(), 0) == 8);
  pair.left.reset();
  REQUIRE(right.receive_until(patience(), kClock).status().message().find("in the middle") !=
          std::string::npos);
}

TEST_CASE("a frame beyond the limit ends the connection with the reason", "[framed_connection]") {
  SocketPair pair = connected_pair();
  FramedConnection right(std::move(pair.right), 100);
  const auto header = frame_header(101);
  REQUIRE(::send(pair.left.get(), header.data(), header.size(), 0) == 8);
  const Status end = right.receive_until(patience(), kClock).status();
  REQUIRE(end.message().find("101 bytes") != std::string::npos);
  REQUIRE(right.ended());
}

TEST_CASE("blocking calls end at the deadline", "[framed_connection]") {
  Connections both;
  REQUIRE(both.right.receive_until(kClock.now() + kMillisecond, kClock).status().code() ==
          StatusCode::deadline_exceeded);
  for (int i = 0; i < 6; ++i) {
    both.left.send(message_of(kBytesMax, i));
  }
  REQUIRE(both.left.flush_until(kClock.now() + kMillisecond, kClock).code() ==
          StatusCode::deadline_exceeded);
}

}  // namespace hvd
