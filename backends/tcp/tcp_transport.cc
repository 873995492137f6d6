#include "backends/tcp/tcp_transport.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {

Result<std::unique_ptr<TcpTransport>> TcpTransport::create(TcpOptions options, Poller& poller) {
  Fd listening = std::move(options.listening);
  std::unique_ptr<TcpTransport> transport(new TcpTransport(std::move(options), poller));
  HVD_TRY(transport->open_door(std::move(listening)), "data connections");
  return transport;
}

TcpTransport::TcpTransport(TcpOptions options, Poller& poller)
    : poller_(poller),
      self_(options.rank),
      records_(std::move(options.records)),
      remote_(std::move(options.remote)),
      secret_(options.secret),
      generation_(options.generation),
      patience_seconds_(options.patience_seconds),
      edges_(records_.size() * kLaneCount),
      failures_(records_.size()) {}

TcpTransport::~TcpTransport() {
  for (const std::unique_ptr<Edge>& edge : edges_) {
    if (edge == nullptr) {
      continue;
    }
    poller_.cancel(edge->patience);
    if (edge->stream.attached()) {
      poller_.forget(edge->stream.fd());
    }
  }
}

Status TcpTransport::open_door(Fd listening) {
  HVD_ASSIGN(door_,
             EdgeDoor::open(
                 poller_, std::move(listening), secret_, static_cast<int>(records_.size()),
                 [this](const EdgeHello& hello) { return judge(hello); },
                 [this](const EdgeHello& hello, Fd socket) { admit(hello, std::move(socket)); }));
  return ok_status();
}

EdgeHello TcpTransport::hello_to(Rank peer, Lane lane) const {
  return {.from = self_,
          .to = peer,
          .rank_count = static_cast<int>(records_.size()),
          .lane = lane,
          .generation = generation_};
}

std::string TcpTransport::who(Rank rank) const {
  return str("rank ", rank, " (", who_is(records_[rank.index()]), ")");
}

// ---- connections --------------------------------------------------------------------------------

// Made on the first touch; nothing is allocated for edges that no schedule uses.
TcpTransport::Edge& TcpTransport::edge(Rank peer, Lane lane) {
  HVD_CHECK(peer.index() < remote_.size() && remote_[peer.index()]);
  if (const std::unique_ptr<Edge>& there = place_of(peer, lane); there != nullptr) {
    return *there;
  }
  Edge& edge = make_edge(peer, lane);
  if (self_ < peer) {
    connect(edge);
  } else {
    await_connection(edge);
  }
  return edge;
}

TcpTransport::Edge& TcpTransport::make_edge(Rank peer, Lane lane) {
  std::unique_ptr<Edge>& edge = place_of(peer, lane);
  edge = std::make_unique<Edge>(peer, lane);
  edge->touched_at = poller_.clock().now();
  return *edge;
}

void TcpTransport::connect(Edge& edge) {
  edge.connector = std::make_unique<EdgeConnector>(
      poller_, records_[edge.peer.index()].data, secret_, hello_to(edge.peer, edge.lane),
      patience_seconds_, [this, &edge](Result<Fd> socket) {
        const std::unique_ptr<EdgeConnector> done = std::move(edge.connector);
        attach(edge, std::move(socket));
      });
}

void TcpTransport::await_connection(Edge& edge) {
  const Time until = time_after(poller_.clock().now(), nanos_from_seconds(patience_seconds_));
  edge.patience = poller_.call_at(until, [this, &edge] {
    ++edge.asked_count;
    connect(edge);
  });
}

void TcpTransport::admit(const EdgeHello& hello, Fd socket) {
  const std::unique_ptr<Edge>& there = place_of(hello.from, hello.lane);
  attach(there != nullptr ? *there : make_edge(hello.from, hello.lane), std::move(socket));
}

