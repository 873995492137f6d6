#include "backends/shm/process_memory.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "backends/net/socket.h"
#include "tests/catch.h"

namespace hvd {
namespace {

constexpr ProbeWord kWord = {3, 5};
std::uint64_t value_of_process = 1;  // the child has another one, at the same address

std::uint64_t address_of(const void* memory) { return reinterpret_cast<std::uint64_t>(memory); }

// Connects to this process and then waits to be killed. Its memory is a copy of ours.
struct Child {
  Fd socket;
  pid_t pid = 0;
  Child() {
    const SteadyClock clock;
    const std::string name = random_unix_name();
    const Fd listening = listen_unix(name, UnixKind::stream).value();
    pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      value_of_process = 42;
      const auto connected =
          connect_unix(name, UnixKind::stream, clock.now() + 20 * kSecond, clock);
      while (connected.ok()) {
        ::pause();
      }
      ::_exit(1);
    }
    REQUIRE(wait_for_fd(listening.get(), POLLIN, clock.now() + 20 * kSecond, clock).ok());
    socket = accept_connection(listening.get()).value();
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void end() {
    if (pid > 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      pid = 0;
    }
  }
};

ReadPiece piece_of(std::uint64_t& to, std::uint64_t from) {
  return {reinterpret_cast<std::byte*>(&to), from, sizeof to};
}

TEST_CASE("the memory of another process is read where that process has it", "[shm]") {
  const Child child;
  ProcessMemory memory(2);
  REQUIRE(memory.add(Rank{1}, "rank 1", child.socket.get(), address_of(&kWord), kWord).ok());
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  const std::array pieces = {piece_of(first, address_of(&value_of_process)),
                             piece_of(second, address_of(&kWord) + 8)};
  REQUIRE(memory.read(Rank{1}, pieces).ok());
  CHECK(first == 42);
  CHECK(second == 5);
  CHECK(memory.has_lived(Rank{1}).ok());
  std::set<int> fds;
  memory.for_each_fd([&](int fd) { fds.insert(fd); });
  CHECK(fds.size() == 1);
}

TEST_CASE("a process that does not have the word where its rank says is not read", "[shm]") {
  const Child child;
  ProcessMemory memory(2);
  const ProbeWord other = {3, 6};
  CHECK(memory.add(Rank{1}, "rank 1", child.socket.get(), address_of(&kWord), other).code() ==
        StatusCode::permission_denied);
  CHECK(memory.add(Rank{1}, "rank 1", child.socket.get(), 16, kWord).code() ==
        StatusCode::permission_denied);
}

TEST_CASE("who reads a process that has ended is told so, by its rank", "[shm]") {
  Child child;
  ProcessMemory memory(2);
  REQUIRE(
      memory.add(Rank{1}, "rank 1 (host a, pid 7)", child.socket.get(), address_of(&kWord), kWord)
          .ok());
  child.end();
  std::uint64_t value = 0;
  const std::array pieces = {piece_of(value, address_of(&value_of_process))};
  for (const Status& status : {memory.has_lived(Rank{1}), memory.read(Rank{1}, pieces)}) {
    CHECK(status.code() == StatusCode::aborted);
    CHECK(status.culprit_rank() == 1);
    CHECK_THAT(status.message(), Catch::Contains("rank 1 (host a, pid 7) died"));
  }
}

TEST_CASE("memory that is not there is an error that names rank, cause and setting", "[shm]") {
  const Child child;
  ProcessMemory memory(2);
  REQUIRE(
      memory.add(Rank{1}, "rank 1 (host a, pid 7)", child.socket.get(), address_of(&kWord), kWord)
          .ok());
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  const std::array pieces = {piece_of(first, address_of(&value_of_process)),
                             piece_of(second, 4096)};
  const Status status = memory.read(Rank{1}, pieces);
  CHECK(status.code() == StatusCode::unsupported);
  CHECK(status.culprit_rank() == 1);
  CHECK_THAT(status.message(), Catch::Contains("rank 1 (host a, pid 7) has a tensor") &&
                                   Catch::Contains("errno 14") &&
                                   Catch::Contains("HVD_SINGLE_COPY off"));
}

// Pages without a struct page, as those that a driver maps: here the kernel's own clock data.
const std::byte* memory_of_a_device() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.ends_with("[vvar]")) {
      return reinterpret_cast<const std::byte*>(std::stoull(line, nullptr, 16));
    }
  }
  return nullptr;
}

TEST_CASE("a process knows which of its memory others cannot read", "[shm]") {
  ProcessMemory memory(1);
  REQUIRE(memory.add_this_process().ok());
  std::vector<std::byte> heap(100'000);
  CHECK(memory.can_be_read(heap.data(), heap.size()));
  CHECK(memory.can_be_read(nullptr, 0));
  const std::byte* device = memory_of_a_device();
  REQUIRE(device != nullptr);
  CHECK_FALSE(memory.can_be_read(device, 4096));
}

TEST_CASE("ranks of one process read one another as those of several do", "[shm]") {
  ProcessMemory memory(3);
  REQUIRE(memory.add_this_process().ok());
  std::uint64_t value = 0;
  const std::array pieces = {piece_of(value, address_of(&value_of_process))};
  REQUIRE(memory.read(Rank{2}, pieces).ok());
  CHECK(value == 1);
  CHECK(memory.has_lived(Rank{2}).ok());
}

bool refuse_reads() {
  std::array filter = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the call
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_CASE("where the system refuses, the reason says what may refuse", "[shm]") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const Status status = refuse_reads() ? ProcessMemory(2).add_this_process() : ok_status();
    const bool right = status.code() == StatusCode::permission_denied &&
                       status.message().find("kernel.yama.ptrace_scope") != std::string::npos;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace hvd
