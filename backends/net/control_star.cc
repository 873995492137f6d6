#include "backends/net/control_star.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "backends/net/rank_text.h"
#include "backends/net/socket.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr Nanos kDeliveryPause = 100 * kMicrosecond;
constexpr std::size_t kCauseBytesMax = 8192;

// What the root broadcasts in init: its part, or why there will be none. No message of the running
// job (core/stages/messages.cc) begins so: the root may have got that far already.
enum class Verdict : std::uint8_t { part = 0xe0, failure = 0xe1 };

Bytes encode_part(std::span<const std::byte> part) {
  Bytes message = ByteWriter().put(static_cast<std::uint8_t>(Verdict::part)).take();
  message.insert(message.end(), part.begin(), part.end());
  return message;
}

Bytes encode_failure(const Status& cause) {
  return ByteWriter()
      .put(static_cast<std::uint8_t>(Verdict::failure))
      .put(static_cast<std::uint8_t>(cause.code()))
      .put(static_cast<std::int32_t>(cause.culprit_rank()))
      .put_string(std::string_view(cause.message()).substr(0, kCauseBytesMax))
      .take();
}

bool is_failure(const Bytes& message) {
  return !message.empty() && message.front() == static_cast<std::byte>(Verdict::failure);
}

Status decode_failure(const Bytes& message) {
  ByteReader reader(message);
  (void)reader.get<std::uint8_t>();
  const auto code = reader.get<std::uint8_t>();
  const auto culprit = reader.get<std::int32_t>();
  const std::string text = reader.get_string(kCauseBytesMax);
  if (!reader.finished() || code == 0 || code > static_cast<std::uint8_t>(StatusCode::internal)) {
    return error(StatusCode::invalid_argument, "rank 0 sent a malformed message of init");
  }
  return Status(static_cast<StatusCode>(code), text).blame_rank(culprit);
}

Result<Bytes> decode_broadcast(const Bytes& message) {
  if (is_failure(message)) {
    return decode_failure(message);
  }
  if (message.empty() || message.front() != static_cast<std::byte>(Verdict::part)) {
    return error(StatusCode::invalid_argument, "rank 0 sent a malformed message of init");
  }
  return Bytes(message.begin() + 1, message.end());
}

Status lost_in_set_up(const ControlEvent& event) {
  return error(StatusCode::aborted, "rank ", event.from,
               " was lost while the job was set up: ", event.reason, ". look at its output")
      .blame_rank(event.from.value);
}

}  // namespace

Result<std::unique_ptr<ControlStar>> ControlStar::create(Poller& poller, Rank self, int rank_count,
                                                         std::vector<StarLink> links) {
  std::unique_ptr<ControlStar> star(new ControlStar(poller, self, rank_count));
  HVD_CHECK(links.size() == (self == kRoot ? static_cast<std::size_t>(rank_count) - 1 : 1));
  for (StarLink& link : links) {
    HVD_TRY(star->add(std::move(link)));
  }
  return star;
}

ControlStar::ControlStar(Poller& poller, Rank self, int rank_count)
    : poller_(poller),
      self_(self),
      links_(static_cast<std::size_t>(rank_count)),
      scratch_(kReadBytes) {}

ControlStar::~ControlStar() {
  for (const Link& link : links_) {
    if (link.watched) {
      poller_.forget(link.connection->fd());
    }
  }
}

Status ControlStar::add(StarLink given) {
  HVD_CHECK(given.peer != self_ && given.peer.index() < links_.size());
  Link& link = links_[given.peer.index()];
  HVD_CHECK(link.connection == nullptr);
  link.connection = std::move(given.connection);
  const Rank peer = given.peer;
  HVD_TRY(poller_.watch(link.connection->fd(), EPOLLIN,
                        [this, peer](std::uint32_t events) { on_ready(peer, events); }));
  link.watched = true;
  note_flush_state(link);
  take_arrived(peer, link);  // what came while the star was put together
  return ok_status();
}

void ControlStar::send(Rank to, std::span<const std::byte> message) {
  HVD_CHECK(to.index() < links_.size() && links_[to.index()].connection != nullptr);
  Link& link = links_[to.index()];
  link.connection->send(message);
  note_flush_state(link);
}

bool ControlStar::receive(ControlEvent& event) {
  if (events_.empty()) {
    return false;
  }
  event = std::move(events_.front());
  events_.pop_front();
  return true;
}