Status TcpTransport::judge(const EdgeHello& hello) const {
  const auto rank_count = static_cast<int>(records_.size());
  const bool known = hello.from.value >= 0 && hello.from.value < rank_count;
  if (!known || !remote_[hello.from.index()] ||
      hello.answer() != hello_to(hello.from, hello.lane)) {
    return error(StatusCode::invalid_argument, "a data connection says that it goes from rank ",
                 hello.from, " to rank ", hello.to, " of ", hello.rank_count, " in generation ",
                 hello.generation, ", which nobody awaits at rank ", self_);
  }
  const auto& edge = edges_[hello.from.index() * kLaneCount + lane_index(hello.lane)];
  if (edge != nullptr && edge->opened) {
    return error(StatusCode::invalid_argument, "rank ", hello.from,
                 " has made this data connection before");
  }
  // Of two that connect to one another the lower one is let in, so that one connection stays.
  if (edge != nullptr && edge->connector != nullptr && hello.from > self_) {
    return error(StatusCode::precondition, "rank ", hello.from,
                 " connects while this rank is connecting to it");
  }
  return ok_status();
}

void TcpTransport::attach(Edge& edge, Result<Fd> socket) {
  if (!socket.ok()) {
    fail_to_open(edge, socket.status());
    return;
  }
  poller_.cancel(edge.patience);
  edge.connector.reset();  // of one that came while this rank was asking
  edge.opened = true;
  edge.stream.attach(std::move(*socket));
  const Status watched = poller_.watch(edge.stream.fd(), EPOLLIN,
                                       [this, &edge](std::uint32_t) { advance(edge, true); });
  if (!watched.ok()) {
    edge.stream.detach();
    lose(edge, str(who(edge.peer), ": its data connection cannot be watched: ", watched.message()));
    return;
  }
  advance(edge, true);
}

// A peer that closes the connection may be one that has just begun to connect by itself.
void TcpTransport::fail_to_open(Edge& edge, const Status& why) {
  if (edge.asked_count == 1 && why.code() == StatusCode::aborted) {
    await_connection(edge);
    return;
  }
  const double waited = seconds_from_nanos(poller_.clock().now() - edge.touched_at);
  lose(edge, str(who(edge.peer),
                 edge.asked_count > 0
                     ? str(" has made no data connection to ", records_[self_.index()].data,
                           " for ", waited, " s, and cannot be reached for it either: ")
                     : " cannot be reached for tensor data: ",
                 why.message()));
}

void TcpTransport::advance(Edge& edge, bool read) {
  EdgeStream& stream = edge.stream;
  if (!stream.attached()) {
    return;
  }
  // Reads first, or last: what a peer said before its end can still be taken.
  bool alive = (!read || stream.fill()) && stream.flush();
  if (!alive && !read) {
    alive = stream.fill() && stream.flush();
  }
  bytes_sent_.fetch_add(stream.bytes_sent() - edge.counted_sent, std::memory_order_relaxed);
  bytes_received_.fetch_add(stream.bytes_received() - edge.counted_received,
                            std::memory_order_relaxed);
  edge.counted_sent = stream.bytes_sent();
  edge.counted_received = stream.bytes_received();
  if (!alive) {
    poller_.forget(stream.fd());
    stream.detach();
    if (!stream.own_fault().ok()) {
      fail_by_own_fault(edge);
      return;
    }
    lose(edge,
         stream.peer_lies()
             ? str(who(edge.peer),
                   " sent what cannot be over its data connection: ", stream.trouble(),
                   ". its memory is damaged, or something between the "
                   "hosts changes what they send")
             : str(who(edge.peer),
                   " died: its process ended while its part was still awaited, or its host was cut "
                   "off (data connection: ",
                   stream.trouble(), " after ", stream.bytes_received(),
                   " bytes from it). its own output, or the report of its launcher, says "
                   "why"));
    return;
  }
  if (stream.unsent() != edge.watches_output) {
    edge.watches_output = stream.unsent();
    // Fails only for a descriptor that is not watched.
    (void)poller_.change(stream.fd(), EPOLLIN | (edge.watches_output ? EPOLLOUT : 0U));
  }
}

void TcpTransport::lose(Edge& edge, const std::string& what) {
  fail(edge, error(StatusCode::aborted, what).blame_rank(edge.peer.value));
}

void TcpTransport::fail(Edge& edge, const Status& why) {
  Status& failure = failures_[edge.peer.index()];
  failure = failure.ok() ? why : failure;
}

void TcpTransport::fail_by_own_fault(Edge& edge) {
  fail(edge,
       edge.stream.own_fault()
           .in_context(str(who(self_), " cannot go on with the tensor data of rank ", edge.peer))
           .blame_rank(self_.value));
}

// ---- Transport ----------------------------------------------------------------------------------

