#include "backends/bootstrap/join.h"

#include <sys/socket.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>

#include "backends/bootstrap/rendezvous.h"
#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

std::ptrdiff_t open_descriptor_count() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// A port that was free a moment ago, for jobs without hvdrun.
std::uint16_t free_port() {
  const Fd listening = listen_tcp({.host = "127.0.0.1", .port = 0}).value();
  return local_endpoint(listening.get())->port;
}

// What hvdrun is to the ranks: a server on a thread of its own.
struct Hvdrun {
  SteadyClock clock;
  std::unique_ptr<Poller> poller = Poller::create(clock).value();
  JobSecret secret{.secret = Secret::random(), .source = "test"};
  std::unique_ptr<RendezvousServer> server =
      RendezvousServer::start(*poller, {.host = "127.0.0.1", .port = 0}, secret.secret, 4).value();
  std::atomic<bool> over = false;
  Thread thread{"hvdrun", [this] {
                  while (!over) {
                    (void)*poller->run_once(5 * kMillisecond);
                  }
                }};
  Hvdrun() = default;
  ~Hvdrun() {
    over = true;
    thread.join();
  }
  Hvdrun(const Hvdrun&) = delete;
  Hvdrun& operator=(const Hvdrun&) = delete;
  Config config() const {
    Config config;
    config.launcher = "hvdrun";
    config.rendezvous_addr = server->endpoint().host;
    config.rendezvous_port = server->endpoint().port;
    return config;
  }
};

// One rank: everything that a process would have of its own.
struct Member {
  int rank = 0;
  int size = 1;
  Config config;
  JobSecret secret;
  std::uint64_t generation = 0;
  std::string version = "0.1.0";

  SteadyClock clock;
  std::unique_ptr<Poller> poller = Poller::create(clock).value();
  std::vector<std::string> lines;
  Status status;
  Joined joined;

  void join() {
    const Identity identity{.rank = rank, .size = size, .source = "test"};
    const Logger logger(LogLevel::info, "",
                        [this](LogLevel, std::string_view line) { lines.emplace_back(line); });
    Result<Joined> result = join_job({.identity = identity,
                                      .config = config,
                                      .secret = secret,
                                      .generation = generation,
                                      .poller = *poller,
                                      .logger = logger,
                                      .unix_socket_name = str("socket of ", rank),
                                      .version = version});
    status = result.status();
    if (result.ok()) {
      joined = std::move(*result);
    }
  }
};

using Members = std::vector<std::unique_ptr<Member>>;

Members members_of(int size, const Config& config, const JobSecret& secret) {
  Members members;
  for (int rank = 0; rank < size; ++rank) {
    members.push_back(std::make_unique<Member>());
    members.back()->rank = rank;
    members.back()->size = size;
    members.back()->config = config;
    members.back()->secret = secret;
  }
  return members;
}

void join_all(const Members& members) {
  std::vector<Thread> threads;
  for (const auto& member : members) {
    threads.emplace_back(str("rank ", member->rank), [&member] { member->join(); });
  }
}

bool tells(const Status& status, const std::string& words) {
  UNSCOPED_INFO(status.message());
  return status.message().find(words) != std::string::npos;
}

void require_joined(const Members& members) {
  for (const auto& member : members) {
    INFO(member->status.message());
    REQUIRE(member->status.ok());
    REQUIRE(member->joined.records.size() == members.size());
    REQUIRE(member->joined.records == members[0]->joined.records);
    REQUIRE(member->joined.records[static_cast<std::size_t>(member->rank)].unix_socket_name ==
            str("socket of ", member->rank));
  }
}

}  // namespace

TEST_CASE("one rank alone joins itself and opens nothing", "[join]") {
  Member alone;
  const auto before = open_descriptor_count();
  alone.join();
  REQUIRE(alone.status.ok());
  REQUIRE(alone.joined.records.size() == 1);
  REQUIRE(open_descriptor_count() == before);
}

TEST_CASE("four ranks meet under hvdrun and know one another", "[join]") {
  const Hvdrun hvdrun;
  const Members members = members_of(4, hvdrun.config(), hvdrun.secret);
  join_all(members);
  require_joined(members);
}

TEST_CASE("three ranks meet without hvdrun at a fixed port, whoever comes first", "[join]") {
  Config config;
  config.rendezvous_addr = "127.0.0.1";
  config.rendezvous_port = free_port();
  const Members members = members_of(3, config, {.secret = Secret::random(), .source = "test"});
  Thread early_leaf("early leaf", [&] { members[2]->join(); });
  Thread other_leaf("other leaf", [&] { members[1]->join(); });
  pause_for(5 * kMillisecond);  // lets the leaves be refused first; correct in any order
  members[0]->join();
  early_leaf.join();
  other_leaf.join();
  require_joined(members);
}

TEST_CASE("joining and leaving many times finds the new root each time and leaks nothing",
          "[join]") {
  const Hvdrun hvdrun;
  std::ptrdiff_t after_first = 0;
  constexpr std::uint64_t cycle_count = 30;
  for (std::uint64_t generation = 0; generation < cycle_count; ++generation) {
    {
      const Members members = members_of(2, hvdrun.config(), hvdrun.secret);
      for (const auto& member : members) {
        member->generation = generation;
      }
      join_all(members);
      require_joined(members);
      for (const auto& member : members) {
        member->joined.star->close(member->clock.now() + kTestPatience);
      }
    }
    // hvdrun's thread may still hold the ends of connections that closed a moment ago
    const Time limit = hvdrun.clock.now() + kTestPatience;
    while (generation > 0 && open_descriptor_count() > after_first && hvdrun.clock.now() < limit) {
      pause_for(kMillisecond);
    }
    if (generation == 0) {
      pause_for(20 * kMillisecond);
      after_first = open_descriptor_count();
    }
    REQUIRE(open_descriptor_count() <= after_first);
  }
}

