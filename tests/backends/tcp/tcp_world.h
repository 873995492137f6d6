// tests/backends/tcp/tcp_world.h: TCP transports of N ranks over loopback, stepped by one thread.
// Not here: what the tests compare.
// Threads: one.  Limits: none.
// Read next: tcp_transport_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/tcp/tcp_transport.h"
#include "core/base/clock.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {

class TcpWorld {
 public:
  explicit TcpWorld(int rank_count, const std::string& host = "127.0.0.1")
      : secret(Secret::random()) {
    for (int rank = 0; rank < rank_count; ++rank) {
      pollers.push_back(Poller::create(clock).value());
      listening.push_back(listen_tcp({.host = host, .port = 0}).value());
      RankRecord record;
      record.rank = rank;
      record.pid = 1000 + rank;
      record.host_name = str("host", rank);
      record.version = "test";
      record.data = local_endpoint(listening.back().get()).value();
      records.push_back(std::move(record));
    }
  }
  TcpWorld& make_all() {
    for (std::size_t rank = 0; rank < records.size(); ++rank) {
      transports.push_back(make(Rank{rank}, secret));
    }
    return *this;
  }
  std::unique_ptr<TcpTransport> make(Rank rank, const Secret& with, double patience_seconds = 30) {
    std::vector<bool> remote(records.size(), true);
    remote[rank.index()] = false;
    auto made = TcpTransport::create({.rank = rank,
                                      .records = records,
                                      .remote = std::move(remote),
                                      .secret = with,
                                      .generation = 2,
                                      .listening = std::move(listening[rank.index()]),
                                      .patience_seconds = patience_seconds},
                                     *pollers[rank.index()]);
    REQUIRE(made.ok());
    return std::move(made).value();
  }
  EdgeHello hello(Rank from, Rank to, Lane lane = Lane::bulk) const {
    return {.from = from,
            .to = to,
            .rank_count = static_cast<int>(records.size()),
            .lane = lane,
            .generation = 2};
  }
  void step() {
    for (const auto& poller : pollers) {
      REQUIRE(poller->run_once(0).ok());
    }
  }
  // Steps all ranks until it holds.
  bool until(const std::function<bool()>& holds) {
    const Time limit = clock.now() + kTestPatience;
    while (!holds()) {
      if (clock.now() > limit) {
        return false;
      }
      step();
    }
    return true;
  }

  SteadyClock clock;
  const Secret secret;
  std::vector<std::unique_ptr<Poller>> pollers;
  std::vector<Fd> listening;
  std::vector<RankRecord> records;
  std::vector<std::unique_ptr<TcpTransport>> transports;
};

}  // namespace hvd
