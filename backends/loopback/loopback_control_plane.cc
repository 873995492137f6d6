#include "backends/loopback/loopback_control_plane.h"

#include <utility>

#include "core/base/check.h"

namespace hvd {

LoopbackStar::LoopbackStar(std::vector<LoopbackDoor*> doors)
    : doors_(std::move(doors)), seats_(doors_.size()) {}

void LoopbackStar::send(Rank from, Rank to, std::span<const std::byte> message) {
  MutexLock lock(mutex_);
  if (seats_[from.index()].lost) {
    return;
  }
  deliver(to, {.kind = ControlEvent::Kind::message,
               .from = from,
               .message = Bytes(message.begin(), message.end()),
               .reason = {}});
}

bool LoopbackStar::receive(Rank at, ControlEvent& event) {
  MutexLock lock(mutex_);
  Seat& seat = seats_[at.index()];
  if (seat.lost || seat.inbox.empty()) {
    return false;
  }
  event = std::move(seat.inbox.front());
  seat.inbox.pop_front();
  return true;
}

void LoopbackStar::lose(Rank rank, const std::string& reason) {
  MutexLock lock(mutex_);
  if (std::exchange(seats_[rank.index()].lost, true)) {
    return;
  }
  for (std::size_t index = 0; index < seats_.size(); ++index) {
    const Rank peer(index);
    if (peer != rank && (rank == kRoot || peer == kRoot)) {
      deliver(
          peer,
          {.kind = ControlEvent::Kind::peer_lost, .from = rank, .message = {}, .reason = reason});
    }
  }
}

void LoopbackStar::deliver(Rank to, ControlEvent event) {
  Seat& seat = seats_[to.index()];
  if (!seat.lost) {
    seat.inbox.push_back(std::move(event));
    doors_[to.index()]->ring();
  }
}

void LoopbackControlPlane::send(Rank to, std::span<const std::byte> message) {
  HVD_CHECK(to != rank_ && (to == kRoot || rank_ == kRoot));
  HVD_CHECK(message.size() <= kControlMessageBytesMax);
  star_.send(rank_, to, message);
}

}  // namespace hvd
