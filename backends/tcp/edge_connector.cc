#include "backends/tcp/edge_connector.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr Nanos kFirstPause = 10 * kMillisecond;  // doubles from attempt to attempt
constexpr std::string_view kPurpose = "data";

Status bad_read(ssize_t got) {
  return got == 0 ? error(StatusCode::aborted, "connection closed by peer")
                  : os_error(StatusCode::aborted, "receiving", errno);
}

}  // namespace

EdgeConnector::EdgeConnector(Poller& poller, Endpoint endpoint, const Secret& secret,
                             const EdgeHello& hello, double patience_seconds, Done done)
    : poller_(poller),
      endpoint_(std::move(endpoint)),
      secret_(secret),
      hello_(hello),
      patience_seconds_(patience_seconds),
      done_(std::move(done)) {
  deadline_ =
      poller_.call_at(time_after(poller_.clock().now(), nanos_from_seconds(patience_seconds)),
                      [this] { give_up(); });
  attempt();
}

EdgeConnector::~EdgeConnector() {
  poller_.cancel(timer_);
  poller_.cancel(deadline_);
  close_socket();
}

void EdgeConnector::close_socket() {
  if (socket_.open()) {
    poller_.forget(socket_.get());
    socket_.reset();
  }
}

void EdgeConnector::attempt() {
  ++attempt_count_;
  answer_bytes_ = 0;
  connected_ = false;
  handshake_.emplace(HandshakeSide::connecting, secret_, kPurpose);
  Result<Fd> socket = start_connect_tcp(endpoint_);
  if (!socket.ok()) {
    fail(socket.status());
    return;
  }
  socket_ = std::move(*socket);
  const Status watched =
      poller_.watch(socket_.get(), EPOLLOUT, [this](std::uint32_t) { on_connected(); });
  if (!watched.ok()) {
    fail(watched);
  }
}

void EdgeConnector::on_connected() {
  Status status = connect_outcome(socket_.get(), endpoint_);
  connected_ = status.ok();
  if (status.ok()) {
    status = send_step(handshake_->take_output());
  }
  if (status.ok()) {
    poller_.forget(socket_.get());
    status = poller_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { on_readable(); });
  }
  if (!status.ok()) {
    fail(status);
  }
}

void EdgeConnector::on_readable() {
  const Status status = read_step();
  if (!status.ok()) {
    fail(status);
  } else if (answer_bytes_ == answer_.size()) {
    poller_.forget(socket_.get());
    finish(std::move(socket_));
  }
}

Status EdgeConnector::read_step() {
  std::array<std::byte, kChallengeBytes> buffer;  // NOLINT: filled by the kernel
  const bool proving = !handshake_->done();
  const std::size_t wanted = proving ? std::min(buffer.size(), handshake_->wanted_bytes())
                                     : answer_.size() - answer_bytes_;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), wanted, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return ok_status();
  }
  if (got <= 0) {
    return bad_read(got);
  }
  const auto bytes = std::span(buffer).first(static_cast<std::size_t>(got));
  if (proving) {
    handshake_->receive(bytes);
    HVD_TRY(handshake_->failure());
    HVD_TRY(send_step(handshake_->take_output()));
    return handshake_->done() ? send_step(encode(hello_)) : ok_status();
  }
  std::copy(bytes.begin(), bytes.end(),
            answer_.begin() + static_cast<std::ptrdiff_t>(answer_bytes_));
  answer_bytes_ += bytes.size();
  if (answer_bytes_ == answer_.size()) {
    HVD_ASSIGN(const EdgeHello answer, decode_edge_hello(answer_));
    if (answer != hello_.answer()) {
      return error(StatusCode::invalid_argument, "the other side says that it is rank ",
                   answer.from, " of ", answer.rank_count, " in generation ", answer.generation,
                   ", not rank ", hello_.to, " of ", hello_.rank_count, " in ", hello_.generation);
    }
  }
  return ok_status();
}

// A few bytes always fit into the empty buffer of a fresh socket.
Status EdgeConnector::send_step(std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    return ok_status();
  }
  const ssize_t sent =
      ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(bytes.size())
             ? ok_status()
             : os_error(StatusCode::aborted, "sending", sent < 0 ? errno : EAGAIN);
}

// A door in distress drops connections (too many strangers, no descriptors); another attempt may
// get in. Nobody listening there is final: the door stays open as long as the rank is in the job.
void EdgeConnector::fail(const Status& why) {
  close_socket();
  last_failure_ = why.message();
  if (why.code() == StatusCode::aborted && attempt_count_ < kConnectAttempts) {
    timer_ = poller_.call_at(poller_.clock().now() + (kFirstPause << attempt_count_),
                             [this] { attempt(); });
    return;
  }
  timer_ = poller_.call_at(poller_.clock().now(), [this, why] { finish(why); });
}

// What the peer owes at the end of the patience, as far as it can be seen from here.
void EdgeConnector::give_up() {
  poller_.cancel(timer_);
  const std::string_view owed =
      !socket_.open() ? "every connection was closed on the way"
      : !connected_   ? "nothing answers there"
      : !handshake_->done()
          ? "the connection is accepted there, and nobody proves the secret of the job"
          : "a rank of the job is there, and does not say which one";
  close_socket();
  finish(error(StatusCode::deadline_exceeded, "no data connection to ", endpoint_, " in the ",
               patience_seconds_, " s since it was begun: ", owed,
               last_failure_.empty()
                   ? ""
                   : str(" (attempt ", attempt_count_, ", before: ", last_failure_, ")"),
               ". its process is stopped, or a firewall drops what goes to that port. limit: "
               "HVD_HEARTBEAT_SECONDS ",
               patience_seconds_));
}

void EdgeConnector::finish(Result<Fd> outcome) {
  const Done done = std::move(done_);
  done(std::move(outcome));
}

void EdgeConnector::for_each_fd(const std::function<void(int)>& visit) const {
  if (socket_.open()) {
    visit(socket_.get());
  }
}

}  // namespace hvd
