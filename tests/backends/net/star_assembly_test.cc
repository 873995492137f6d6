#include "backends/net/star_assembly.h"

#include <string>

#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct World {
  ManualClock clock{kSecond};
  SteadyClock real;
  std::unique_ptr<Poller> poller = Poller::create(clock).value();
  StarAssembly assembly;

  explicit World(int rank_count, std::uint64_t generation = 0)
      : assembly(*poller, rank_count, generation) {}
  Time patience() const { return real.now() + kTestPatience; }

  template <typename Condition>
  bool run_until(Condition condition) {
    const Time limit = patience();
    while (!condition() && real.now() < limit) {
      (void)*poller->run_once(kMillisecond);
    }
    return condition();
  }
};

// A leaf that says hello from a thread of its own, since it blocks for the verdict.
class Leaf {
 public:
  Leaf(World& world, const StarHello& hello) {
    SocketPair pair = connected_pair();
    world.assembly.admit(std::move(pair.right));
    thread_ =
        Thread("leaf", [this, &world, hello, left = std::make_shared<Fd>(std::move(pair.left))] {
          auto connection = enter_star(std::move(*left), hello, world.patience(), world.real);
          verdict_ = connection.status();
        });
  }
  const Status& verdict() {
    thread_.join();
    return verdict_;
  }

 private:
  Status verdict_;
  Thread thread_;
};

StarHello hello_of(int rank, int rank_count, const std::string& who = "host a, pid 1") {
  return {.rank = rank, .rank_count = rank_count, .generation = 0, .who = who};
}

bool tells(const Status& status, const std::string& words) {
  UNSCOPED_INFO(status.message());
  return status.message().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("the star is complete when every rank but the root has said hello", "[star_assembly]") {
  World world(3);
  REQUIRE(world.assembly.missing() == std::vector<int>{1, 2});
  Leaf second(world, hello_of(2, 3));
  REQUIRE(world.run_until([&] { return world.assembly.missing() == std::vector<int>{1}; }));
  Leaf first(world, hello_of(1, 3));
  REQUIRE(world.run_until([&] { return world.assembly.complete(); }));
  const std::vector<StarLink> links = world.assembly.welcome();
  REQUIRE(links.size() == 2);
  REQUIRE(first.verdict().ok());
  REQUIRE(second.verdict().ok());
}

TEST_CASE("a second process with the same rank is refused and the first keeps its seat",
          "[star_assembly]") {
  World world(2);
  Leaf first(world, hello_of(1, 2, "host a, pid 11"));
  REQUIRE(world.run_until([&] { return world.assembly.complete(); }));
  Leaf second(world, hello_of(1, 2, "host b, pid 22"));
  REQUIRE(world.run_until([&] { return !world.assembly.notes().empty(); }));
  REQUIRE(second.verdict().code() == StatusCode::invalid_argument);
  REQUIRE(tells(second.verdict(), "rank 1 is taken by host a, pid 11"));
  REQUIRE(tells(second.verdict(), "host b, pid 22"));
  REQUIRE(world.assembly.welcome().size() == 1);
  REQUIRE(first.verdict().ok());
}

TEST_CASE("ranks out of range and other sizes are refused with the numbers", "[star_assembly]") {
  World world(2);
  for (const int rank : {0, -1, 2, 1 << 30}) {
    const std::size_t noted = world.assembly.notes().size();
    Leaf leaf(world, hello_of(rank, 2));
    REQUIRE(world.run_until([&] { return world.assembly.notes().size() > noted; }));
    REQUIRE(tells(leaf.verdict(), str("says it is rank ", rank)));
  }
  const std::size_t noted = world.assembly.notes().size();
  Leaf leaf(world, hello_of(1, 5));
  REQUIRE(world.run_until([&] { return world.assembly.notes().size() > noted; }));
  REQUIRE(tells(leaf.verdict(), "expects 5 ranks, rank 0 expects 2"));
  REQUIRE(world.assembly.missing() == std::vector<int>{1});
}

TEST_CASE("a leaf of a later init may try again, one of an earlier init may not",
          "[star_assembly]") {
  for (const std::uint64_t generation : {std::uint64_t{3}, std::uint64_t{5}}) {
    World world(2, 4);
    StarHello hello = hello_of(1, 2);
    hello.generation = generation;
    Leaf leaf(world, hello);
    REQUIRE(world.run_until([&] { return !world.assembly.notes().empty(); }));
    REQUIRE(leaf.verdict().code() ==
            (generation == 5 ? StatusCode::not_found : StatusCode::precondition));
  }
}

TEST_CASE("a rank that goes away frees its seat and is remembered", "[star_assembly]") {
  World world(2);
  SocketPair pair = connected_pair();
  world.assembly.admit(std::move(pair.right));
  Thread leaf("leaf", [&] {
    (void)enter_star(std::move(pair.left), hello_of(1, 2, "host a, pid 7"),
                     world.real.now() + 50 * kMillisecond, world.real);
  });
  REQUIRE(world.run_until([&] { return world.assembly.notes().size() > 0; }));
  leaf.join();
  REQUIRE(world.assembly.notes().find("rank 1 (host a, pid 7) came and was lost") !=
          std::string::npos);
  REQUIRE(world.assembly.missing() == std::vector<int>{1});
  Leaf again(world, hello_of(1, 2));
  REQUIRE(world.run_until([&] { return world.assembly.complete(); }));
  REQUIRE(world.assembly.welcome().size() == 1);
}

TEST_CASE("a connection that never says hello is dropped when its time is over",
          "[star_assembly]") {
  World world(2);
  SocketPair pair = connected_pair();
  world.assembly.admit(std::move(pair.right));
  world.clock.advance(kHelloPatience - 1);
  (void)*world.poller->run_once(0);
  REQUIRE(world.assembly.notes().empty());
  world.clock.advance(1);
  (void)*world.poller->run_once(0);
  REQUIRE(world.assembly.notes().find("did not say which rank") != std::string::npos);
}

TEST_CASE("a malformed hello is refused and harms nobody", "[star_assembly]") {
  World world(2);
  SocketPair pair = connected_pair();
  world.assembly.admit(std::move(pair.right));
  FramedConnection stranger(std::move(pair.left), 100);
  stranger.send(Bytes(5));
  REQUIRE(world.run_until([&] { return !world.assembly.notes().empty(); }));
  REQUIRE(world.assembly.notes().find("malformed") != std::string::npos);
  Leaf leaf(world, hello_of(1, 2));
  REQUIRE(world.run_until([&] { return world.assembly.complete(); }));
  REQUIRE(world.assembly.welcome().size() == 1);
}

TEST_CASE("when the root gives up, those who came learn why", "[star_assembly]") {
  World world(3);
  Leaf leaf(world, hello_of(2, 3));
  REQUIRE(world.run_until([&] { return world.assembly.missing() == std::vector<int>{1}; }));
  world.assembly.give_up(
      error(StatusCode::deadline_exceeded, "rank 1 of 3 did not come").blame_rank(1));
  REQUIRE(leaf.verdict().culprit_rank() == 1);
  REQUIRE(leaf.verdict().code() == StatusCode::deadline_exceeded);
  REQUIRE(tells(leaf.verdict(), "rank 1 of 3 did not come"));
}

}  // namespace hvd
