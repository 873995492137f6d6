#include "backends/shm/ring_transport.h"

#include <utility>

namespace hvd {

RingTransport::RingTransport(int rank_count, const RingGeometry& geometry, SleepWord* own_sleep)
    : geometry_(geometry), own_sleep_(own_sleep), edges_(static_cast<std::size_t>(rank_count)) {}

void RingTransport::connect(Rank peer, const EdgeMemory& memory) {
  edges_[peer.index()].emplace(Edge{RingWriter(memory.outgoing, geometry_),
                                    RingReader(memory.incoming, geometry_),
                                    memory.peer_sleep,
                                    {}});
}

RingTransport::Edge& RingTransport::edge(Rank peer) {
  HVD_CHECK(peer.index() < edges_.size() && edges_[peer.index()].has_value());
  return *edges_[peer.index()];
}

std::span<std::byte> RingTransport::begin_send(Rank peer) { return edge(peer).outgoing.begin(); }

void RingTransport::commit_send(Rank peer, const ChunkHeader& header) {
  edge(peer).outgoing.commit(header);
  wake(peer);
}

std::optional<IncomingChunk> RingTransport::peek(Rank peer) { return edge(peer).incoming.peek(); }

void RingTransport::release(Rank peer) {
  if (edge(peer).incoming.release()) {
    wake(peer);
  }
}

void RingTransport::wake(Rank peer) {
  if (edge(peer).peer_sleep->take()) {
    ring_doorbell(peer);
  }
}

Status RingTransport::reaches(Rank peer) const {
  if (peer.index() < edges_.size() && edges_[peer.index()].has_value()) {
    return ok_status();
  }
  return error(StatusCode::unsupported, unreachable_text(peer));
}

Status RingTransport::health(Rank peer) const {
  const std::optional<Edge>& edge = edges_[peer.index()];
  if (edge.has_value() && !edge->lost.empty()) {
    return error(StatusCode::aborted, edge->lost).blame_rank(peer.value);
  }
  if (!edge.has_value() || (!edge->outgoing.damaged() && !edge->incoming.damaged())) {
    return ok_status();
  }
  return error(StatusCode::aborted, "rank ", peer, " wrote a chunk counter into shared memory ",
               "that cannot be: more chunks than the ", geometry_.slot_count,
               edge->outgoing.damaged() ? " slots to it hold are marked as taken"
                                        : " slots from it hold are marked as published",
               ". its memory is damaged, by itself or by another process with access to it")
      .blame_rank(peer.value);
}

void RingTransport::lose(Rank peer, std::string reason) { edge(peer).lost = std::move(reason); }

void RingTransport::prepare_sleep() { own_sleep_->announce(); }
void RingTransport::end_sleep() { own_sleep_->withdraw(); }

}  // namespace hvd
