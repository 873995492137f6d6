// tests/backends/shm/domain_world.h: all that N ranks of one machine need to form a domain.
// Not here: what is tested.
// Threads: each seat belongs to one thread or process.  Limits: none.
// Read next: domain_test.cc.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/engine/native_data_plane.h"
#include "backends/net/poller_idle.h"
#include "backends/shm/shm_transport.h"
#include "core/base/thread.h"
#include "tests/backends/engine/drive.h"
#include "tests/catch.h"

namespace hvd {

class DomainWorld {
 public:
  struct Seat {
    std::unique_ptr<Poller> poller;
    std::unique_ptr<PollerIdle> idle;
    std::unique_ptr<ControlStar> star;
    DomainListener listener;
    std::vector<Fd> links;
    std::shared_ptr<Arena> arena;  // null: none
  };

  explicit DomainWorld(const std::vector<std::string>& host_keys)
      : seats(host_keys.size()), secret(Secret::random()) {
    for (std::size_t rank = 0; rank < seats.size(); ++rank) {
      seats[rank].listener = DomainListener::open().value();
      records.push_back({.rank = static_cast<int>(rank),
                         .pid = static_cast<int>(1000 + rank),
                         .host_name = "host" + host_keys[rank],
                         .host_key = host_keys[rank],
                         .unix_socket_name = seats[rank].listener.name(),
                         .version = "test"});
      if (rank > 0) {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) ==
                0);
        seats[0].links.emplace_back(fds[0]);
        seats[rank].links.emplace_back(fds[1]);
      }
    }
  }

  // On the rank's own thread or process.
  void take_seat(Rank rank) {
    Seat& seat = seats[rank.index()];
    seat.poller = Poller::create(clock).value();
    seat.idle = PollerIdle::create(*seat.poller).value();
    std::vector<StarLink> links;
    for (std::size_t i = 0; i < seat.links.size(); ++i) {
      links.push_back(
          {rank == kRoot ? Rank{i + 1} : kRoot,
           std::make_unique<FramedConnection>(std::move(seat.links[i]), kControlMessageBytesMax)});
    }
    seat.links.clear();
    seat.star =
        ControlStar::create(*seat.poller, rank, static_cast<int>(seats.size()), std::move(links))
            .value();
  }
  Result<std::unique_ptr<ShmDomain>> form(Rank rank, double timeout_seconds = 60) {
    Seat& seat = seats[rank.index()];
    return form_domain(std::move(seat.listener),
                       {.rank = rank,
                        .records = records,
                        .secret = secret,
                        .doorbell_fd = seat.idle->doorbell_fd(),
                        .timeout_seconds = timeout_seconds,
                        .clock = clock,
                        .arena = seat.arena,

                        .single_copy = rank != without_single_copy},
                       *seat.star);
  }
  // Each rank on a thread of its own.
  void on_threads(const std::function<void(Rank)>& body) {
    std::vector<Thread> threads;
    for (std::size_t rank = 0; rank < seats.size(); ++rank) {
      threads.emplace_back("rank", [&body, rank] { body(Rank{rank}); });
    }
  }
  std::vector<Result<std::unique_ptr<ShmDomain>>> form_on_threads() {
    std::vector<Result<std::unique_ptr<ShmDomain>>> domains;
    for (std::size_t rank = 0; rank < seats.size(); ++rank) {
      domains.emplace_back(error(StatusCode::internal, "the thread did not run"));
    }
    on_threads([&](Rank rank) {
      take_seat(rank);
      domains[rank.index()] = form(rank);
    });
    return domains;
  }

  std::vector<Seat> seats;
  std::vector<RankRecord> records;
  Rank without_single_copy{-1};
  const Secret secret;
  SteadyClock clock;
};

// Allreduces of several sizes with sleeping between chunks; empty if the sums are right.
inline std::string try_sums(NativeDataPlane& plane, Idle& idle, Rank rank, int rank_count) {
  std::uint64_t id = 0;
  for (const std::size_t size : {std::size_t{1}, std::size_t{1'000}, std::size_t{700'001}}) {
    for (int round = 0; round < 3; ++round) {
      std::vector<float> values(size);
      for (std::size_t i = 0; i < size; ++i) {
        values[i] = static_cast<float>(rank.value + 1) * static_cast<float>(i % 1'000);
      }
      WorkItem item;
      item.id = id++;
      item.kind = CollectiveKind::allreduce;
      item.dtype = DType::float32;
      item.choice = plane.choose({.kind = item.kind, .dtype = item.dtype, .element_count = size});
      auto* bytes = reinterpret_cast<std::byte*>(values.data());
      item.segments = {{bytes, bytes, size}};
      plane.start(std::move(item));
      drive(plane, idle);
      WorkCompletion completion;
      if (!plane.take_completion(completion) || !completion.status.ok()) {
        return "item failed: " + completion.status.message();
      }
      const auto factor = static_cast<float>(rank_count * (rank_count + 1)) / 2;
      for (std::size_t i = 0; i < size; ++i) {
        if (values[i] != factor * static_cast<float>(i % 1'000)) {
          return str("element ", i, " of ", size, " is ", values[i]);
        }
      }
    }
  }
  return "";
}

}  // namespace hvd
