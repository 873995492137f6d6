#include "backends/shm/host_control.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {

HostControl::HostControl(ControlPlane& star, Transport& transport, int rank_count,
                         const std::vector<ControlChannel>& channels)
    : star_(star),
      transport_(transport),
      link_of_rank_(static_cast<std::size_t>(rank_count), -1),
      scratch_(kByteRingCapacity) {
  for (const ControlChannel& channel : channels) {
    link_of_rank_[channel.peer.index()] = static_cast<int>(links_.size());
    links_.emplace_back(channel.peer, ByteRingWriter(channel.outgoing),
                        ByteRingReader(channel.incoming));
  }
}

HostControl::Link* HostControl::link_to(Rank peer) {
  HVD_CHECK(peer.index() < link_of_rank_.size());
  const int at = link_of_rank_[peer.index()];
  return at < 0 ? nullptr : &links_[static_cast<std::size_t>(at)];
}

void HostControl::send(Rank to, std::span<const std::byte> message) {
  Link* link = link_to(to);
  if (link == nullptr) {
    star_.send(to, message);
    return;
  }
  if (link->lost) {
    return;
  }
  unflushed_count_ += link->queued.empty() ? 1 : 0;
  const auto header = frame_header(message.size());
  std::size_t gone = 0;
  if (link->queued.empty()) {
    gone = link->outgoing.stage(header);
    gone += gone == header.size() ? link->outgoing.stage(message) : 0;
  }
  if (gone < header.size() + message.size()) {
    const std::size_t of_header = std::min(gone, header.size());
    link->queued.insert(link->queued.end(), header.begin() + static_cast<std::ptrdiff_t>(of_header),
                        header.end());
    link->queued.insert(link->queued.end(),
                        message.begin() + static_cast<std::ptrdiff_t>(gone - of_header),
                        message.end());
  }
  flush(*link);
}

// Publishes what was staged, stages what was queued, wakes the peer.
void HostControl::flush(Link& link) {
  const std::span<const std::byte> queued(link.queued);
  link.queued_sent += link.outgoing.stage(queued.subspan(link.queued_sent));
  link.outgoing.publish();
  if (link.queued_sent == link.queued.size()) {
    link.queued.clear();
    link.queued_sent = 0;
    --unflushed_count_;
  }
  transport_.notify(link.peer);
  if (link.outgoing.damaged()) {
    lose(link,
         "it marked bytes of the control plane in shared memory as taken that were never "
         "sent: its memory is damaged");
  }
}

void HostControl::lose(Link& link, std::string reason) {
  if (std::exchange(link.lost, true)) {
    return;
  }
  unflushed_count_ -= link.queued.empty() ? 0 : 1;
  link.queued.clear();
  link.queued_sent = 0;
  events_.push_back({.kind = ControlEvent::Kind::peer_lost,
                     .from = link.peer,
                     .message = {},
                     .reason = std::move(reason)});
}

void HostControl::take_arrived(Link& link) {
  if (!link.incoming.has_bytes() || link.lost) {
    return;
  }
  Status understood = link.parser.feed(link.incoming.take(scratch_));
  if (link.incoming.writer_may_wait()) {
    transport_.notify(link.peer);
  }
  if (!understood.ok()) {
    lose(link, understood.message());
  } else if (link.incoming.damaged()) {
    lose(link,
         "it marked more bytes of the control plane in shared memory as sent than there is "
         "room for: its memory is damaged");
  }
}

// Straight from a link to the event: messages change no queue, and memory goes round.
bool HostControl::take_message(ControlEvent& event) {
  for (std::size_t looks = links_.size(); looks > 0; --looks) {
    Link& link = links_[next_link_];
    if (!link.queued.empty() && !link.outgoing.full()) {
      flush(link);
    }
    if (!link.parser.has_message()) {
      take_arrived(link);
    }
    if (link.parser.take(event.message)) {
      event.kind = ControlEvent::Kind::message;
      event.from = link.peer;
      event.reason.clear();
      return true;
    }
    next_link_ = next_link_ + 1 < links_.size() ? next_link_ + 1 : 0;
  }
  return false;
}

// What a peer had sent comes before the event that it is lost.
bool HostControl::receive(ControlEvent& event) {
  if (take_message(event)) {
    return true;
  }
  if (events_.empty()) {
    ControlEvent from_star;
    while (star_.receive(from_star)) {
      note_star_event(from_star);
    }
    if (take_message(event)) {
      return true;
    }
  }
  if (events_.empty()) {
    return false;
  }
  event = std::move(events_.front());
  events_.pop_front();
  return true;
}

// The socket ends after the peer's last message: what lies in the ring came before that.
void HostControl::note_star_event(const ControlEvent& event) {
  Link* link = link_to(event.from);
  if (event.kind != ControlEvent::Kind::peer_lost || link == nullptr) {
    events_.push_back(event);
    return;
  }
  take_arrived(*link);
  lose(*link, event.reason);
}

bool HostControl::pending() const {
  if (!events_.empty()) {
    return true;
  }
  for (const Link& link : links_) {
    if (link.parser.has_message() ||
        (!link.lost &&
         (link.incoming.has_bytes() || (!link.queued.empty() && !link.outgoing.full())))) {
      return true;
    }
  }
  return false;
}

}  // namespace hvd
