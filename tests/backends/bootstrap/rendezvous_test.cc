#include "backends/bootstrap/rendezvous.h"

#include <sys/socket.h>

#include <atomic>
#include <string>

#include "backends/net/authenticate.h"
#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

const Endpoint kRootAt{.host = "127.0.0.1", .port = 4711};
const Endpoint kLaterRootAt{.host = "127.0.0.1", .port = 4712};

// The server runs on a thread of its own, as hvdrun's loop would.
struct World {
  SteadyClock clock;
  std::unique_ptr<Poller> poller = Poller::create(clock).value();
  Secret secret = Secret::random();
  std::unique_ptr<RendezvousServer> server =
      RendezvousServer::start(*poller, {.host = "127.0.0.1", .port = 0}, secret, 4).value();
  std::atomic<bool> over = false;
  Thread thread;

  World() {
    thread = Thread("server", [this] {
      while (!over) {
        (void)*poller->run_once(5 * kMillisecond);
      }
    });
  }
  ~World() { stop(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  void stop() {
    over = true;
    thread.join();
  }
  Time patience() const { return clock.now() + kTestPatience; }
  Result<RendezvousClient> client() {
    return RendezvousClient::connect(server->endpoint(), secret, patience(), clock);
  }
  Time soon() const { return clock.now() + 20 * kMillisecond; }
};

}  // namespace

TEST_CASE("what one publishes another finds, before or after it asked", "[rendezvous]") {
  World world;
  RendezvousClient early = world.client().value();
  Result<Endpoint> early_answer = Endpoint{};
  Thread asking("asking", [&] { early_answer = early.lookup(0, world.patience()); });
  RendezvousClient root = world.client().value();
  REQUIRE(root.publish(0, kRootAt, world.patience()).ok());
  asking.join();
  REQUIRE(*early_answer == kRootAt);
  REQUIRE(*world.client()->lookup(0, world.patience()) == kRootAt);
}

TEST_CASE("the root of an earlier generation is never given for a later one", "[rendezvous]") {
  World world;
  RendezvousClient root = world.client().value();
  REQUIRE(root.publish(0, kRootAt, world.patience()).ok());
  RendezvousClient leaf = world.client().value();
  REQUIRE(leaf.lookup(1, world.soon()).status().code() == StatusCode::deadline_exceeded);
  REQUIRE(root.publish(1, kLaterRootAt, world.patience()).ok());
  REQUIRE(*leaf.lookup(1, world.patience()) == kLaterRootAt);
  REQUIRE(*leaf.lookup(0, world.patience()) == kRootAt);
}

TEST_CASE("a root that publishes again replaces its address", "[rendezvous]") {
  World world;
  REQUIRE(world.client()->publish(0, kRootAt, world.patience()).ok());
  REQUIRE(world.client()->publish(0, kLaterRootAt, world.patience()).ok());
  REQUIRE(*world.client()->lookup(0, world.patience()) == kLaterRootAt);
}

TEST_CASE("a client with another secret is told so and cannot publish", "[rendezvous]") {
  World world;
  const Result<RendezvousClient> stranger = RendezvousClient::connect(
      world.server->endpoint(), Secret::random(), world.patience(), world.clock);
  REQUIRE(stranger.status().code() == StatusCode::permission_denied);
  REQUIRE(stranger.status().message().find("the secrets differ") != std::string::npos);
}

TEST_CASE("strangers that send noise or nothing do not disturb the meeting", "[rendezvous]") {
  World world;
  std::vector<Fd> strangers;
  for (int i = 0; i < 200; ++i) {
    strangers.push_back(
        connect_tcp(world.server->endpoint(), world.patience(), world.clock).value());
    if (i % 2 == 0) {
      (void)!::send(strangers.back().get(), "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    }
  }
  REQUIRE(world.client()->publish(0, kRootAt, world.patience()).ok());
  REQUIRE(*world.client()->lookup(0, world.patience()) == kRootAt);
  world.stop();
  REQUIRE(world.server->listener().stranger_count() <= 68);
}

TEST_CASE("an authenticated client that speaks nonsense is dropped alone", "[rendezvous]") {
  World world;
  Fd socket = connect_authenticated(world.server->endpoint(), world.secret, "rendezvous",
                                    world.patience(), world.clock)
                  .value();
  FramedConnection rude(std::move(socket), 1000);
  rude.send(Bytes(7, std::byte{0xee}));
  REQUIRE(rude.receive_until(world.patience(), world.clock).status().code() == StatusCode::aborted);
  REQUIRE(world.client()->publish(0, kRootAt, world.patience()).ok());
}

TEST_CASE("idle clients are bounded and clients that left are forgotten", "[rendezvous]") {
  World world;
  {
    std::vector<RendezvousClient> idle;
    idle.reserve(40);
    for (int i = 0; i < 40; ++i) {
      idle.push_back(world.client().value());
    }
    REQUIRE(world.client()->publish(0, kRootAt, world.patience()).ok());
    world.stop();
    REQUIRE(world.server->client_count() <= 24);
  }
  const Time limit = world.patience();
  while (world.server->client_count() > 0 && world.clock.now() < limit) {
    (void)*world.poller->run_once(kMillisecond);
  }
  REQUIRE(world.server->client_count() == 0);
}

TEST_CASE("where no server is, the client says at once what it tried to reach", "[rendezvous]") {
  const SteadyClock clock;
  const Result<RendezvousClient> client = RendezvousClient::connect(
      {.host = "127.0.0.1", .port = 1}, Secret::random(), clock.now() + kTestPatience, clock);
  REQUIRE(client.status().code() == StatusCode::not_found);
  REQUIRE(client.status().message().find("rendezvous of hvdrun") != std::string::npos);
  REQUIRE(client.status().message().find("127.0.0.1:1") != std::string::npos);
}

}  // namespace hvd
