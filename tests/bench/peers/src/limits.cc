// Physical limits of this machine, as two pinned processes see them. One JSON line each:
// {"limit": NAME, "value": MEDIAN, "unit": UNIT}. GB/s counts payload: bytes copied, not bus bytes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>

#include "tests/bench/peers/src/bench.h"

#ifdef __AVX__
#include <immintrin.h>
#endif

namespace {

using peers::now_us;

struct alignas(64) Line {
  std::atomic<std::uint32_t> value{0};
};
struct Shared {
  Line line[2];
};

Shared* shared = nullptr;  // mapped before every fork

void print(const std::string& name, double value, const char* unit) {
  std::printf("{\"limit\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"}\n", name.c_str(), value, unit);
  std::fflush(stdout);
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// Runs body(0) here and body(1) in a forked process; returns body(0)'s result.
double in_two(const std::function<double(int)>& body) {
  new (shared) Shared();
  const pid_t pid = fork();
  const int me = pid == 0 ? 1 : 0;
  cpu_set_t before;
  sched_getaffinity(0, sizeof before, &before);
  peers::pin(me);
  const double result = body(me);
  if (me == 1) {
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
  sched_setaffinity(0, sizeof before, &before);
  return result;
}

// Both processes leave at about the same time.
void meet(int me, std::uint32_t turn) {
  shared->line[me].value.store(turn, std::memory_order_release);
  while (shared->line[1 - me].value.load(std::memory_order_acquire) < turn) {
    sched_yield();
  }
}

void copy_stream(float* to, const float* from, std::size_t n) {
#ifdef __AVX__
  for (std::size_t i = 0; i + 8 <= n; i += 8) _mm256_stream_ps(to + i, _mm256_loadu_ps(from + i));
  _mm_sfence();
#else
  std::memcpy(to, from, n * sizeof(float));
#endif
}

// Bytes that two processes copy per second, each between arrays of its own.
double copy_rate(std::size_t bytes, bool stream) {
  return in_two([&](int me) {
    auto* from = static_cast<float*>(std::aligned_alloc(64, 2 * bytes));
    float* to = from + bytes / sizeof(float);
    std::memset(from, 1, 2 * bytes);
    const auto calls = static_cast<int>(std::max<std::size_t>(1, (8u << 20) / bytes));
    std::vector<double> took;
    for (std::uint32_t r = 1; r <= 9; ++r) {
      meet(me, r);
      const double start = now_us();
      for (int i = 0; i < calls; ++i) {
        if (stream) {
          copy_stream(to, from, bytes / sizeof(float));
        } else {
          std::memcpy(to, from, bytes);
        }
        asm volatile("" ::: "memory");
      }
      took.push_back((now_us() - start) / calls);
    }
    std::free(from);
    return 2 * static_cast<double>(bytes) / median(took) / 1e3;
  });
}

// One way of a hand-over of one cache line.
double line_transfer() {
  return in_two([](int me) {
    std::vector<double> took;
    std::uint32_t turn = 0;
    for (int s = 0; s < 101; ++s) {
      const double start = now_us();
      for (int i = 0; i < 1000; ++i) {
        ++turn;
        if (me == 0) {
          shared->line[0].value.store(turn, std::memory_order_release);
        }
        while (shared->line[1 - me].value.load(std::memory_order_acquire) < turn) {
        }
        if (me == 1) {
          shared->line[1].value.store(turn, std::memory_order_release);
        }
      }
      took.push_back((now_us() - start) / 2000);
    }
    return median(took);
  });
}

// A connected pair over the loopback device.
std::array<int, 2> tcp_pair() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0), out = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, generic, length) || listen(listener, 1)) {
    std::abort();
  }
  getsockname(listener, generic, &length);
  if (connect(out, generic, length)) {
    std::abort();
  }
  const std::array<int, 2> ends{out, accept(listener, nullptr, nullptr)};
  close(listener);
  const int one = 1;
  for (int fd : ends) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  return ends;
}

double tcp_round_trip(bool spin) {
  const auto ends = tcp_pair();
  return in_two([&](int me) {
    const int fd = ends[static_cast<std::size_t>(me)];
    char word[8] = {};
    const auto put = [&] {
      if (send(fd, word, sizeof word, 0) < 0) {
        std::abort();
      }
    };
    const auto get = [&] {
      while (recv(fd, word, sizeof word, spin ? MSG_DONTWAIT : 0) < 0) {
      }
    };
    std::vector<double> took;
    for (int i = 0; i < 5000; ++i) {
      const double start = now_us();
      if (me == 0) {
        put(), get();
      } else {
        get(), put();
      }
      took.push_back(now_us() - start);
    }
    return median(took);
  });
}

double tcp_stream() {
  const auto ends = tcp_pair();
  return in_two([&](int me) {
    constexpr std::size_t kBlock = 1 << 20, kBlocks = 1024;
    std::vector<char> data(kBlock);
    const double start = now_us();
    for (std::size_t left = kBlock * kBlocks; left > 0;) {
      const auto n = me == 0 ? send(ends[0], data.data(), std::min(left, kBlock), 0)
                             : recv(ends[1], data.data(), std::min(left, kBlock), 0);
      if (n <= 0) {
        std::abort();
      }
      left -= static_cast<std::size_t>(n);
    }
    return static_cast<double>(kBlock * kBlocks) / (now_us() - start) / 1e3;
  });
}

double first_touch(bool shareable) {
  constexpr std::size_t kBytes = 64 << 20, kPageBytes = 4096, kPages = kBytes / kPageBytes;
  std::vector<double> took;
  for (int r = 0; r < 5; ++r) {
    const int flags = (shareable ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS;
    auto* p =
        static_cast<volatile char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, -1, 0));
    const double start = now_us();
    for (std::size_t i = 0; i < kBytes; i += kPageBytes) {
      p[i] = 1;
    }
    took.push_back((now_us() - start) / static_cast<double>(kPages));
    munmap(const_cast<char*>(p), kBytes);
  }
  return median(took);
}

}  // namespace

int main() {
  shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (std::size_t mib : {1, 64}) {
    const std::string name = "copy " + std::to_string(mib) + " MiB, two processes, ";
    print(name + "ordinary stores", copy_rate(mib << 20, false), "GB/s");
    print(name + "non-temporal stores", copy_rate(mib << 20, true), "GB/s");
  }
  print("cache line to the other core, one way", line_transfer(), "us");
  print("TCP loopback round trip 8 B, blocking", tcp_round_trip(false), "us");
  print("TCP loopback round trip 8 B, polling", tcp_round_trip(true), "us");
  print("TCP loopback stream, one way", tcp_stream(), "GB/s");
  print("first touch of 4 KiB, private", first_touch(false), "us");
  print("first touch of 4 KiB, shared", first_touch(true), "us");
}
