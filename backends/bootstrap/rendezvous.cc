#include "backends/bootstrap/rendezvous.h"

#include <sys/epoll.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "backends/net/authenticate.h"

namespace hvd {
namespace {

constexpr std::string_view kPurpose = "rendezvous";
constexpr std::size_t kMessageBytesMax = 1024;
constexpr std::size_t kHostBytesMax = 256;
constexpr std::size_t kGenerationsKept = 16;

enum class Kind : std::uint8_t { publish = 1, lookup = 2, answer = 3 };

struct Message {
  Kind kind = Kind::lookup;
  std::uint64_t generation = 0;
  Endpoint root;
};

Bytes encode(const Message& message) {
  ByteWriter writer;
  writer.put(static_cast<std::uint8_t>(message.kind)).put(message.generation);
  writer.put_string(message.root.host).put(message.root.port);
  return writer.take();
}

bool decode(std::span<const std::byte> bytes, Message& message) {
  ByteReader reader(bytes);
  message.kind = static_cast<Kind>(reader.get<std::uint8_t>());
  message.generation = reader.get<std::uint64_t>();
  message.root.host = reader.get_string(kHostBytesMax);
  message.root.port = reader.get<std::uint16_t>();
  return reader.finished();
}

}  // namespace

Result<std::unique_ptr<RendezvousServer>> RendezvousServer::start(Poller& poller,
                                                                  const Endpoint& at,
                                                                  const Secret& secret,
                                                                  int rank_count) {
  HVD_ASSIGN(Fd listening, listen_tcp(at), "starting the rendezvous");
  std::unique_ptr<RendezvousServer> server(new RendezvousServer(poller, rank_count));
  HVD_ASSIGN(server->endpoint_, local_endpoint(listening.get()));
  RendezvousServer* const self = server.get();
  HVD_ASSIGN(server->listener_,
             Listener::start(poller, std::move(listening),
                             {.secret = secret,
                              .purpose = std::string(kPurpose),
                              .strangers_max = 64 + static_cast<std::size_t>(rank_count)},
                             [self](Fd socket) { self->admit(std::move(socket)); }));
  return server;
}

// Each rank needs one connection at a time; twice that leaves room for those that just went.
RendezvousServer::RendezvousServer(Poller& poller, int rank_count)
    : poller_(poller), client_count_max_(16 + 2 * static_cast<std::size_t>(rank_count)) {}

RendezvousServer::~RendezvousServer() {
  listener_.reset();
  while (!clients_.empty()) {
    remove(clients_.begin());
  }
}

void RendezvousServer::admit(Fd socket) {
  if (clients_.size() >= client_count_max_) {
    remove(clients_.begin());
  }
  clients_.push_back(
      {.connection = FramedConnection(std::move(socket), kMessageBytesMax), .awaited = {}});
  const Place client = std::prev(clients_.end());
  const Status watched = poller_.watch(client->connection.fd(), EPOLLIN,
                                       [this, client](std::uint32_t) { hear(client); });
  if (!watched.ok()) {
    remove(client);
  }
}

void RendezvousServer::hear(Place client) {
  std::array<std::byte, 2 * kMessageBytesMax> buffer;  // NOLINT: filled by the kernel
  client->connection.read_some(buffer);
  Bytes message;
  while (client->connection.take(message)) {
    if (!serve(*client, message)) {
      remove(client);
      return;
    }
  }
  if (client->connection.ended()) {
    remove(client);
  }
}

// Answers are tens of bytes and a client has one question at a time, so an answer always fits into
// the socket; if a client does not read, flushed() turns false and it goes.
bool RendezvousServer::serve(Client& client, const Bytes& bytes) {
  Message message;
  if (!decode(bytes, message)) {
    return false;
  }
  if (message.kind == Kind::publish) {
    publish(message.generation, message.root);
  } else if (message.kind != Kind::lookup) {
    return false;
  }
  const auto root = roots_.find(message.generation);
  if (root == roots_.end()) {
    client.awaited = message.generation;
    return true;
  }
  client.connection.send(
      encode({.kind = Kind::answer, .generation = message.generation, .root = root->second}));
  return client.connection.flushed();
}

void RendezvousServer::publish(std::uint64_t generation, const Endpoint& root) {
  roots_[generation] = root;
  while (roots_.size() > kGenerationsKept) {
    roots_.erase(roots_.begin());
  }
  const Bytes answer = encode({.kind = Kind::answer, .generation = generation, .root = root});
  for (Client& client : clients_) {
    if (client.awaited == generation) {
      client.awaited.reset();
      client.connection.send(answer);
    }
  }
}

void RendezvousServer::remove(Place client) {
  poller_.forget(client->connection.fd());
  clients_.erase(client);
}

void RendezvousServer::for_each_fd(const std::function<void(int)>& visit) const {
  listener_->for_each_fd(visit);
  for (const Client& client : clients_) {
    visit(client.connection.fd());
  }
}

Result<RendezvousClient> RendezvousClient::connect(const Endpoint& server, const Secret& secret,
                                                   Time deadline, const Clock& clock) {
  HVD_ASSIGN(Fd socket, connect_authenticated(server, secret, kPurpose, deadline, clock),
             "reaching the rendezvous of hvdrun");
  return RendezvousClient(std::make_unique<FramedConnection>(std::move(socket), kMessageBytesMax),
                          clock);
}

Status RendezvousClient::publish(std::uint64_t generation, const Endpoint& root, Time deadline) {
  const Result<Endpoint> answer =
      ask(encode({.kind = Kind::publish, .generation = generation, .root = root}), generation,
          deadline);
  return answer.ok() ? ok_status() : answer.status();
}

Result<Endpoint> RendezvousClient::lookup(std::uint64_t generation, Time deadline) {
  return ask(encode({.kind = Kind::lookup, .generation = generation, .root = {}}), generation,
             deadline);
}

Result<Endpoint> RendezvousClient::ask(const Bytes& request, std::uint64_t generation,
                                       Time deadline) {
  connection_->send(request);
  for (;;) {
    HVD_ASSIGN(const Bytes bytes, connection_->receive_until(deadline, *clock_),
               "asking the rendezvous of hvdrun");
    Message message;
    if (!decode(bytes, message) || message.kind != Kind::answer) {
      return error(StatusCode::invalid_argument, "the rendezvous sent a malformed answer");
    }
    if (message.generation == generation) {
      return message.root;
    }
  }
}

Result<std::string> RendezvousClient::local_host() const {
  HVD_ASSIGN(const Endpoint own, local_endpoint(connection_->fd()));
  return own.host;
}

}  // namespace hvd
