#include "backends/tcp/edge_door.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "backends/net/authenticate.h"
#include "core/base/thread.h"
#include "tests/backends/tcp/tcp_world.h"

namespace hvd {
namespace {

// A rank 0 that proves the secret and then writes these bytes; what it hears back.
struct Caller {
  Bytes heard;
  std::atomic<bool> done{false};  // then `heard` may be read
  Thread thread;
  Caller(TcpWorld& world, const EdgeHelloBytes& bytes)
      : thread("caller", [&world, bytes, this] {
          const Time deadline = world.clock.now() + kTestPatience;
          auto socket = connect_authenticated(world.records[1].data, world.secret, "data", deadline,
                                              world.clock);
          if (socket.ok() && ::write(socket->get(), bytes.data(), bytes.size()) > 0 &&
              wait_for_fd(socket->get(), POLLIN, deadline, world.clock).ok()) {
            heard.resize(kEdgeHelloBytes);
            const ssize_t got = ::read(socket->get(), heard.data(), heard.size());
            heard.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
          }
          done = true;
        }) {}
};

TEST_CASE("the door answers a hello that is awaited, and closes on any other", "[tcp]") {
  TcpWorld world(3);
  std::vector<EdgeHello> admitted;
  const auto door = EdgeDoor::open(
                        *world.pollers[1], std::move(world.listening[1]), world.secret, 3,
                        [](const EdgeHello& hello) {
                          return hello.from == Rank{0}
                                     ? ok_status()
                                     : error(StatusCode::invalid_argument, "not awaited");
                        },
                        [&](const EdgeHello& hello, Fd socket) {
                          CHECK(socket.open());
                          admitted.push_back(hello);
                        })
                        .value();
  const auto call = [&](const EdgeHelloBytes& bytes) {
    Caller caller(world, bytes);
    REQUIRE(world.until([&] { return caller.done.load(); }));
    return caller.heard;
  };
  const EdgeHello good = world.hello(Rank{0}, Rank{1});
  const Bytes heard = call(encode(good));
  REQUIRE(heard.size() == kEdgeHelloBytes);
  CHECK(decode_edge_hello(std::span(heard).first<kEdgeHelloBytes>()).value() == good.answer());
  REQUIRE(admitted.size() == 1);
  CHECK(admitted[0] == good);

  CHECK(call(encode(world.hello(Rank{2}, Rank{1}))).empty());
  CHECK(door->last_refusal() == "not awaited");
  EdgeHelloBytes garbage = encode(good);
  garbage[0] = std::byte{0};
  CHECK(call(garbage).empty());
  CHECK(door->last_refusal().find("begins with") != std::string::npos);
  CHECK(admitted.size() == 1);
}

TEST_CASE("a transport opens an edge once, and only to ranks of its job", "[tcp]") {
  TcpWorld world(3);
  const auto b = world.make(Rank{1}, world.secret);
  const auto opens = [&](const EdgeHello& hello) {
    Caller caller(world, encode(hello));
    REQUIRE(world.until([&] { return caller.done.load(); }));
    return !caller.heard.empty();
  };
  CHECK(opens(world.hello(Rank{0}, Rank{1})));
  CHECK(!opens(world.hello(Rank{0}, Rank{1})));
  CHECK(opens(world.hello(Rank{2}, Rank{1})));  // a higher one, that has waited long enough
  CHECK(!opens(world.hello(Rank{3}, Rank{1})));
  CHECK(!opens(world.hello(Rank{0}, Rank{2}, Lane::express)));
  EdgeHello stale = world.hello(Rank{0}, Rank{1}, Lane::express);
  stale.generation = 1;
  CHECK(!opens(stale));
  CHECK(opens(world.hello(Rank{0}, Rank{1}, Lane::express)));
}

}  // namespace
}  // namespace hvd
