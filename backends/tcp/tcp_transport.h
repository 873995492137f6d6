// backends/tcp/tcp_transport.h: chunks to ranks of other hosts, over a socket for each edge in use.
// Not here: frames and credits (edge_stream.h), which ranks are remote
// (../engine/routed_transport.h). Threads: baton holder only; the byte counters any.
// Limits: kTcpBulk and kTcpExpress.
// Read next: edge_stream.h, hello.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/bootstrap/rank_record.h"
#include "backends/engine/transport.h"
#include "backends/net/fd.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "backends/tcp/edge_connector.h"
#include "backends/tcp/edge_door.h"
#include "backends/tcp/edge_stream.h"

namespace hvd {

inline constexpr EdgeGeometry kTcpBulk{
    .chunk_bytes = std::size_t{256} << 10, .slot_count = 8, .credit_lag = 3};
inline constexpr EdgeGeometry kTcpExpress{
    .chunk_bytes = std::size_t{64} << 10, .slot_count = 8, .credit_lag = 3};

struct TcpOptions {
  Rank rank;
  std::vector<RankRecord> records;  // by rank; their `data` is where each rank listens
  std::vector<bool> remote;         // by rank: those that are reached from here
  const Secret& secret;
  std::uint64_t generation = 0;
  Fd listening;                  // bound to this rank's own address for data
  double patience_seconds = 30;  // HVD_HEARTBEAT_SECONDS: for a peer to make or take a connection
};

// A pair of ranks has a connection for each lane that it uses, made when either side first touches
// it: the lower rank connects, the higher one waits for it. Both ends of an edge are touched, as a
// schedule's sends and receives pair up, but the lower rank may have long work to do before: so a
// rank that has waited its patience out does not give up but connects by itself. A door that
// answers is that of a rank that is late; one that does not is an error.
class TcpTransport final : public Transport {
 public:
  static constexpr const EdgeGeometry& geometry(Lane lane) {
    return is_express(lane) ? kTcpExpress : kTcpBulk;
  }
  // `poller` is the one that runs while this rank waits, and outlives the transport.
  static Result<std::unique_ptr<TcpTransport>> create(TcpOptions options, Poller& poller);
  ~TcpTransport() override;
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  std::span<std::byte> begin_send(Rank peer, Lane lane) override;
  void commit_send(Rank peer, Lane lane, const ChunkHeader& header) override;
  bool send_from(Rank peer, Lane lane, const ChunkHeader& header,
                 std::span<const std::span<const std::byte>> pieces) override;
  void offer(Rank peer, Lane lane, std::uint64_t sequence, std::span<std::byte> memory) override {
    edge(peer, lane).stream.offer(sequence, memory);
  }
  void withdraw_offers() override;
  std::optional<IncomingChunk> peek(Rank peer, Lane lane) override;
  void release(Rank peer, Lane lane) override;
  Status reaches(Rank peer) const override;
  Status health(Rank peer) const override;
  std::size_t chunk_bytes_max(Lane lane) const override { return geometry(lane).chunk_bytes; }
  int slot_count(Lane lane) const override { return geometry(lane).slot_count; }
  // What was committed may wait for the connection: a peer that is behind has not touched the edge
  // yet.
  bool delivered() const override;
  // The poller sees what comes whether this rank sleeps or not.
  void prepare_sleep() override {}
  void end_sleep() override {}
  std::string description() const override;
  void for_each_fd(const std::function<void(int)>& visit) const override;

  // Runs the poller until delivered(), at most until the deadline: the door stays open for those
  // that come late. For a rank without a coordinator, whose passes do the same.
  void deliver(Time deadline);
  // The end of sending: until the peers' kernels have what was committed on edges that are open, on
  // all of them at once and at most until the deadline: a peer that reads nothing takes no time
  // from the others.
  void close(Time deadline);

  std::uint64_t bytes_sent() const { return bytes_sent_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_received() const { return bytes_received_.load(std::memory_order_relaxed); }

 private:
  struct Edge {
    Edge(Rank to, Lane in) : peer(to), lane(in), stream(geometry(in)) {}
    const Rank peer;
    const Lane lane;
    EdgeStream stream;
    std::unique_ptr<EdgeConnector> connector;  // while it connects
    std::uint64_t counted_sent = 0;            // in bytes_sent_
    std::uint64_t counted_received = 0;
    bool opened = false;  // has had its connection
    Time touched_at = 0;
    Poller::TimerId patience = 0;  // while it waits for the peer to connect
    int asked_count = 0;           // times that it was out
    bool watches_output = false;
  };
  TcpTransport(TcpOptions options, Poller& poller);
  Status open_door(Fd listening);
  Edge& edge(Rank peer, Lane lane);
  std::unique_ptr<Edge>& place_of(Rank peer, Lane lane) {
    return edges_[peer.index() * kLaneCount + lane_index(lane)];
  }
  Edge& make_edge(Rank peer, Lane lane);
  void connect(Edge& edge);
  void await_connection(Edge& edge);
  void admit(const EdgeHello& hello, Fd socket);
  void fail_to_open(Edge& edge, const Status& why);
  Status judge(const EdgeHello& hello) const;
  void attach(Edge& edge, Result<Fd> socket);
  // Reads (if asked) and writes what goes at once.
  void advance(Edge& edge, bool read);
  void lose(Edge& edge, const std::string& what);
  void fail(Edge& edge, const Status& why);
  void fail_by_own_fault(Edge& edge);
  bool lost(Rank peer) const { return !failures_[peer.index()].ok(); }
  std::string who(Rank rank) const;
  EdgeHello hello_to(Rank peer, Lane lane) const;

  Poller& poller_;
  const Rank self_;
  const std::vector<RankRecord> records_;
  const std::vector<bool> remote_;
  const Secret secret_;
  const std::uint64_t generation_;
  const double patience_seconds_;
  std::unique_ptr<EdgeDoor> door_;
  std::vector<std::unique_ptr<Edge>> edges_;  // by rank and lane; made when first touched
  std::vector<Status> failures_;  // by rank: ok, or why nothing more comes from it or goes to it
  std::atomic<std::uint64_t> bytes_sent_{0};
  std::atomic<std::uint64_t> bytes_received_{0};
};

}  // namespace hvd
