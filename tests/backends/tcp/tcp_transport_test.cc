#include "backends/tcp/tcp_transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>

#include "backends/engine/native_data_plane.h"
#include "core/base/random.h"
#include "core/base/thread.h"
#include "tests/backends/shm/domain_world.h"
#include "tests/backends/tcp/tcp_world.h"

namespace hvd {
namespace {

constexpr Rank kA{0};
constexpr Rank kB{1};

// What is at `at` of chunk `sequence`.
std::byte pattern(std::uint64_t sequence, std::size_t at) {
  return static_cast<std::byte>((sequence * 131 + at * 7 + at / 251) & 0xff);
}

std::size_t size_of(std::uint64_t sequence, std::size_t most) {
  return sequence % 5 == 0 ? 0 : sequence * 7919 * 31 % (most + 1);
}

// Chunks from one rank to another, as an engine would move them.
struct Stream {
  TcpWorld& world;
  Rank from;
  Rank to;
  Lane lane = Lane::bulk;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;

  TcpTransport& at(Rank rank) const { return *world.transports[rank.index()]; }
  bool send(std::uint64_t work_id = 1) {
    const std::span<std::byte> slot = at(from).begin_send(to, lane);
    if (slot.empty()) {
      return false;
    }
    const std::size_t size = size_of(sent, slot.size());
    for (std::size_t i = 0; i < size; ++i) {
      slot[i] = pattern(sent, i);
    }
    at(from).commit_send(to, lane, {.sequence = sent, .byte_count = size, .work_id = work_id});
    ++sent;
    return true;
  }
  bool receive() {
    const auto chunk = at(to).peek(from, lane);
    if (!chunk.has_value()) {
      return false;
    }
    REQUIRE(chunk->header.sequence == received);
    REQUIRE(chunk->data.size() == size_of(received, at(from).chunk_bytes_max(lane)));
    bool same = true;
    for (std::size_t i = 0; i < chunk->data.size(); ++i) {
      same = same && chunk->data[i] == pattern(received, i);
    }
    REQUIRE(same);
    at(to).release(from, lane);
    ++received;
    return true;
  }
};

TEST_CASE("chunks pass over every edge and lane of three ranks, unchanged and in order", "[tcp]") {
  const std::string host = GENERATE("127.0.0.1", "::1");
  TcpWorld world(3, host);
  world.make_all();
  std::vector<Stream> streams;
  for (int from = 0; from < 3; ++from) {
    for (int to = 0; to < 3; ++to) {
      for (const Lane lane : {Lane::express, Lane::bulk}) {
        if (from != to) {
          streams.push_back({world, Rank{from}, Rank{to}, lane});
        }
      }
    }
  }
  constexpr std::uint64_t count = 40;
  Random random(7);
  REQUIRE(world.until([&] {
    bool done = true;
    for (Stream& stream : streams) {
      if (random.below(3) == 0 && stream.sent < count) {
        stream.send();
      }
      if (random.below(3) == 0) {
        stream.receive();
      }
      done = done && stream.received == count;
    }
    return done;
  }));
  CHECK(world.transports[0]->bytes_sent() > count * kEdgeFrameBytes);
}

TEST_CASE("a sender stands still when the receiver has no memory left, and goes on after",
          "[tcp]") {
  TcpWorld world(2);
  world.make_all();
  Stream stream{world, kA, kB};
  while (stream.send()) {
  }
  CHECK(stream.sent == kTcpBulk.window());
  REQUIRE(world.until([&] { return stream.at(kB).peek(kA, Lane::bulk).has_value(); }));
  for (int i = 0; i < 100; ++i) {
    world.step();
  }
  CHECK(!stream.send());  // nothing was consumed
  REQUIRE(world.until([&] {
    stream.receive();
    return stream.send();
  }));
}

// What a schedule may rely on; with credits that come late it would end in both waiting for ever.
TEST_CASE("two ranks that keep slot_count chunks in flight each never block each other", "[tcp]") {
  TcpWorld world(2);
  world.make_all();
  std::array<Stream, 2> streams = {Stream{world, kA, kB}, Stream{world, kB, kA}};
  const auto ahead = static_cast<std::uint64_t>(kTcpBulk.slot_count);
  constexpr std::uint64_t count = 50;
  REQUIRE(world.until([&] {
    for (std::size_t rank = 0; rank < 2; ++rank) {
      Stream& out = streams[rank];
      const Stream& in = streams[1 - rank];
      // In order, as the ops of a rank: a send before the receive that is `ahead` sends later.
      if (out.sent < std::min(count, in.received + ahead)) {
        out.send();
      } else {
        streams[1 - rank].receive();
      }
    }
    return streams[0].received == count && streams[1].received == count;
  }));
}

TEST_CASE("the higher rank may touch an edge first, and either may send first", "[tcp]") {
  TcpWorld world(2);
  world.make_all();
  Stream up{world, kA, kB};
  Stream down{world, kB, kA};
  REQUIRE(down.send());
  for (int i = 0; i < 20; ++i) {
    world.step();
  }
  REQUIRE(world.until([&] { return down.receive(); }));
  REQUIRE(up.send());
  REQUIRE(world.until([&] { return up.receive(); }));
}

TEST_CASE("an edge that nobody uses has no descriptor", "[tcp]") {
  TcpWorld world(3);
  world.make_all();
  Stream stream{world, kA, kB};
  const auto fd_count = [&](int rank) {
    std::set<int> fds;
    world.transports[static_cast<std::size_t>(rank)]->for_each_fd([&](int fd) { fds.insert(fd); });
    return fds.size();
  };
  CHECK(fd_count(0) == 1);  // where it listens
  REQUIRE(stream.send());
  REQUIRE(world.until([&] { return stream.receive(); }));
  CHECK(fd_count(0) == 2);
  CHECK(fd_count(1) == 2);
  CHECK(fd_count(2) == 1);
}

TEST_CASE("what a peer sent before its end can be taken, then the edge names the peer", "[tcp]") {
  TcpWorld world(2);
  world.make_all();
  Stream stream{world, kA, kB, Lane::express};  // what fits into the kernel
  REQUIRE(stream.send());
  REQUIRE(world.until([&] { return stream.receive(); }));
  while (stream.sent < 4) {
    REQUIRE(stream.send());
  }
  std::atomic<bool> closed{false};
  Thread closes("closes", [&] {  // it stays until the other has taken what the kernel holds
    world.transports[0]->close(world.clock.now() + kTestPatience);
    closed = true;
  });
  while (!closed) {
    REQUIRE(world.pollers[1]->run_once(0).ok());
  }
  closes.join();
  world.transports[0].reset();
  REQUIRE(world.until([&] { return !world.transports[1]->health(kA).ok(); }));
  const Status health = world.transports[1]->health(kA);
  CHECK(health.code() == StatusCode::aborted);
  CHECK(health.culprit_rank() == 0);
  CHECK(health.message().find("rank 0 (host host0, pid 1000) died") == 0);
  while (stream.received < 4) {
    const auto chunk = world.transports[1]->peek(kA, Lane::express);
    REQUIRE(chunk.has_value());
    CHECK(chunk->header.sequence == stream.received++);
    world.transports[1]->release(kA, Lane::express);
  }
  CHECK(!world.transports[1]->peek(kA, Lane::express).has_value());
}

TEST_CASE("what a peer sent before its end can be taken by a rank that sends to it first",
          "[tcp]") {
  TcpWorld world(2);
  world.make_all();
  Stream down{world, kA, kB, Lane::express};  // what fits into the kernel
  Stream up{world, kB, kA, Lane::express};
  REQUIRE(up.send());
  REQUIRE(world.until([&] { return up.receive(); }));
  while (down.sent < 3) {
    REQUIRE(down.send());
  }
  world.transports[0]->close(world.clock.now() + kTestPatience);
  world.transports[0].reset();
  // The first bytes find a socket that is closed, the next ones know.
  const Time limit = world.clock.now() + kTestPatience;
  while (world.transports[1]->health(kA).ok() && world.clock.now() < limit) {
    (void)up.send();
  }
  CHECK(!world.transports[1]->health(kA).ok());
  while (down.received < 3) {
    const auto chunk = world.transports[1]->peek(kA, Lane::express);
    REQUIRE(chunk.has_value());
    CHECK(chunk->header.sequence == down.received++);
    world.transports[1]->release(kA, Lane::express);
  }
}

TEST_CASE("a rank that ends stays until late ranks have what it committed to them", "[tcp]") {
  TcpWorld world(3);
  world.make_all();
  Stream down{world, Rank{1}, Rank{0}};  // rank 0 will connect
  Stream up{world, Rank{1}, Rank{2}};    // rank 1 does
  CHECK(world.transports[1]->delivered());
  REQUIRE(down.send());
  REQUIRE(up.send());
  CHECK(!world.transports[1]->delivered());
  TcpTransport& leaving = *world.transports[1];
  Poller& poller = *world.pollers[1];
  REQUIRE(poller.run_once(0).ok());  // rank 1 has passed and found nobody
  CHECK(!leaving.delivered());
  Thread end("leaving", [&] {
    leaving.deliver(world.clock.now() + kTestPatience);
    leaving.close(world.clock.now() + kTestPatience);
    world.transports[1].reset();
  });
  const auto received_by = [&](Stream& stream) {
    const Time limit = world.clock.now() + kTestPatience;
    while (world.clock.now() < limit && stream.at(stream.to).health(Rank{1}).ok()) {
      REQUIRE(world.pollers[stream.to.index()]->run_once(0).ok());
      if (stream.at(stream.to).peek(Rank{1}, Lane::bulk).has_value()) {
        return true;
      }
    }
    return stream.at(stream.to).peek(Rank{1}, Lane::bulk).has_value();
  };
  CHECK(received_by(up));
  CHECK(received_by(down));
  end.join();
}

TEST_CASE("a rank that ends waits for a peer that never comes until the deadline only", "[tcp]") {
  TcpWorld world(2);
  world.make_all();
  Stream down{world, kB, kA};
  REQUIRE(down.send());
  world.transports[1]->deliver(world.clock.now() + 20 * kMillisecond);
  CHECK(!world.transports[1]->delivered());
}

TEST_CASE("a peer that ends in the middle of a chunk is named, and the piece is not a chunk",
          "[tcp]") {
  TcpWorld world(2);
  auto b = world.make(kB, world.secret);
  Fd socket;
  EdgeConnector connector(*world.pollers[0], world.records[1].data, world.secret,
                          world.hello(kA, kB), 30, [&](Result<Fd> fd) {
                            REQUIRE(fd.ok());
                            socket = std::move(fd).value();
                          });
  REQUIRE(world.until([&] { return socket.open(); }));
  const EdgeFrameBytes head =
      encode(EdgeFrame{.chunk = {.sequence = 0, .byte_count = 1000, .work_id = 1}, .credit = 0});
  REQUIRE(::write(socket.get(), head.data(), head.size()) == static_cast<ssize_t>(head.size()));
  REQUIRE(::write(socket.get(), head.data(), 20) == 20);
  CHECK(!b->peek(kA, Lane::bulk).has_value());
  socket.reset();
  REQUIRE(world.until([&] { return !b->health(kA).ok(); }));
  CHECK(!b->peek(kA, Lane::bulk).has_value());
  CHECK(b->health(kA).message().find("connection closed by peer") != std::string::npos);
}

TEST_CASE("bytes that are no frame are the peer's error, by rank and field", "[tcp]") {
  TcpWorld world(2);
  auto b = world.make(kB, world.secret);
  Fd socket;
  EdgeConnector connector(*world.pollers[0], world.records[1].data, world.secret,
                          world.hello(kA, kB), 30,
                          [&](Result<Fd> fd) { socket = std::move(fd).value(); });
  REQUIRE(world.until([&] { return socket.open(); }));
  const EdgeFrameBytes head =
      encode(EdgeFrame{.chunk = {.sequence = 9, .byte_count = 1000, .work_id = 1}, .credit = 0});
  REQUIRE(::write(socket.get(), head.data(), head.size()) == static_cast<ssize_t>(head.size()));
  REQUIRE(world.until([&] { return !b->health(kA).ok(); }));
  CHECK(b->health(kA).message() ==
        "rank 0 (host host0, pid 1000) sent what cannot be over its data connection: a frame has "
        "sequence 9 where chunk 0 was to come. its memory is damaged, or something between the "
        "hosts changes what they send");
}

TEST_CASE("a rank with another secret gets no edge, and both sides say so", "[tcp]") {
  TcpWorld world(2);
  world.transports.push_back(world.make(kA, Secret::random()));
  world.transports.push_back(world.make(kB, world.secret));
  Stream stream{world, kA, kB};
  REQUIRE(stream.send());
  REQUIRE(world.until([&] { return !world.transports[0]->health(kB).ok(); }));
  CHECK(world.transports[0]->health(kB).message().find("secret") != std::string::npos);
  CHECK(world.transports[1]->health(kA).ok());
  CHECK(!stream.receive());
}

TEST_CASE("a peer that does not listen any more is named", "[tcp]") {
  TcpWorld world(2);
  auto a = world.make(kA, world.secret);
  world.listening[1].reset();
  CHECK(!a->begin_send(kB, Lane::bulk).empty());
  REQUIRE(world.until([&] { return !a->health(kB).ok(); }));
  CHECK(a->health(kB).message().find(
            "rank 1 (host host1, pid 1001) cannot be reached for tensor data") == 0);
}

TEST_CASE("a rank that waits in vain for a data connection makes it itself", "[tcp]") {
  TcpWorld world(2);
  world.transports.push_back(world.make(kA, world.secret));
  world.transports.push_back(world.make(kB, world.secret, 0.01));
  Stream down{world, kB, kA};
  REQUIRE(down.send());
  REQUIRE(world.until([&] { return world.transports[1]->delivered(); }));  // rank 0 touched nothing
  CHECK(down.receive());
  Stream up{world, kA, kB};
  REQUIRE(up.send());  // over the same connection
  REQUIRE(world.until([&] { return up.receive(); }));
}

TEST_CASE("a rank that makes no data connection and does not answer its door is named", "[tcp]") {
  TcpWorld world(2);  // rank 0 has a door and nobody behind it
  auto b = world.make(kB, world.secret, 0.01);
  CHECK(!b->begin_send(kA, Lane::bulk).empty());
  REQUIRE(world.until([&] { return !b->health(kA).ok(); }));
  CHECK(b->health(kA).culprit_rank() == 0);
  const std::string text = b->health(kA).message();
  CHECK(text.find(str("rank 0 (host host0, pid 1000) has made no data connection to ",
                      world.records[1].data, " for ")) == 0);
  CHECK(text.find(str("no data connection to ", world.records[0].data)) != std::string::npos);
  CHECK(text.find("limit: HVD_HEARTBEAT_SECONDS 0.01") != std::string::npos);
}

// The time to close is the test's: it ends when the others have what is theirs.
TEST_CASE("a peer that reads nothing takes the others no time to close", "[tcp]") {
  TcpWorld world(3);
  ManualClock time;
  world.pollers[0] = Poller::create(time).value();
  const int least = 1;  // the kernel makes it a few KiB; else it would take all that is sent
  for (const Fd& door : world.listening) {
    REQUIRE(::setsockopt(door.get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0);
  }
  world.make_all();
  Stream stuck{world, Rank{0}, Rank{1}};
  Stream read{world, Rank{0}, Rank{2}};
  for (Stream* stream : {&stuck, &read}) {
    REQUIRE(stream->send());
    REQUIRE(world.until([&] { return stream->receive(); }));
  }
  world.transports[0]->for_each_fd(
      [&](int fd) { REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0); });
  for (Stream* stream : {&stuck, &read}) {
    while (stream->send()) {
    }
  }
  Thread closes("closes", [&] { world.transports[0]->close(time.now() + kSecond); });
  const Time limit = world.clock.now() + kTestPatience;
  while (read.received < read.sent && world.clock.now() < limit) {
    REQUIRE(world.pollers[2]->run_once(kMillisecond).ok());
    (void)read.receive();
  }
  CHECK(read.received == read.sent);
  time.advance(2 * kSecond);
  closes.join();
  CHECK(!world.transports[0]->delivered());  // to the other one
}

TEST_CASE("allreduces over TCP of ranks that sleep between chunks are right", "[tcp]") {
  constexpr int rank_count = 3;
  TcpWorld world(rank_count);
  world.make_all();
  std::vector<Thread> threads;
  std::array<std::string, rank_count> failures;
  threads.reserve(static_cast<std::size_t>(rank_count));
  for (int rank = 0; rank < rank_count; ++rank) {
    threads.emplace_back("rank", [&, rank] {
      const auto at = static_cast<std::size_t>(rank);
      auto idle = PollerIdle::create(*world.pollers[at]).value();
      Config config;
      config.algorithm = "auto";
      auto plane =
          NativeDataPlane::create(Rank{rank}, rank_count, config, *world.transports[at]).value();
      failures[at] = try_sums(*plane, *idle, Rank{rank}, rank_count);
      world.transports[at]->close(world.clock.now() + kTestPatience);
    });
  }
  threads.clear();
  for (const std::string& failure : failures) {
    CHECK(failure.empty());
  }
}

}  // namespace
}  // namespace hvd
