#include "backends/shm/domain.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "backends/net/socket.h"
#include "backends/shm/host_groups.h"
#include "tests/backends/shm/domain_world.h"

namespace hvd {
namespace {

using HostKeys = std::vector<std::string>;

Config default_config() {
  Config config;
  config.algorithm = "auto";
  return config;
}

TEST_CASE("ranks of one machine prove that they share memory", "[shm]") {
  for (std::size_t rank_count = 1; rank_count <= 6; ++rank_count) {
    DomainWorld world(HostKeys(rank_count, ""));
    const auto domains = world.form_on_threads();
    for (std::size_t rank = 0; rank < rank_count; ++rank) {
      INFO("rank " << rank << " of " << rank_count << ": " << domains[rank].status().message());
      REQUIRE(domains[rank].ok());
      const ShmDomain& domain = **domains[rank];
      CHECK(domain.host_of_rank() == std::vector<int>(rank_count, 0));
      CHECK(domain.domain_of_rank() == domain.host_of_rank());
      CHECK(domain.members().size() == rank_count);
      CHECK(domain.remarks().lack == "");
      CHECK(domain.remarks().apart == "");
    }
  }
}

TEST_CASE("ranks with different HVD_HOST_KEY share no memory", "[shm]") {
  DomainWorld world({"a", "b", "a", "b", "c"});
  auto domains = world.form_on_threads();
  for (auto& domain : domains) {
    REQUIRE(domain.ok());
    CHECK((*domain)->host_of_rank() == std::vector<int>{0, 1, 0, 1, 4});
  }
  const auto own = ShmTransport::create(std::move(*domains[0]), *world.seats[0].poller).value();
  ShmTransport& transport = *own;
  CHECK(transport.reaches(Rank{2}).ok());
  const Status out_of_reach = transport.reaches(Rank{1});
  CHECK(out_of_reach.code() == StatusCode::unsupported);
  CHECK(out_of_reach.message() ==
        "rank 1 (host hostb, pid 1001) does not share memory with rank 0 (host hosta, pid 1000); "
        "ranks of other hosts are reached over TCP");
  auto plane = NativeDataPlane::create(Rank{0}, 5, default_config(), transport);
  REQUIRE(plane.ok());
  Request request;
  request.kind = CollectiveKind::allreduce;
  CHECK((*plane)->accepts(request).message() == out_of_reach.message());
}

TEST_CASE("a rank whose socket cannot be found is on another host", "[shm]") {
  DomainWorld world({"", "", ""});
  world.records[0].unix_socket_name = random_unix_name();  // as in another network namespace
  for (auto& domain : world.form_on_threads()) {
    REQUIRE(domain.ok());
    CHECK((*domain)->host_of_rank() == std::vector<int>{0, 1, 1});
  }
}

TEST_CASE("strangers at the socket do not harm the formation", "[shm]") {
  DomainWorld world({"", "", ""});
  std::vector<Fd> strangers;
  for (int i = 0; i < 30; ++i) {
    const std::string& name = world.records[static_cast<std::size_t>(i % 3)].unix_socket_name;
    strangers.push_back(
        connect_unix(name, UnixKind::stream, world.clock.now() + kSecond, world.clock).value());
    if (i % 2 == 0) {  // the others stay silent
      const Bytes noise(40, std::byte{0x21});
      REQUIRE(send_fds(strangers.back().get(), {}, noise, world.clock.now() + kSecond, world.clock)
                  .ok());
    }
  }
  for (auto& domain : world.form_on_threads()) {
    REQUIRE(domain.ok());
    CHECK((*domain)->host_of_rank() == std::vector<int>{0, 0, 0});
  }
}

TEST_CASE("ranks that may read one another agree to, and one that will not decides for all",
          "[shm]") {
  const bool one_will_not = GENERATE(false, true);
  DomainWorld world({"a", "b", "a", "a", "b"});
  world.without_single_copy = Rank{one_will_not ? 3 : -1};
  for (const auto& domain : world.form_on_threads()) {
    REQUIRE(domain.ok());
    const ShmDomain::Reads& reads = (*domain)->reads();
    CHECK((reads.memory == nullptr) == one_will_not);
    CHECK(reads.why_not == (!one_will_not ? ""
                            : (*domain)->self() == Rank{3}
                                ? "HVD_SINGLE_COPY is off"
                                : "another rank may not read its neighbours"));
  }
}

TEST_CASE("a rank without the job's secret is not let in", "[shm]") {
  DomainWorld world({"", "", ""});
  const Secret other = Secret::random();
  std::vector<Status> statuses(3);
  world.on_threads([&](Rank rank) {
    world.take_seat(rank);
    DomainWorld::Seat& seat = world.seats[rank.index()];
    statuses[rank.index()] = form_domain(std::move(seat.listener),
                                         {.rank = rank,
                                          .records = world.records,
                                          .secret = rank == Rank{2} ? other : world.secret,
                                          .doorbell_fd = seat.idle->doorbell_fd(),
                                          .timeout_seconds = 1,
                                          .clock = world.clock},
                                         *seat.star)
                                 .status();
  });
  // Rank 0 waits in vain for rank 2, which is told that its proof is wrong.
  CHECK(statuses[0].code() == StatusCode::deadline_exceeded);
  CHECK_THAT(statuses[0].message(), Catch::Contains("rank 2 (host host, pid 1002)") &&
                                        Catch::Contains("HVD_START_TIMEOUT_SECONDS 1"));
}

TEST_CASE("a rank that connects and never introduces itself is named", "[shm]") {
  DomainWorld world({"", ""});
  world.take_seat(Rank{0});
  world.take_seat(Rank{1});
  Status status;
  Thread root("root", [&] { status = world.form(Rank{0}, 0.5).status(); });
  const Fd silent = connect_unix(world.records[0].unix_socket_name, UnixKind::stream,
                                 world.clock.now() + kSecond, world.clock)
                        .value();
  ControlStar& star = *world.seats[1].star;
  const Time deadline = world.clock.now() + 60 * kSecond;
  CHECK(star.gather(encode_peers({Rank{0}}), deadline).ok());
  CHECK(star.broadcast({}, deadline).ok());
  root.join();
  CHECK(status.code() == StatusCode::deadline_exceeded);
  CHECK_THAT(status.message(), Catch::Contains("rank 0 (host host, pid 1000) has not heard from "
                                               "rank 1 (host host, pid 1001) within 0.5 s"));
}

std::size_t count_entries(const char* folder, const std::string& with = "") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    count += entry.path().filename().string().find(with) != std::string::npos ? 1 : 0;
  }
  return count;
}

