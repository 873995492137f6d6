#include "backends/net/control_star.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>

#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// Ranks of one process, each with a poller of its own, all driven by the test's thread.
struct World {
  SteadyClock clock;
  std::vector<std::unique_ptr<Poller>> pollers;
  std::vector<std::unique_ptr<ControlStar>> stars;

  explicit World(int rank_count) {
    std::vector<StarLink> of_root;
    std::vector<std::vector<StarLink>> of_leaf(static_cast<std::size_t>(rank_count));
    for (int rank = 1; rank < rank_count; ++rank) {
      SocketPair pair = connected_pair();
      of_root.push_back({.peer = Rank(rank), .connection = frame(std::move(pair.left))});
      of_leaf[static_cast<std::size_t>(rank)].push_back(
          {.peer = kRoot, .connection = frame(std::move(pair.right))});
    }
    of_leaf[0] = std::move(of_root);
    for (int rank = 0; rank < rank_count; ++rank) {
      pollers.push_back(Poller::create(clock).value());
      stars.push_back(ControlStar::create(*pollers.back(), Rank(rank), rank_count,
                                          std::move(of_leaf[static_cast<std::size_t>(rank)]))
                          .value());
    }
  }
  static std::unique_ptr<FramedConnection> frame(Fd socket) {
    return std::make_unique<FramedConnection>(std::move(socket), kControlMessageBytesMax);
  }
  Time patience() const { return clock.now() + kTestPatience; }
  void pass() {
    for (std::size_t rank = 0; rank < pollers.size(); ++rank) {
      if (stars[rank] != nullptr) {
        (void)*pollers[rank]->run_once(0);
      }
    }
  }
  // The next event at a rank; a failure if none comes.
  ControlEvent next(std::size_t rank) {
    const Time limit = patience();
    ControlEvent event;
    while (!stars[rank]->receive(event)) {
      REQUIRE(clock.now() < limit);
      pass();
    }
    return event;
  }
};

