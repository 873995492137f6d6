#include "backends/tcp/edge_door.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr std::size_t kStrangersMax = 64;

}  // namespace

Result<std::unique_ptr<EdgeDoor>> EdgeDoor::open(Poller& poller, Fd listening, const Secret& secret,
                                                 int rank_count, Judge judge, Admit admit) {
  std::unique_ptr<EdgeDoor> door(new EdgeDoor(poller, std::move(judge), std::move(admit)));
  // All ranks may come at once, with every lane.
  const std::size_t strangers_max =
      kStrangersMax + kLaneCount * static_cast<std::size_t>(rank_count);
  HVD_ASSIGN(door->listener_,
             Listener::start(poller, std::move(listening),
                             {.secret = secret, .purpose = "data", .strangers_max = strangers_max},
                             [door = door.get()](Fd socket) { door->greet(std::move(socket)); }));
  return door;
}

EdgeDoor::EdgeDoor(Poller& poller, Judge judge, Admit admit)
    : poller_(poller), judge_(std::move(judge)), admit_(std::move(admit)) {}

EdgeDoor::~EdgeDoor() {
  while (!guests_.empty()) {
    (void)release(guests_.begin());
  }
}

void EdgeDoor::greet(Fd socket) {
  guests_.emplace_back();
  const Place guest = std::prev(guests_.end());
  guest->socket = std::move(socket);
  const Status watched =
      poller_.watch(guest->socket.get(), EPOLLIN, [this, guest](std::uint32_t) { hear(guest); });
  if (!watched.ok()) {
    refuse(guest, watched.message());
    return;
  }
  guest->timer = poller_.call_at(poller_.clock().now() + kEdgeHelloPatience, [this, guest] {
    refuse(guest, "a connection proved the secret and then did not say which edge it is");
  });
}

void EdgeDoor::hear(Place guest) {
  const ssize_t got = ::recv(guest->socket.get(), guest->hello.data() + guest->hello_bytes,
                             guest->hello.size() - guest->hello_bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got <= 0) {
    refuse(guest, got == 0 ? "connection closed by peer" : os_reason(errno));
    return;
  }
  guest->hello_bytes += static_cast<std::size_t>(got);
  if (guest->hello_bytes < guest->hello.size()) {
    return;
  }
  EdgeHello hello;
  const Status taken = take_hello(*guest, hello);
  if (!taken.ok()) {
    refuse(guest, taken.message());
    return;
  }
  admit_(hello, release(guest));
}

Status EdgeDoor::take_hello(const Guest& guest, EdgeHello& hello) {
  HVD_ASSIGN(hello, decode_edge_hello(guest.hello));
  HVD_TRY(judge_(hello));
  const EdgeHelloBytes answer = encode(hello.answer());
  // A few bytes always fit into the empty buffer of a fresh socket.
  const ssize_t sent =
      ::send(guest.socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(answer.size())
             ? ok_status()
             : error(StatusCode::aborted, "the answer to a hello could not be sent");
}

Fd EdgeDoor::release(Place guest) {
  poller_.cancel(guest->timer);
  poller_.forget(guest->socket.get());
  Fd socket = std::move(guest->socket);
  guests_.erase(guest);
  return socket;
}

void EdgeDoor::refuse(Place guest, std::string why) {
  last_refusal_ = std::move(why);
  (void)release(guest);
}

void EdgeDoor::for_each_fd(const std::function<void(int)>& visit) const {
  listener_->for_each_fd(visit);
  for (const Guest& guest : guests_) {
    visit(guest.socket.get());
  }
}

}  // namespace hvd
