// Not a runtime: one way of one TCP connection, from rank 0 to rank 1. Between two hosts this is
// what an allreduce of as many bytes can reach: its ranks send as much each way, at once.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <system_error>

#include "tests/bench/peers/src/bench.h"

namespace {

constexpr int kMeetingWaitMs = 20000;
constexpr std::size_t kBlock = 1 << 20;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in name_of(const std::string& address, int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) {
    fail("inet_pton");
  }
  return name;
}

int accept_one(const std::string& store) {
  const std::string address = peers::environment("HVD_BENCH_ADDRESS", "127.0.0.1");
  sockaddr_in name = name_of(address, 0);
  auto* generic = reinterpret_cast<sockaddr*>(&name);
  socklen_t length = sizeof name;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, generic, length) || listen(listener, 1) ||
      getsockname(listener, generic, &length)) {
    fail("listen");
  }
  std::ofstream(store + "/stream.new") << address << " " << ntohs(name.sin_port) << "\n";
  if (std::rename((store + "/stream.new").c_str(), (store + "/stream").c_str())) {
    fail("rename");
  }
  const int fd = accept(listener, nullptr, nullptr);
  if (fd < 0) {
    fail("accept");
  }
  close(listener);
  return fd;
}

int connect_to(const std::string& store) {
  std::string address;
  int port = 0;
  for (int waited = 0; waited < kMeetingWaitMs; ++waited) {
    if (std::ifstream(store + "/stream") >> address >> port) {
      break;
    }
    poll(nullptr, 0, 1);
  }
  const sockaddr_in name = name_of(address, port);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name)) {
    fail("connect");
  }
  return fd;
}

class Stream final : public peers::Collectives {
 public:
  explicit Stream(int rank) : rank_(rank) {
    const std::string store = peers::environment("HVD_BENCH_STORE");
    fd_ = rank == 0 ? accept_one(store) : connect_to(store);
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  ~Stream() override { close(fd_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return 2; }
  void barrier() override {
    double nothing = 0;
    max_over_ranks(&nothing, 1);
  }
  void max_over_ranks(double* values, std::size_t count) override {
    std::vector<double> theirs(count);
    put(values, count * sizeof *values);
    get(theirs.data(), count * sizeof *values);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = std::max(values[i], theirs[i]);
    }
  }
  void allreduce(float* data, std::size_t count) override {
    if (rank_ == 0) {
      put(data, count * sizeof *data);
    } else {
      get(data, count * sizeof *data);
    }
  }

 private:
  void put(const void* data, std::size_t bytes) {
    for (const char* at = static_cast<const char*>(data); bytes > 0;) {
      const ssize_t sent = send(fd_, at, std::min(bytes, kBlock), MSG_NOSIGNAL);
      if (sent <= 0) {
        fail("send");
      }
      at += sent;
      bytes -= static_cast<std::size_t>(sent);
    }
  }
  void get(void* data, std::size_t bytes) {
    for (char* at = static_cast<char*>(data); bytes > 0;) {
      const ssize_t came = recv(fd_, at, std::min(bytes, kBlock), 0);
      if (came <= 0) {
        fail("recv");
      }
      at += came;
      bytes -= static_cast<std::size_t>(came);
    }
  }

  int rank_;
  int fd_ = -1;
};

void time_stream(Stream& stream, std::size_t bytes, const peers::Options& options) {
  peers::Buffer buffer(stream, std::max<std::size_t>(1, bytes / sizeof(float)));
  const auto came_through = [&] {
    buffer.clear();
    if (stream.rank() == 0) {
      peers::fill_pattern(buffer.data(), buffer.count(), 0);
    }
    stream.allreduce(buffer.data(), buffer.count());
    return peers::holds_pattern(buffer.data(), buffer.count(), 0);
  };
  bool checked = came_through();
  const peers::Timing timing = peers::measure(
      stream, options, [&](int) { stream.allreduce(buffer.data(), buffer.count()); });
  checked = came_through() && checked;
  peers::report(stream, "allreduce", bytes, checked, timing);
}

}  // namespace

int main(int argc, char** argv) {
  const peers::Options options(argc, argv);
  const int rank = std::stoi(peers::environment("HVD_BENCH_RANK", "0"));
  if (rank > 1) {
    return 0;  // one connection is what is measured
  }
  Stream stream(rank);
  peers::pin(rank);
  for (const std::size_t bytes : options.sizes("bytes")) {
    time_stream(stream, bytes, options);
  }
}