Bytes text(const std::string& words) {
  const auto bytes = std::as_bytes(std::span(words));
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace

TEST_CASE("messages go between root and leaves in order", "[control_star]") {
  World world(3);
  world.stars[1]->send(kRoot, text("a"));
  world.stars[1]->send(kRoot, text("b"));
  ControlEvent event = world.next(0);
  REQUIRE(event.from == Rank(1));
  REQUIRE(event.message == text("a"));
  REQUIRE(world.next(0).message == text("b"));
  world.stars[0]->send(Rank(2), text("to 2"));
  event = world.next(2);
  REQUIRE(event.from == kRoot);
  REQUIRE(event.message == text("to 2"));
  REQUIRE_FALSE(world.stars[1]->receive(event));
}

TEST_CASE("a message leaves at once, without a pass of the sender's poller", "[control_star]") {
  World world(2);
  world.stars[1]->send(kRoot, text("now"));
  REQUIRE(world.stars[1]->flushed());
  REQUIRE(*world.pollers[0]->run_once(kTestPatience) == 1);
  ControlEvent event;
  REQUIRE(world.stars[0]->receive(event));
  REQUIRE(event.message == text("now"));
}

TEST_CASE("more than the kernel takes is not flushed until the poller has sent it",
          "[control_star]") {
  World world(2);
  const Bytes large(kControlMessageBytesMax, std::byte{5});
  world.stars[0]->send(Rank(1), large);
  world.stars[0]->send(Rank(1), text("last"));
  REQUIRE_FALSE(world.stars[0]->flushed());
  REQUIRE(world.next(1).message == large);
  REQUIRE(world.next(1).message == text("last"));
  REQUIRE(world.stars[0]->flushed());
  REQUIRE(*world.pollers[0]->run_once(0) == 0);  // writability is not asked for any more
}

TEST_CASE("a peer is lost once, after everything it had sent, and then swallows messages",
          "[control_star]") {
  World world(3);
  world.stars[2]->send(kRoot, text("goodbye"));
  world.stars[2].reset();
  REQUIRE(world.next(0).message == text("goodbye"));
  const ControlEvent lost = world.next(0);
  REQUIRE(lost.kind == ControlEvent::Kind::peer_lost);
  REQUIRE(lost.from == Rank(2));
  REQUIRE(lost.reason == "connection closed by peer");
  world.stars[0]->send(Rank(2), Bytes(kControlMessageBytesMax));
  REQUIRE(world.stars[0]->flushed());
  world.pass();
  ControlEvent none;
  REQUIRE_FALSE(world.stars[0]->receive(none));
  REQUIRE(*world.pollers[0]->run_once(0) == 0);  // no busy loop on the dead socket
}

TEST_CASE("a root that is lost is told to its leaves with the reason", "[control_star]") {
  World world(2);
  world.stars[1]->send(kRoot, text("unread"));  // makes the kernel reset the connection
  world.stars[0].reset();
  const ControlEvent lost = world.next(1);
  REQUIRE(lost.kind == ControlEvent::Kind::peer_lost);
  REQUIRE(lost.reason.find("connection reset by peer") != std::string::npos);
}

TEST_CASE("close hands over everything, though the closer never read what it was sent",
          "[control_star]") {
  World world(2);
  world.stars[0]->send(Rank(1), text("unread by rank 1"));
  const Bytes large(std::size_t{3} << 20, std::byte{6});
  Thread closing("closing", [&] {
    world.stars[1]->send(kRoot, large);
    world.stars[1]->send(kRoot, text("goodbye"));
    world.stars[1]->close(world.patience());
    world.stars[1].reset();
  });
  const Time limit = world.patience();
  std::vector<ControlEvent> events;
  while (events.size() < 3 && world.clock.now() < limit) {
    (void)*world.pollers[0]->run_once(kMillisecond);
    ControlEvent event;
    while (world.stars[0]->receive(event)) {
      events.push_back(std::move(event));
    }
  }
  closing.join();
  REQUIRE(events.size() == 3);
  REQUIRE(events[0].message == large);
  REQUIRE(events[1].message == text("goodbye"));
  REQUIRE(events[2].kind == ControlEvent::Kind::peer_lost);
}

TEST_CASE("close does not wait for a peer that does nothing", "[control_star]") {
  World world(2);
  world.stars[1]->send(kRoot, text("goodbye"));
  world.stars[1]->close(kNever);  // rank 0 has read nothing and never will
  REQUIRE(world.stars[1]->flushed());
}

TEST_CASE("gather and broadcast carry everybody's part, and leave later messages alone",
          "[control_star]") {
  World world(3);
  REQUIRE(world.stars[1]->gather(text("one"), world.patience())->empty());
  REQUIRE(world.stars[2]->gather(text("two"), world.patience())->empty());
  world.stars[2]->send(kRoot, text("later"));
  const std::vector<Bytes> parts = world.stars[0]->gather(text("zero"), world.patience()).value();
  REQUIRE(parts == std::vector<Bytes>{text("zero"), text("one"), text("two")});
  REQUIRE(*world.stars[0]->broadcast(text("all"), world.patience()) == text("all"));
  REQUIRE(*world.stars[1]->broadcast({}, world.patience()) == text("all"));
  REQUIRE(*world.stars[2]->broadcast({}, world.patience()) == text("all"));
  REQUIRE(world.next(0).message == text("later"));
}

TEST_CASE("a gather that is not complete names the ranks that sent nothing", "[control_star]") {
  World world(4);
  (void)world.stars[2]->gather(text("two"), world.patience());
  const Result<std::vector<Bytes>> parts =
      world.stars[0]->gather({}, world.clock.now() + 5 * kMillisecond);
  REQUIRE(parts.status().code() == StatusCode::deadline_exceeded);
  REQUIRE(parts.status().message().find("ranks 1 3 ") != std::string::npos);
  REQUIRE(parts.status().message().find("HVD_START_TIMEOUT_SECONDS") != std::string::npos);
  const Status told = world.stars[1]->broadcast({}, world.patience()).status();
  REQUIRE(told.message() == parts.status().message());
  REQUIRE(told.culprit_rank() == 1);
}

TEST_CASE("a leaf that waits for the root alone names it", "[control_star]") {
  World world(2);
  const Status alone = world.stars[1]->broadcast({}, world.clock.now() + kMillisecond).status();
  REQUIRE(alone.code() == StatusCode::deadline_exceeded);
  REQUIRE(alone.message().find("rank 0 ") != std::string::npos);
}

TEST_CASE("a rank that dies while the others gather ends it at once by name", "[control_star]") {
  World world(3);
  world.stars[2].reset();
  const Result<std::vector<Bytes>> parts = world.stars[0]->gather({}, kNever);
  REQUIRE(parts.status().code() == StatusCode::aborted);
  REQUIRE(parts.status().culprit_rank() == 2);
  REQUIRE(parts.status().message().find("rank 2") != std::string::npos);
}

TEST_CASE("a death while the others set up is told to all by the root, as the first cause",
          "[control_star]") {
  World world(3);
  REQUIRE(world.stars[1]->gather(text("one"), world.patience()).ok());
  world.stars[2].reset();
  REQUIRE_FALSE(world.stars[0]->gather({}, world.patience()).ok());
  world.stars[0].reset();
  (void)*world.pollers[1]->run_once(kTestPatience);
  const Status waiting = world.stars[1]->set_up_alive();
  const Status told = world.stars[1]->broadcast({}, world.patience()).status();
  for (const Status& status : {waiting, told}) {
    REQUIRE(status.code() == StatusCode::aborted);
    REQUIRE(status.culprit_rank() == 2);
    REQUIRE(status.message().find("rank 2 was lost") != std::string::npos);
  }
}

TEST_CASE("one rank alone needs no connection", "[control_star]") {
  World world(1);
  REQUIRE(world.stars[0]->gather(text("me"), 0)->front() == text("me"));
  REQUIRE(*world.stars[0]->broadcast(text("me"), 0) == text("me"));
  REQUIRE(world.stars[0]->flushed());
  world.stars[0]->close(kNever);
}

// A forked worker must not keep a dead rank's connection alive.
TEST_CASE("when a forked child closes what for_each_fd names, a dead rank is seen at once",
          "[control_star]") {
  World world(2);
  int release[2] = {-1, -1};
  REQUIRE(::pipe(release) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    world.stars[1]->for_each_fd([](int fd) { ::close(fd); });
    ::close(release[1]);
    char byte = 0;
    (void)!::read(release[0], &byte, 1);  // until the parent lets go
    ::_exit(0);
  }
  world.stars[1].reset();  // the rank dies, its worker lives on
  const ControlEvent lost = world.next(0);
  REQUIRE(lost.kind == ControlEvent::Kind::peer_lost);
  ::close(release[0]);
  ::close(release[1]);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("the root names one descriptor per leaf, a leaf one", "[control_star]") {
  World world(4);
  std::set<int> of_root;
  world.stars[0]->for_each_fd([&](int fd) { of_root.insert(fd); });
  REQUIRE(of_root.size() == 3);
  std::set<int> of_leaf;
  world.stars[3]->for_each_fd([&](int fd) { of_leaf.insert(fd); });
  REQUIRE(of_leaf.size() == 1);
}

}  // namespace hvd