TEST_CASE("ranks that do not come are named on every rank that came", "[join]") {
  const Hvdrun hvdrun;
  Config config = hvdrun.config();
  config.start_timeout_seconds = 2;
  const Members members = members_of(4, config, hvdrun.secret);
  {
    Thread leaf("leaf", [&] { members[2]->join(); });
    members[0]->join();
  }
  for (const int rank : {0, 2}) {
    const Status& status = members[static_cast<std::size_t>(rank)]->status;
    REQUIRE(status.code() == StatusCode::deadline_exceeded);
    REQUIRE(status.culprit_rank() == 1);
    REQUIRE(tells(status, "ranks 1 3 of 4 did not come"));
    REQUIRE(tells(status, "HVD_START_TIMEOUT_SECONDS 2"));
  }
}

TEST_CASE("a root that does not come is named", "[join]") {
  const Hvdrun hvdrun;
  for (const bool by_hvdrun : {true, false}) {
    Member leaf;
    leaf.rank = 1;
    leaf.size = 2;
    leaf.config = hvdrun.config();
    leaf.secret = hvdrun.secret;
    leaf.config.start_timeout_seconds = 0.05;
    if (!by_hvdrun) {
      leaf.config.launcher = "";
      leaf.config.rendezvous_port = free_port();
    }
    leaf.join();
    REQUIRE(leaf.status.code() == StatusCode::deadline_exceeded);
    REQUIRE(leaf.status.culprit_rank() == 0);
    REQUIRE(tells(leaf.status, "could not join rank 0"));
    REQUIRE(tells(leaf.status, "HVD_START_TIMEOUT_SECONDS 0.05"));
  }
}

TEST_CASE("a rank with another secret is told so at once and the job does not count it", "[join]") {
  Config config;
  config.rendezvous_addr = "127.0.0.1";
  config.rendezvous_port = free_port();
  config.start_timeout_seconds = 1;
  const Members members = members_of(2, config, {.secret = Secret::random(), .source = "test"});
  members[1]->secret.secret = Secret::random();
  join_all(members);
  REQUIRE(members[1]->status.code() == StatusCode::permission_denied);
  REQUIRE(tells(members[1]->status, "the secrets differ"));
  REQUIRE(tells(members[0]->status, "rank 1 of 2 did not come"));
  REQUIRE(tells(members[0]->status, "refused"));
}

TEST_CASE("different versions are an error on every rank, with both versions", "[join]") {
  const Hvdrun hvdrun;
  const Members members = members_of(3, hvdrun.config(), hvdrun.secret);
  members[2]->version = "0.0.9";
  join_all(members);
  for (const auto& member : members) {
    REQUIRE(member->status.code() == StatusCode::invalid_argument);
    REQUIRE(tells(member->status, "0.1.0"));
    REQUIRE(tells(member->status, "0.0.9"));
  }
}

TEST_CASE("more than one rank without a meeting place is refused by the variable's name",
          "[join]") {
  Member rank;
  rank.size = 2;
  rank.join();
  REQUIRE(rank.status.code() == StatusCode::invalid_argument);
  REQUIRE(tells(rank.status, "HVD_RENDEZVOUS_ADDR"));
  REQUIRE(tells(rank.status, "hvdrun -np 2"));
  rank.config.rendezvous_addr = "127.0.0.1";
  rank.join();
  REQUIRE(tells(rank.status, "HVD_RENDEZVOUS_PORT"));
}

TEST_CASE("a job without a secret says so at level info and refuses open addresses", "[join]") {
  Config config;
  config.rendezvous_addr = "127.0.0.1";
  config.rendezvous_port = free_port();
  const Members members = members_of(2, config, {.secret = Secret::none(), .source = "none"});
  join_all(members);
  require_joined(members);
  REQUIRE(members[0]->lines.at(0).find("no secret") != std::string::npos);

  Member open;
  open.size = 2;
  open.config = config;
  open.config.rendezvous_addr = "0.0.0.0";
  open.secret = {.secret = Secret::none(), .source = "none"};
  open.join();
  REQUIRE(open.status.code() == StatusCode::permission_denied);
  REQUIRE(tells(open.status, "HVD_SECRET_FILE"));
}

TEST_CASE("strangers at the root's port do not keep the job from coming together", "[join]") {
  Config config;
  config.rendezvous_addr = "127.0.0.1";
  config.rendezvous_port = free_port();
  const Members members = members_of(2, config, {.secret = Secret::random(), .source = "test"});
  Thread root("root", [&] { members[0]->join(); });
  std::vector<Fd> strangers;
  const SteadyClock clock;
  const Time limit = clock.now() + kTestPatience;
  while (strangers.size() < 20 && clock.now() < limit) {
    Result<Fd> socket = connect_tcp({.host = config.rendezvous_addr,
                                     .port = static_cast<std::uint16_t>(config.rendezvous_port)},
                                    limit, clock);
    if (socket.ok()) {
      (void)!::send(socket->get(), "noise noise noise", strangers.size() % 17, MSG_NOSIGNAL);
      strangers.push_back(std::move(*socket));
    }
  }
  members[1]->join();
  root.join();
  require_joined(members);
}

}  // namespace hvd