void ControlStar::on_ready(Rank peer, std::uint32_t epoll_events) {
  Link& link = links_[peer.index()];
  if ((epoll_events & EPOLLOUT) != 0) {
    link.connection->flush();
  }
  if ((epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    link.connection->read_some(scratch_);
    take_arrived(peer, link);
  }
  note_flush_state(link);
}

void ControlStar::take_arrived(Rank peer, Link& link) {
  Bytes message;
  while (link.connection->take(message)) {
    events_.push_back({.kind = ControlEvent::Kind::message,
                       .from = peer,
                       .message = std::move(message),
                       .reason = {}});
  }
  if (link.connection->ended() && link.watched) {
    poller_.forget(link.connection->fd());  // an ended socket stays readable for ever
    link.watched = false;
    events_.push_back({.kind = ControlEvent::Kind::peer_lost,
                       .from = peer,
                       .message = {},
                       .reason = link.connection->end_reason()});
  }
}

// Asks the poller for writability only while something is queued.
void ControlStar::note_flush_state(Link& link) {
  const bool unflushed = !link.connection->flushed();
  if (unflushed == link.unflushed) {
    return;
  }
  link.unflushed = unflushed;
  unflushed_count_ += unflushed ? 1 : -1;
  if (link.watched) {
    const Status changed = poller_.change(
        link.connection->fd(),
        unflushed ? static_cast<std::uint32_t>(EPOLLIN) | EPOLLOUT : std::uint32_t{EPOLLIN});
    HVD_CHECK(changed.ok());  // MOD of a descriptor that we hold open cannot fail
  }
}

Status ControlStar::pass_until(Time deadline) {
  const Nanos left = deadline == kNever ? -1 : deadline - poller_.clock().now();
  if (deadline != kNever && left <= 0) {
    return error(StatusCode::deadline_exceeded, "no answer in time");
  }
  const Result<int> passed = poller_.run_once(left);
  return passed.ok() ? ok_status() : passed.status();
}

Result<std::vector<int>> ControlStar::collect(std::vector<Bytes>& parts, std::vector<bool>& there) {
  for (auto at = events_.begin(); at != events_.end();) {
    const std::size_t from = at->from.index();
    if (there[from]) {
      ++at;
      continue;
    }
    if (at->kind == ControlEvent::Kind::peer_lost) {
      return lost_in_set_up(*at);
    }
    parts[from] = std::move(at->message);
    there[from] = true;
    at = events_.erase(at);
  }
  std::vector<int> missing;
  for (std::size_t rank = 0; rank < there.size(); ++rank) {
    if (!there[rank]) {
      missing.push_back(static_cast<int>(rank));
    }
  }
  return missing;
}

Result<std::vector<Bytes>> ControlStar::gather(Bytes mine, Time deadline) {
  if (!is_root()) {
    send(kRoot, mine);
    return std::vector<Bytes>();
  }
  Result<std::vector<Bytes>> parts = gather_parts(std::move(mine), deadline);
  if (!parts.ok()) {
    give_up(parts.status());
  }
  return parts;
}

Result<std::vector<Bytes>> ControlStar::gather_parts(Bytes mine, Time deadline) {
  const Time start = poller_.clock().now();
  std::vector<Bytes> parts(links_.size());
  std::vector<bool> there(links_.size(), false);
  parts[self_.index()] = std::move(mine);
  there[self_.index()] = true;
  for (;;) {
    HVD_ASSIGN(const std::vector<int> missing, collect(parts, there));
    if (missing.empty()) {
      return parts;
    }
    if (Status passed = pass_until(deadline); !passed.ok()) {
      return passed.code() == StatusCode::deadline_exceeded ? missing_error(missing, start)
                                                            : passed;
    }
  }
}

Result<Bytes> ControlStar::broadcast(Bytes from_root, Time deadline) {
  if (is_root()) {
    const Bytes message = encode_part(from_root);
    for (std::size_t rank = 1; rank < links_.size(); ++rank) {
      send(Rank(rank), message);
    }
    while (!flushed()) {
      HVD_TRY(pass_until(deadline), "broadcasting while the job is set up");
    }
    return from_root;
  }
  const Time start = poller_.clock().now();
  std::vector<Bytes> parts(links_.size());
  std::vector<bool> there(links_.size(), true);
  there[kRoot.index()] = false;
  for (;;) {
    HVD_ASSIGN(const std::vector<int> missing, collect(parts, there));
    if (missing.empty()) {
      return decode_broadcast(parts[kRoot.index()]);
    }
    if (Status passed = pass_until(deadline); !passed.ok()) {
      return passed.code() == StatusCode::deadline_exceeded ? missing_error(missing, start)
                                                            : passed;
    }
  }
}

Status ControlStar::set_up_alive() const {
  for (const ControlEvent& event : events_) {
    if (event.kind == ControlEvent::Kind::peer_lost) {
      return lost_in_set_up(event);
    }
    if (!is_root() && is_failure(event.message)) {
      return decode_failure(event.message);
    }
  }
  return ok_status();
}

void ControlStar::give_up(const Status& cause) {
  if (!is_root() || std::exchange(gave_up_, true)) {
    return;
  }
  const Bytes message = encode_failure(cause);
  for (Link& link : links_) {
    if (link.connection != nullptr && !link.connection->ended()) {
      link.connection->send(message);
      note_flush_state(link);
    }
  }
  close(poller_.clock().now() + kSecond);
}

Status ControlStar::missing_error(const std::vector<int>& missing, Time start) const {
  return error(StatusCode::deadline_exceeded, "setting up the job gave up after ",
               seconds_from_nanos(poller_.clock().now() - start), " s: ", ranks_text(missing),
               " sent nothing. limit: HVD_START_TIMEOUT_SECONDS. look at the output of the missing "
               "ranks")
      .blame_rank(missing.front());
}

void ControlStar::close(Time deadline) {
  for (Link& link : links_) {
    if (link.connection != nullptr && !link.connection->ended()) {
      link.connection->finish_sending();
      note_flush_state(link);
    }
  }
  // Closing a socket with unread input makes the kernel reset it and drop what it has not
  // delivered, so wait until the peers' kernels have everything.
  for (Link& link : links_) {
    if (link.connection == nullptr) {
      continue;
    }
    while (!link.connection->ended() && poller_.clock().now() < deadline) {
      if (!link.connection->flushed()) {
        (void)wait_for_fd(link.connection->fd(), POLLOUT, deadline, poller_.clock());
        link.connection->flush();
      } else if (undelivered_bytes(link.connection->fd()) > 0) {
        pause_for(kDeliveryPause);
      } else {
        break;
      }
    }
    note_flush_state(link);
  }
}

void ControlStar::for_each_fd(const std::function<void(int)>& visit) const {
  for (const Link& link : links_) {
    if (link.connection != nullptr) {
      visit(link.connection->fd());
    }
  }
}

}  // namespace hvd
