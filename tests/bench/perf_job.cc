#include "tests/bench/perf_job.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace hvd::bench {
namespace {

constexpr int kMeetingWaitMs = 20000;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// A port that was free a moment ago; init listens at it at once.
int free_port(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  socklen_t length = sizeof name;
  auto* generic = reinterpret_cast<sockaddr*>(&name);
  if (fd < 0 || ::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1 ||
      ::bind(fd, generic, length) != 0 || ::getsockname(fd, generic, &length) != 0) {
    fail("no port at " + address);
  }
  ::close(fd);
  return ntohs(name.sin_port);
}

std::string random_secret() {
  std::array<unsigned char, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    fail("getrandom");
  }
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void write_private_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail(path);
  }
  ::close(fd);
}

// The file appears whole, by its renaming.
void publish_meeting(const std::string& store, const std::string& address) {
  write_private_file(store + "/secret", random_secret());
  const std::string text = address + " " + std::to_string(free_port(address)) + "\n";
  write_private_file(store + "/meeting.new", text);
  if (::rename((store + "/meeting.new").c_str(), (store + "/meeting").c_str()) != 0) {
    fail("rename");
  }
}

// Before there is a second thread.
void set(const char* name, const std::string& value) {
  ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
}

void use_meeting(const std::string& store) {
  std::string address;
  std::string port;
  for (int waited_ms = 0; waited_ms < kMeetingWaitMs; ++waited_ms) {
    if (std::ifstream(store + "/meeting") >> address >> port) {
      set("HVD_RENDEZVOUS_ADDR", address);
      set("HVD_RENDEZVOUS_PORT", port);
      set("HVD_SECRET_FILE", store + "/secret");
      return;
    }
    ::poll(nullptr, 0, 1);
  }
  throw std::runtime_error("rank 0 left no meeting place in " + store + " for 20 s");
}

std::string new_store() {
  std::string path = (std::filesystem::temp_directory_path() / "hvd-perf-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    fail(path);
  }
  return path;
}

// Returns in every rank; rank 0 is the parent.
void fork_ranks(PerfJob& job) {
  for (int rank = 1; rank < job.size; ++rank) {
    const pid_t child = ::fork();
    if (child < 0) {
      fail("fork");
    }
    if (child == 0) {
      job.rank = rank;
      job.children.clear();
      job.own_store.clear();
      return;
    }
    job.children.push_back(child);
  }
}

}  // namespace

PerfJob start_job(const peers::Options& options) {
  PerfJob job;
  const std::string rank_text = peers::environment("HVD_BENCH_RANK");
  job.size = static_cast<int>(options.number("np", 2));
  std::string store = peers::environment("HVD_BENCH_STORE");
  if (store.empty() && !rank_text.empty()) {
    throw std::runtime_error("HVD_BENCH_RANK is set but not HVD_BENCH_STORE");
  }
  if (store.empty()) {
    store = job.own_store = new_store();
  }
  job.rank = rank_text.empty() ? 0 : std::stoi(rank_text);
  const std::string address = peers::environment("HVD_BENCH_ADDRESS", "127.0.0.1");
  if (job.rank == 0) {
    publish_meeting(store, address);
  }
  if (rank_text.empty()) {
    fork_ranks(job);
  }
  use_meeting(store);
  set("HVD_RANK", std::to_string(job.rank));
  set("HVD_SIZE", std::to_string(job.size));
  if (address != "127.0.0.1") {
    set("HVD_HOST_KEY", address);  // emulated hosts differ in their address only
  }
  if (!options.text("algorithm").empty()) {
    set("HVD_ALGORITHM", options.text("algorithm"));
  }
  if (!options.text("chunk").empty()) {
    set("HVD_CHUNK_BYTES", options.text("chunk"));
  }
  if (!options.text("wire").empty()) {
    set("HVD_WIRE_DTYPE", options.text("wire"));
  }
  return job;
}

int end_job(const PerfJob& job, int own_status) {
  int worst = own_status;
  for (const pid_t child : job.children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    worst = worst != 0 ? worst : code;
  }
  if (!job.own_store.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(job.own_store, ignored);
  }
  return worst;
}

}  // namespace hvd::bench
