#include "backends/net/listener.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "backends/net/authenticate.h"
#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct World {
  ManualClock clock{kSecond};
  SteadyClock real;
  std::unique_ptr<Poller> poller = Poller::create(clock).value();
  Secret secret = Secret::random();
  std::vector<Fd> admitted;
  std::unique_ptr<Listener> listener;
  Endpoint endpoint;

  explicit World(std::size_t strangers_max = 64) {
    Fd listening = listen_tcp({.host = "127.0.0.1", .port = 0}).value();
    endpoint = local_endpoint(listening.get()).value();
    listener = Listener::start(*poller, std::move(listening),
                               {.secret = secret,
                                .purpose = "control",
                                .strangers_max = strangers_max,
                                .patience = 5 * kSecond},
                               [this](Fd socket) { admitted.push_back(std::move(socket)); })
                   .value();
  }
  Time patience() const { return real.now() + kTestPatience; }
  Fd connect() { return connect_tcp(endpoint, patience(), real).value(); }
  template <typename Condition>
  bool run_until(Condition condition) {
    const Time limit = patience();
    while (!condition()) {
      if (real.now() > limit) {
        return false;
      }
      (void)*poller->run_once(kMillisecond);
    }
    return true;
  }
  // An honest connection through the listener, driven from this thread's poller.
  bool honest_one_gets_in() {
    const std::size_t before = admitted.size();
    Status status;
    Thread thread("honest", [&] {
      const Result<Fd> socket =
          connect_authenticated(endpoint, secret, "control", patience(), real);
      status = socket.status();
    });
    const bool in = run_until([&] { return admitted.size() > before; });
    thread.join();
    return in && status.ok();
  }
  bool refused_with(const std::string& words) {
    return run_until([&] { return listener->stranger_count() == 0; }) &&
           listener->last_refusal().find(words) != std::string::npos;
  }
};

void say(const Fd& socket, const Bytes& bytes) {
  REQUIRE(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("noise is refused, nobody is admitted by it, and an honest one still gets in",
          "[listener]") {
  World world;
  const Fd stranger = world.connect();
  say(stranger, Bytes(4096, std::byte{'G'}));
  REQUIRE(world.run_until([&] { return world.listener->refused_count() == 1; }));
  REQUIRE(world.refused_with("does not speak hvd's handshake"));
  REQUIRE(world.admitted.empty());
  REQUIRE(world.honest_one_gets_in());
}

TEST_CASE("silence is refused when its time is over and not before", "[listener]") {
  World world;
  const Fd stranger = world.connect();
  REQUIRE(world.run_until([&] { return world.listener->stranger_count() == 1; }));
  REQUIRE(world.honest_one_gets_in());
  world.clock.advance(4 * kSecond);
  (void)*world.poller->run_once(0);
  REQUIRE(world.listener->stranger_count() == 1);
  world.clock.advance(kSecond);
  (void)*world.poller->run_once(0);
  REQUIRE(world.listener->stranger_count() == 0);
  REQUIRE(world.listener->last_refusal().find("within 5 s") != std::string::npos);
  char byte = 0;
  REQUIRE(wait_for_fd(stranger.get(), POLLIN, world.patience(), world.real).ok());
  REQUIRE(::recv(stranger.get(), &byte, 1, 0) == 0);
}

TEST_CASE("a hello with a wrong proof is refused", "[listener]") {
  World world;
  const Fd stranger = world.connect();
  Handshake handshake(HandshakeSide::connecting, Secret::random(), "control");
  say(stranger, handshake.take_output());
  REQUIRE(world.run_until([&] { return world.listener->stranger_count() == 1; }));
  Bytes proof(kProofBytes, std::byte{0});
  const std::string tag = std::string("hvdkeyp") + '\1';
  for (std::size_t i = 0; i < tag.size(); ++i) {
    proof[i] = static_cast<std::byte>(tag[i]);
  }
  say(stranger, proof);
  REQUIRE(world.run_until([&] { return world.listener->refused_count() == 1; }));
  REQUIRE(world.refused_with("could not prove the secret"));
  REQUIRE(world.admitted.empty());
}

TEST_CASE("more strangers than allowed drop the one that has waited longest", "[listener]") {
  World world(3);
  std::vector<Fd> strangers;
  strangers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    strangers.push_back(world.connect());
  }
  REQUIRE(world.run_until([&] { return world.listener->stranger_count() == 3; }));
  strangers.push_back(world.connect());
  REQUIRE(world.run_until([&] { return world.listener->refused_count() == 1; }));
  REQUIRE(world.listener->stranger_count() == 3);
  char byte = 0;
  REQUIRE(wait_for_fd(strangers[0].get(), POLLIN, world.patience(), world.real).ok());
  REQUIRE(::recv(strangers[0].get(), &byte, 1, 0) == 0);
  REQUIRE(world.honest_one_gets_in());
}

TEST_CASE("what follows the handshake is left in the socket for its new owner", "[listener]") {
  World world;
  Thread thread("honest", [&] {
    const Result<Fd> socket = connect_authenticated(world.endpoint, world.secret, "control",
                                                    world.patience(), world.real);
    if (socket.ok()) {
      (void)!::send(socket->get(), "next", 4, MSG_NOSIGNAL);
    }
  });
  REQUIRE(world.run_until([&] { return world.admitted.size() == 1; }));
  thread.join();
  std::array<char, 8> buffer{};
  REQUIRE(wait_for_fd(world.admitted[0].get(), POLLIN, world.patience(), world.real).ok());
  REQUIRE(::recv(world.admitted[0].get(), buffer.data(), buffer.size(), 0) == 4);
}

TEST_CASE("without descriptors left the listener rests and opens again later", "[listener]") {
  World world;
  const Fd waiting = world.connect();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const int first = *world.poller->run_once(kSecond);
  const int second = *world.poller->run_once(0);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(first == 1);
  REQUIRE(second == 0);  // no busy loop on the connection that still waits
  world.clock.advance(kSecond);
  REQUIRE(world.run_until([&] { return world.listener->stranger_count() == 1; }));
}

TEST_CASE("a listener names its own and its strangers' descriptors", "[listener]") {
  World world;
  const Fd stranger = world.connect();
  REQUIRE(world.run_until([&] { return world.listener->stranger_count() == 1; }));
  int count = 0;
  world.listener->for_each_fd([&](int) { ++count; });
  REQUIRE(count == 2);
}

}  // namespace hvd