std::size_t count_segments() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    count += line.find("memfd:hvd") != std::string::npos ? 1 : 0;
  }
  return count;
}

TEST_CASE("forming and leaving a domain leaks neither descriptors nor mappings", "[shm]") {
  DomainWorld({"", "", ""}).form_on_threads();  // what libraries open once
  const std::size_t descriptors = count_entries("/proc/self/fd");
  for (int cycle = 0; cycle < 50; ++cycle) {
    DomainWorld world({"", "", ""});
    const auto domains = world.form_on_threads();
    REQUIRE(domains[2].ok());
    CHECK(count_segments() == 18);  // three ranks see three segments and three arenas
    std::size_t held = 0;
    domains[0].value()->for_each_fd([&](int) { ++held; });
    CHECK(held == 7);  // a doorbell, a socket and a process for each of the two others
  }
  CHECK(count_entries("/proc/self/fd") == descriptors);
  CHECK(count_segments() == 0);
}

TEST_CASE("once a domain is formed nobody listens at its sockets", "[shm]") {
  DomainWorld world({"", ""});
  const auto domains = world.form_on_threads();
  REQUIRE(domains[0].ok());
  for (const RankRecord& record : world.records) {
    CHECK(connect_unix(record.unix_socket_name, UnixKind::stream, world.clock.now() + kSecond,
                       world.clock)
              .status()
              .code() == StatusCode::not_found);
  }
}

TEST_CASE("ranks on threads of one process reduce through shared memory", "[shm]") {
  for (const std::size_t rank_count : {2, 3}) {
    DomainWorld world(HostKeys(rank_count, ""));
    std::vector<std::string> wrong(rank_count, "did not run");
    world.on_threads([&](Rank rank) {
      world.take_seat(rank);
      auto domain = world.form(rank);
      if (!domain.ok()) {
        wrong[rank.index()] = domain.status().message();
        return;
      }
      const auto own =
          ShmTransport::create(std::move(domain).value(), *world.seats[rank.index()].poller)
              .value();
      ShmTransport& transport = *own;
      auto plane =
          NativeDataPlane::create(rank, static_cast<int>(rank_count), default_config(), transport);
      wrong[rank.index()] =
          try_sums(**plane, *world.seats[rank.index()].idle, rank, static_cast<int>(rank_count));
    });
    CHECK(wrong == std::vector<std::string>(rank_count));
  }
}

