#include "backends/shm/ring_transport.h"

#include <utility>

namespace hvd {

RingTransport::RingTransport(int rank_count, const LaneGeometries& geometry, SleepWord* own_sleep)
    : geometry_(geometry),
      own_sleep_(own_sleep),
      neighbours_(static_cast<std::size_t>(rank_count)) {}

void RingTransport::connect(Rank peer, const std::array<EdgeMemory, kLaneCount>& memory,
                            SleepWord* peer_sleep) {
  const auto make_edge = [&](Lane lane) {
    const EdgeMemory& edge = memory[lane_index(lane)];
    return Edge{RingWriter(edge.outgoing, geometry_[lane]),
                RingReader(edge.incoming, geometry_[lane])};
  };
  neighbours_[peer.index()].emplace(Neighbour{
      {make_edge(kLanes[0]), make_edge(kLanes[1]), make_edge(kLanes[2]), make_edge(kLanes[3])},
      peer_sleep,
      {}});
}

RingTransport::Edge& RingTransport::edge(Rank peer, Lane lane) {
  HVD_CHECK(peer.index() < neighbours_.size() && neighbours_[peer.index()].has_value());
  return neighbours_[peer.index()]->edges[lane_index(lane)];
}

std::span<std::byte> RingTransport::begin_send(Rank peer, Lane lane) {
  return edge(peer, lane).outgoing.begin();
}

void RingTransport::commit_send(Rank peer, Lane lane, const ChunkHeader& header) {
  edge(peer, lane).outgoing.commit(header);
  wake(peer);
}

std::optional<IncomingChunk> RingTransport::peek(Rank peer, Lane lane) {
  return edge(peer, lane).incoming.peek();
}

void RingTransport::release(Rank peer, Lane lane) {
  if (edge(peer, lane).incoming.release()) {
    wake(peer);
  }
}

void RingTransport::wake(Rank peer) {
  if (neighbours_[peer.index()]->sleep->take()) {
    ring_doorbell(peer);
  }
}

Status RingTransport::reaches(Rank peer) const {
  if (peer.index() < neighbours_.size() && neighbours_[peer.index()].has_value()) {
    return ok_status();
  }
  return error(StatusCode::unsupported, unreachable_text(peer));
}

Status RingTransport::health(Rank peer) const {
  const std::optional<Neighbour>& neighbour = neighbours_[peer.index()];
  if (!neighbour.has_value()) {
    return ok_status();
  }
  if (!neighbour->lost.empty()) {
    return error(StatusCode::aborted, neighbour->lost).blame_rank(peer.value);
  }
  for (const Lane lane : kLanes) {
    const Edge& edge = neighbour->edges[lane_index(lane)];
    if (edge.outgoing.damaged() || edge.incoming.damaged()) {
      return error(StatusCode::aborted, "rank ", peer, " wrote a chunk counter into shared memory ",
                   "that cannot be: more chunks than the ", geometry_[lane].slot_count,
                   edge.outgoing.damaged() ? " slots to it hold are marked as taken"
                                           : " slots from it hold are marked as published",
                   ". its memory is damaged, by itself or by another process with access to it")
          .blame_rank(peer.value);
    }
  }
  return ok_status();
}

void RingTransport::lose(Rank peer, std::string reason) {
  HVD_CHECK(neighbours_[peer.index()].has_value());
  neighbours_[peer.index()]->lost = std::move(reason);
}

void RingTransport::prepare_sleep() { own_sleep_->announce(); }
void RingTransport::end_sleep() { own_sleep_->withdraw(); }

}  // namespace hvd