std::span<std::byte> TcpTransport::begin_send(Rank peer, Lane lane) {
  Edge& to = edge(peer, lane);
  std::span<std::byte> slot = to.stream.begin_send();
  if (slot.empty()) {
    advance(to, true);  // a credit may have come
    slot = to.stream.begin_send();
    if (!to.stream.own_fault().ok()) {
      fail_by_own_fault(to);
    }
  }
  return slot;
}

void TcpTransport::commit_send(Rank peer, Lane lane, const ChunkHeader& header) {
  Edge& to = edge(peer, lane);
  to.stream.commit_send(header);
  advance(to, false);
}

bool TcpTransport::send_from(Rank peer, Lane lane, const ChunkHeader& header,
                             std::span<const std::span<const std::byte>> pieces) {
  Edge& to = edge(peer, lane);
  if (!to.stream.send_from(header, pieces)) {
    return false;
  }
  advance(to, false);
  return true;
}

void TcpTransport::withdraw_offers() {
  for (const std::unique_ptr<Edge>& edge : edges_) {
    if (edge != nullptr) {
      edge->stream.withdraw_offer();
    }
  }
}

std::optional<IncomingChunk> TcpTransport::peek(Rank peer, Lane lane) {
  Edge& from = edge(peer, lane);
  std::optional<IncomingChunk> chunk = from.stream.peek();
  if (!chunk.has_value()) {
    advance(from, true);
    chunk = from.stream.peek();
  }
  return chunk;
}

void TcpTransport::release(Rank peer, Lane lane) {
  Edge& from = edge(peer, lane);
  from.stream.release();
  if (from.stream.unsent()) {
    advance(from, false);
  }
}

Status TcpTransport::reaches(Rank peer) const {
  if (peer.index() >= remote_.size() || !remote_[peer.index()]) {
    return error(StatusCode::unsupported, "rank ", peer, " is not reached over TCP");
  }
  if (records_[peer.index()].data.host.empty()) {
    return error(StatusCode::unsupported, who(peer), " offers no address for tensor data");
  }
  return ok_status();
}

Status TcpTransport::health(Rank peer) const { return failures_[peer.index()]; }

std::string TcpTransport::description() const {
  const auto count = std::count(remote_.begin(), remote_.end(), true);
  return str("TCP to ", count, " rank", count == 1 ? "" : "s", " of other hosts, from ",
             records_[self_.index()].data.host, ", ", slot_count(Lane::bulk), " slots of ",
             chunk_bytes_max(Lane::bulk) / 1024, " KiB an edge");
}

void TcpTransport::for_each_fd(const std::function<void(int)>& visit) const {
  door_->for_each_fd(visit);
  for (const std::unique_ptr<Edge>& edge : edges_) {
    if (edge != nullptr && edge->connector != nullptr) {
      edge->connector->for_each_fd(visit);
    }
    if (edge != nullptr && edge->stream.attached()) {
      visit(edge->stream.fd());
    }
  }
}

bool TcpTransport::delivered() const {
  return std::all_of(edges_.begin(), edges_.end(), [this](const std::unique_ptr<Edge>& edge) {
    return edge == nullptr || !edge->stream.unsent() || lost(edge->peer);
  });
}

void TcpTransport::deliver(Time deadline) {
  for (Nanos left = 1; !delivered() && left > 0;) {
    left = deadline - poller_.clock().now();
    if (!poller_.run_once(std::max<Nanos>(left, 0)).ok()) {
      return;
    }
  }
}

void TcpTransport::close(Time deadline) {
  // The kernel tells nobody when the last byte was confirmed.
  constexpr Nanos kLookAgain = 200 * kMicrosecond;
  withdraw_offers();
  for (;;) {
    bool unsent = false;
    bool unconfirmed = false;
    for (const std::unique_ptr<Edge>& edge : edges_) {
      if (edge != nullptr && edge->stream.attached()) {
        advance(*edge, true);
        unsent = unsent || edge->stream.unsent();
        unconfirmed =
            unconfirmed || (edge->stream.attached() && undelivered_bytes(edge->stream.fd()) > 0);
      }
    }
    const Nanos left = deadline - poller_.clock().now();
    if ((!unsent && !unconfirmed) || left <= 0 ||
        !poller_.run_once(unconfirmed ? std::min(kLookAgain, left) : left).ok()) {
      return;
    }
  }
}

}  // namespace hvd
