#include "backends/tcp/edge_connector.h"

#include <poll.h>
#include <sys/socket.h>

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
  Attempt(TcpWorld& world, const EdgeHello& hello)
      : connector(*world.pollers[0], world.records[1].data, world.secret, hello,
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

}  // namespace
}  // namespace hvd
