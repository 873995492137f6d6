#include "backends/tcp/edge_connector.h"

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "backends/net/authenticate.h"
#include "core/base/thread.h"
#include "tests/backends/tcp/tcp_world.h"

namespace hvd {
namespace {

struct Attempt {
  std::optional<Result<Fd>> outcome;
  EdgeConnector connector;
  Attempt(TcpWorld& world, const EdgeHello& hello, double patience_seconds = 30)
      : connector(*world.pollers[0], world.records[1].data, world.secret, hello, patience_seconds,
                  [this](Result<Fd> fd) { outcome.emplace(std::move(fd)); }) {}
};

// The accepting side by hand: proves the secret, reads a hello and does what the test wants, once
// for each of `answers`.
using Answer = std::function<void(Fd& socket, const EdgeHello& hello)>;

Thread accept_by_hand(TcpWorld& world, std::vector<Answer> answers) {
  return Thread("accept", [&world, answers = std::move(answers)] {
    const Time deadline = world.clock.now() + kTestPatience;
    const int listening = world.listening[1].get();
    for (const Answer& answer : answers) {
      Status status = wait_for_fd(listening, POLLIN, deadline, world.clock);
      Fd socket = accept_connection(listening).value();
      if (status.ok() && socket.open()) {
        status = authenticate(socket.get(), HandshakeSide::accepting, world.secret, "data",
                              deadline, world.clock);
      }
      EdgeHelloBytes hello{};
      if (status.ok() && wait_for_fd(socket.get(), POLLIN, deadline, world.clock).ok() &&
          ::recv(socket.get(), hello.data(), hello.size(), 0) == kEdgeHelloBytes) {
        answer(socket, decode_edge_hello(hello).value());
      }
    }
  });
}

void say(Fd& socket, const EdgeHello& hello) {
  const EdgeHelloBytes bytes = encode(hello);
  (void)!::write(socket.get(), bytes.data(), bytes.size());
}

TEST_CASE("a connection is dropped on the way: another attempt gets in", "[tcp]") {
  TcpWorld world(2);
  Attempt attempt(world, world.hello(Rank{0}, Rank{1}));
  const Thread accepting = accept_by_hand(
      world, {[](Fd& socket, const EdgeHello&) { socket.reset(); },
              [](Fd& socket, const EdgeHello& hello) { say(socket, hello.answer()); }});
  REQUIRE(world.until([&] { return attempt.outcome.has_value(); }));
  CHECK(attempt.outcome->ok());
}

TEST_CASE("an answer that names another edge is no connection", "[tcp]") {
  TcpWorld world(2);
  Attempt attempt(world, world.hello(Rank{0}, Rank{1}));
  const Thread accepting = accept_by_hand(world, {[](Fd& socket, const EdgeHello& hello) {
                                            EdgeHello other = hello.answer();
                                            other.generation = 17;
                                            say(socket, other);
                                          }});
  REQUIRE(world.until([&] { return attempt.outcome.has_value(); }));
  REQUIRE(!attempt.outcome->ok());
  CHECK(attempt.outcome->status().message().find("generation 17") != std::string::npos);
}

TEST_CASE("nobody listens: that is final, and tells where", "[tcp]") {
  TcpWorld world(2);
  world.listening[1].reset();
  Attempt attempt(world, world.hello(Rank{0}, Rank{1}));
  CHECK(!attempt.outcome.has_value());  // never from inside the constructor
  REQUIRE(world.until([&] { return attempt.outcome.has_value(); }));
  CHECK(attempt.outcome->status().code() == StatusCode::not_found);
}

void check_given_up(TcpWorld& world, const std::string& owed) {
  Attempt attempt(world, world.hello(Rank{0}, Rank{1}), 0.05);
  REQUIRE(world.until([&] { return attempt.outcome.has_value(); }));
  REQUIRE(!attempt.outcome->ok());
  CHECK(attempt.outcome->status().code() == StatusCode::deadline_exceeded);
  const std::string text = attempt.outcome->status().message();
  CAPTURE(text);
  CHECK(text.find(str("no data connection to ", world.records[1].data, " in the 0.05 s since")) ==
        0);
  CHECK(text.find(owed) != std::string::npos);
  CHECK(text.find("limit: HVD_HEARTBEAT_SECONDS 0.05") != std::string::npos);
}

TEST_CASE("a peer that accepts and says nothing is given up, with what it owes", "[tcp]") {
  TcpWorld world(2);  // the kernel accepts for whoever listens
  check_given_up(world, "accepted there, and nobody proves the secret");
}

TEST_CASE("a peer whose door lets nobody in is given up, with what it owes", "[tcp]") {
  TcpWorld world(2);
  // A queue without a free place: the kernel answers nobody any more.
  REQUIRE(::listen(world.listening[1].get(), 0) == 0);
  std::vector<Fd> waiting;
  waiting.reserve(4);
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(start_connect_tcp(world.records[1].data).value());
  }
  check_given_up(world, "nothing answers there");
}

TEST_CASE("a peer that proves the secret and says no more is given up, with what it owes",
          "[tcp]") {
  TcpWorld world(2);
  ManualClock time;
  world.pollers[0] = Poller::create(time).value();
  Fd kept;
  std::atomic<bool> heard{false};
  const Thread accepting = accept_by_hand(world, {[&](Fd& socket, const EdgeHello&) {
                                            kept = std::move(socket);
                                            heard = true;
                                          }});
  Attempt attempt(world, world.hello(Rank{0}, Rank{1}));
  REQUIRE(world.until([&] { return heard.load(); }));
  CHECK(!attempt.outcome.has_value());
  time.advance(31 * kSecond);
  REQUIRE(world.until([&] { return attempt.outcome.has_value(); }));
  CHECK(attempt.outcome->status().message().find("does not say which one") != std::string::npos);
}

}  // namespace
}  // namespace hvd
