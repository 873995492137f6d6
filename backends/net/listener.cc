#include "backends/net/listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr Nanos kShortageRest = 100 * kMillisecond;
constexpr int kAcceptsPerPass = 64;

}  // namespace

Result<std::unique_ptr<Listener>> Listener::start(Poller& poller, Fd listening,
                                                  ListenerOptions options, Admit admit) {
  std::unique_ptr<Listener> listener(
      new Listener(poller, std::move(listening), std::move(options), std::move(admit)));
  HVD_TRY(listener->watch_listening());
  return listener;
}

Listener::Listener(Poller& poller, Fd listening, ListenerOptions options, Admit admit)
    : poller_(poller),
      listening_(std::move(listening)),
      options_(std::move(options)),
      admit_(std::move(admit)) {}

Listener::~Listener() {
  poller_.cancel(rest_timer_);
  poller_.forget(listening_.get());
  while (!strangers_.empty()) {
    (void)release(strangers_.begin());
  }
}

Status Listener::watch_listening() {
  return poller_.watch(listening_.get(), EPOLLIN, [this](std::uint32_t) { accept_waiting(); });
}

void Listener::accept_waiting() {
  for (int i = 0; i < kAcceptsPerPass; ++i) {
    Result<Fd> socket = accept_connection(listening_.get());
    if (!socket.ok()) {
      rest_after_shortage(socket.status());
      return;
    }
    if (!socket->open()) {
      return;
    }
    examine(std::move(*socket));
  }
}

// Out of descriptors: the waiting connection keeps the socket readable, so watching it on would
// burn a core. A stranger gives up its place, and the door opens again a little later.
void Listener::rest_after_shortage(const Status& shortage) {
  shortage_ = shortage.message();
  if (!strangers_.empty()) {
    refuse(strangers_.begin(), "this process ran out of descriptors");
  }
  poller_.forget(listening_.get());
  rest_timer_ = poller_.call_at(poller_.clock().now() + kShortageRest, [this] {
    if (const Status watched = watch_listening(); !watched.ok()) {
      rest_after_shortage(watched);
    }
  });
}

void Listener::examine(Fd socket) {
  if (strangers_.size() >= options_.strangers_max) {
    refuse(strangers_.begin(), "too many connections waited to prove the secret");
  }
  strangers_.push_back(
      {.socket = std::move(socket),
       .handshake = Handshake(HandshakeSide::accepting, options_.secret, options_.purpose)});
  const Place place = std::prev(strangers_.end());
  const Status watched =
      poller_.watch(place->socket.get(), EPOLLIN, [this, place](std::uint32_t) { hear(place); });
  if (!watched.ok()) {
    refuse(place, watched.message());
    return;
  }
  place->timer = poller_.call_at(poller_.clock().now() + options_.patience, [this, place] {
    refuse(place,
           str("no proof of the secret within ", seconds_from_nanos(options_.patience), " s"));
  });
}

void Listener::hear(Place stranger) {
  std::array<std::byte, kChallengeBytes> buffer;  // NOLINT: filled by the kernel
  Handshake& handshake = stranger->handshake;
  const std::size_t wanted = std::min(buffer.size(), handshake.wanted_bytes());
  const ssize_t got = ::recv(stranger->socket.get(), buffer.data(), wanted, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got <= 0) {
    refuse(stranger, got == 0 ? "connection closed by peer" : os_reason(errno));
    return;
  }
  handshake.receive(std::span(buffer).first(static_cast<std::size_t>(got)));
  if (!handshake.failure().ok()) {
    refuse(stranger, handshake.failure().message());
    return;
  }
  const Bytes output = handshake.take_output();
  // A challenge always fits into the empty buffer of a fresh socket.
  if (!output.empty() &&
      ::send(stranger->socket.get(), output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
          static_cast<ssize_t>(output.size())) {
    refuse(stranger, "the challenge could not be sent");
    return;
  }
  if (handshake.done()) {
    Fd socket = release(stranger);
    const Admit admit = admit_;  // the callee may destroy this object
    admit(std::move(socket));
  }
}

void Listener::refuse(Place stranger, std::string reason) {
  ++refused_count_;
  last_refusal_ = std::move(reason);
  (void)release(stranger);
}

Fd Listener::release(Place stranger) {
  poller_.cancel(stranger->timer);
  poller_.forget(stranger->socket.get());
  Fd socket = std::move(stranger->socket);
  strangers_.erase(stranger);
  return socket;
}

void Listener::for_each_fd(const std::function<void(int)>& visit) const {
  visit(listening_.get());
  for (const Stranger& stranger : strangers_) {
    visit(stranger.socket.get());
  }
}

}  // namespace hvd
