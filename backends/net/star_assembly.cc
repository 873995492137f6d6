#include "backends/net/star_assembly.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.h"
#include "core/ports/control_plane.h"

namespace hvd {
namespace {

constexpr std::size_t kWhoBytesMax = 512;
constexpr std::size_t kReasonBytesMax = 8192;
constexpr std::size_t kNotesBytesMax = 2048;  // a stubborn stranger must not grow an error text

Bytes encode(const StarHello& hello) {
  ByteWriter writer;
  writer.put(static_cast<std::int32_t>(hello.rank))
      .put(static_cast<std::int32_t>(hello.rank_count))
      .put(hello.generation)
      .put_string(std::string_view(hello.who).substr(0, kWhoBytesMax));
  return writer.take();
}

bool decode(std::span<const std::byte> message, StarHello& hello) {
  ByteReader reader(message);
  hello.rank = reader.get<std::int32_t>();
  hello.rank_count = reader.get<std::int32_t>();
  hello.generation = reader.get<std::uint64_t>();
  hello.who = reader.get_string(kWhoBytesMax);
  return reader.finished();
}

// The verdict is a Status; ok is the welcome.
Bytes encode(const Status& verdict) {
  ByteWriter writer;
  writer.put(static_cast<std::uint8_t>(verdict.code()))
      .put(static_cast<std::int32_t>(verdict.culprit_rank()))
      .put_string(std::string_view(verdict.message()).substr(0, kReasonBytesMax));
  return writer.take();
}

Status decode_verdict(std::span<const std::byte> message) {
  ByteReader reader(message);
  const auto code = reader.get<std::uint8_t>();
  const auto culprit_rank = reader.get<std::int32_t>();
  const std::string reason = reader.get_string(kReasonBytesMax);
  if (!reader.finished() || code > static_cast<std::uint8_t>(StatusCode::internal)) {
    return error(StatusCode::invalid_argument, "rank 0 sent a malformed answer");
  }
  if (static_cast<StatusCode>(code) == StatusCode::ok) {
    return ok_status();
  }
  return error(static_cast<StatusCode>(code), "rank 0 refused: ", reason).blame_rank(culprit_rank);
}

}  // namespace

StarAssembly::StarAssembly(Poller& poller, int rank_count, std::uint64_t generation)
    : poller_(poller),
      generation_(generation),
      seats_(static_cast<std::size_t>(rank_count), nullptr) {}

StarAssembly::~StarAssembly() {
  for (Guest& guest : guests_) {
    poller_.cancel(guest.timer);
    poller_.forget(guest.connection->fd());
  }
}

void StarAssembly::admit(Fd socket) {
  guests_.emplace_back();
  const Place guest = std::prev(guests_.end());
  guest->connection =
      std::make_unique<FramedConnection>(std::move(socket), kControlMessageBytesMax);
  const Status watched = poller_.watch(guest->connection->fd(), EPOLLIN,
                                       [this, guest](std::uint32_t) { hear(guest); });
  if (!watched.ok()) {
    remove(guest, watched.message());
    return;
  }
  guest->timer = poller_.call_at(poller_.clock().now() + kHelloPatience, [this, guest] {
    remove(guest, "a connection proved the secret and then did not say which rank it is");
  });
}

std::vector<int> StarAssembly::missing() const {
  std::vector<int> ranks;
  for (std::size_t rank = 1; rank < seats_.size(); ++rank) {
    if (seats_[rank] == nullptr) {
      ranks.push_back(static_cast<int>(rank));
    }
  }
  return ranks;
}

bool StarAssembly::seated(const Guest& guest) const {
  return guest.hello.rank > 0 && seats_[static_cast<std::size_t>(guest.hello.rank)] == &guest;
}

void StarAssembly::hear(Place guest) {
  std::array<std::byte, 4096> buffer;  // NOLINT: filled by the kernel
  guest->connection->read_some(buffer);
  Bytes message;
  if (!seated(*guest) && guest->connection->take(message)) {
    take_hello(guest, message);  // may remove the guest; what follows a hello stays in its queue
    return;
  }
  if (guest->connection->ended()) {
    const std::string who = seated(*guest)
                                ? str("rank ", guest->hello.rank, " (", guest->hello.who, ")")
                                : std::string("a connection");
    remove(guest, str(who, " came and was lost: ", guest->connection->end_reason()));
  }
}

void StarAssembly::take_hello(Place guest, const Bytes& message) {
  StarHello hello;
  if (!decode(message, hello)) {
    refuse(guest, error(StatusCode::invalid_argument, "a hello is malformed"));
    return;
  }
  if (const Status judgement = judge(hello); !judgement.ok()) {
    refuse(guest, judgement);
    return;
  }
  poller_.cancel(guest->timer);
  guest->hello = std::move(hello);
  seats_[static_cast<std::size_t>(guest->hello.rank)] = &*guest;
}

Status StarAssembly::judge(const StarHello& hello) const {
  const int rank_count = static_cast<int>(seats_.size());
  if (hello.generation != generation_) {
    // A leaf that is ahead has met a root that is just going away; it may find the next one.
    return error(hello.generation > generation_ ? StatusCode::not_found : StatusCode::precondition,
                 "rank ", hello.rank, " (", hello.who, ") has called init ", hello.generation,
                 " times before, rank 0 ", generation_,
                 " times; all ranks must call init and shutdown equally often");
  }
  if (hello.rank_count != rank_count) {
    return error(StatusCode::invalid_argument, "rank ", hello.rank, " (", hello.who, ") expects ",
                 hello.rank_count, " ranks, rank 0 expects ", rank_count,
                 "; HVD_SIZE must be equal everywhere");
  }
  if (hello.rank < 1 || hello.rank >= rank_count) {
    return error(StatusCode::invalid_argument, hello.who, " says it is rank ", hello.rank,
                 "; ranks that join are 1 to ", rank_count - 1);
  }
  if (const Guest* seat = seats_[static_cast<std::size_t>(hello.rank)]; seat != nullptr) {
    return error(StatusCode::invalid_argument, "rank ", hello.rank, " is taken by ",
                 seat->hello.who, "; ", hello.who, " has the same HVD_RANK");
  }
  return ok_status();
}

void StarAssembly::refuse(Place guest, const Status& reason) {
  guest->connection->send(encode(reason));
  guest->connection->finish_sending();
  remove(guest, reason.message());
}

void StarAssembly::remove(Place guest, const std::string& note) {
  if (notes_.size() + note.size() < kNotesBytesMax) {
    notes_ += str(notes_.empty() ? "" : "; ", note);
  }
  if (seated(*guest)) {
    seats_[static_cast<std::size_t>(guest->hello.rank)] = nullptr;
  }
  poller_.cancel(guest->timer);
  poller_.forget(guest->connection->fd());
  guests_.erase(guest);
}

std::vector<StarLink> StarAssembly::welcome() {
  HVD_CHECK(complete());
  std::vector<StarLink> links;
  for (auto at = guests_.begin(); at != guests_.end();) {
    const Place guest = at++;
    if (!seated(*guest)) {
      continue;
    }
    poller_.forget(guest->connection->fd());
    guest->connection->send(encode(ok_status()));
    links.push_back({.peer = Rank(guest->hello.rank), .connection = std::move(guest->connection)});
    guests_.erase(guest);
  }
  return links;
}

void StarAssembly::give_up(const Status& reason) {
  while (!guests_.empty()) {
    refuse(guests_.begin(), reason);
  }
}

Result<std::unique_ptr<FramedConnection>> enter_star(Fd socket, const StarHello& hello,
                                                     Time deadline, const Clock& clock) {
  auto connection = std::make_unique<FramedConnection>(std::move(socket), kControlMessageBytesMax);
  connection->send(encode(hello));
  HVD_TRY(connection->flush_until(deadline, clock), "saying hello to rank 0");
  HVD_ASSIGN(const Bytes message, connection->receive_until(deadline, clock),
             "rank 0 answers when all ranks have come");
  HVD_TRY(decode_verdict(message));
  return connection;
}

}  // namespace hvd