// One process a rank; each one's complaint, empty where there is none.
std::vector<std::string> run_processes(DomainWorld& world,
                                       const std::function<std::string(Rank)>& body) {
  struct Child {
    pid_t pid = -1;
    Fd complaint;
  };
  std::vector<Child> children;
  for (std::size_t rank = 0; rank < world.seats.size(); ++rank) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (std::size_t other = 0; other < world.seats.size(); ++other) {
        if (other != rank) {
          world.seats[other] = DomainWorld::Seat();
        }
      }
      const std::string complaint = body(Rank{rank});
      (void)!::write(pipe[1], complaint.data(), complaint.size());
      ::_exit(0);
    }
    ::close(pipe[1]);
    children.push_back({.pid = pid, .complaint = Fd(pipe[0])});
  }
  world.seats.clear();  // only the ranks hold their sockets
  std::vector<std::string> complaints;
  for (const Child& child : children) {
    std::string text;
    std::array<char, 512> buffer{};
    for (ssize_t got = 0;
         (got = ::read(child.complaint.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    complaints.push_back(WIFEXITED(status) ? text : str("ended by signal ", WTERMSIG(status)));
  }
  return complaints;
}

TEST_CASE("ranks that are processes reduce through shared memory", "[shm]") {
  for (const std::size_t rank_count : {2, 3, 4}) {
    DomainWorld world(HostKeys(rank_count, ""));
    const auto complaints = run_processes(world, [&](Rank rank) -> std::string {
      world.take_seat(rank);
      auto domain = world.form(rank);
      if (!domain.ok()) {
        return domain.status().message();
      }
      const auto own =
          ShmTransport::create(std::move(domain).value(), *world.seats[rank.index()].poller)
              .value();
      ShmTransport& transport = *own;
      auto plane =
          NativeDataPlane::create(rank, static_cast<int>(rank_count), default_config(), transport);
      return try_sums(**plane, *world.seats[rank.index()].idle, rank, static_cast<int>(rank_count));
    });
    CHECK(complaints == std::vector<std::string>(rank_count));
  }
}

TEST_CASE("a rank that is killed leaves no shared memory behind and does not harm its peers",
          "[shm]") {
  DomainWorld world({"", ""});
  const auto complaints = run_processes(world, [&](Rank rank) -> std::string {
    world.take_seat(rank);
    auto domain = world.form(rank);
    if (!domain.ok()) {
      return domain.status().message();
    }
    const auto own =
        ShmTransport::create(std::move(domain).value(), *world.seats[rank.index()].poller).value();
    ShmTransport& transport = *own;
    if (rank == Rank{1}) {
      ::raise(SIGKILL);
    }
    // The star says so; what was mapped stays readable and writable.
    ControlEvent event;
    while (!world.seats[0].star->receive(event)) {
      world.seats[0].idle->sleep(kNever);
    }
    const std::span<std::byte> slot = transport.begin_send(Rank{1}, Lane::bulk);
    std::fill(slot.begin(), slot.end(), std::byte{1});
    transport.commit_send(Rank{1}, Lane::bulk, {});
    return event.kind == ControlEvent::Kind::peer_lost ? "" : "no loss reported";
  });
  CHECK(complaints == std::vector<std::string>{"", "ended by signal 9"});
  CHECK(count_entries("/dev/shm", "hvd") == 0);
}

TEST_CASE("work that waits for a rank that was killed fails and names it", "[shm]") {
  DomainWorld world({"", ""});
  const auto complaints = run_processes(world, [&](Rank rank) -> std::string {
    world.take_seat(rank);
    DomainWorld::Seat& seat = world.seats[rank.index()];
    const auto transport = ShmTransport::create(world.form(rank).value(), *seat.poller).value();
    if (rank == Rank{1}) {
      ::raise(SIGKILL);
    }
    const auto plane = NativeDataPlane::create(rank, 2, default_config(), *transport).value();
    WorkItem item;
    item.kind = CollectiveKind::barrier;
    item.choice = plane->choose({.kind = item.kind});
    plane->start(std::move(item));
    drive(*plane, *seat.idle);
    WorkCompletion completion;
    if (!plane->take_completion(completion)) {
      return "no completion";
    }
    const Status& status = completion.status;
    const bool named =
        status.culprit_rank() == 1 &&
        status.message().find("rank 1 (host host, pid 1001) died: its process ended") == 0 &&
        status.message().find("the report of its launcher, says why") != std::string::npos;
    return status.code() == StatusCode::aborted && named ? "" : status.message();
  });
  CHECK(complaints == std::vector<std::string>{"", "ended by signal 9"});
}

}  // namespace
}  // namespace hvd
