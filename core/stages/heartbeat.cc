#include "core/stages/heartbeat.h"

#include <algorithm>

namespace hvd {

// Three beats fit into the limit, so that one late beat is no alarm.
Heartbeat::Heartbeat(const std::vector<Rank>& peers, Nanos limit, Time now)
    : limit_(limit), interval_(limit / 3), next_beat_(now + interval_), last_look_(now) {
  for (const Rank rank : peers) {
    peers_.push_back({rank, now});
  }
}

void Heartbeat::heard_of(Rank peer, Time now) {
  const auto at = std::lower_bound(peers_.begin(), peers_.end(), peer,
                                   [](const Peer& a, Rank b) { return a.rank < b; });
  if (at != peers_.end() && at->rank == peer) {
    at->heard_at = now;
  }
}

std::optional<Time> Heartbeat::heard_at(Rank peer) const {
  const auto at = std::find_if(peers_.begin(), peers_.end(),
                               [&](const Peer& item) { return item.rank == peer; });
  return at == peers_.end() ? std::nullopt : std::optional<Time>(at->heard_at);
}

void Heartbeat::forget(Rank peer) {
  std::erase_if(peers_, [&](const Peer& item) { return item.rank == peer; });
}

Time Heartbeat::next_timer() const { return peers_.empty() ? kNever : next_beat_; }

bool Heartbeat::beat_due(Time now) {
  if (peers_.empty() || now < next_beat_) {
    return false;
  }
  next_beat_ = now + interval_;
  return true;
}

std::optional<Rank> Heartbeat::silent_peer(Time now) {
  // A look is due each third of the limit. A peer was last heard of up to a third before the last
  // look, so that an absence of more than half of the limit could already look like its death.
  const bool was_away = now - last_look_ > limit_ / 2;
  last_look_ = now;
  for (Peer& peer : peers_) {
    if (was_away) {
      peer.heard_at = now;
    } else if (now - peer.heard_at > limit_) {
      return peer.rank;
    }
  }
  return std::nullopt;
}

}  // namespace hvd
