// die_at: preloaded into a rank; ends it at its DIE_AT_CALLth call of a socket function, before the
// call is made, with SIGKILL or the signal DIE_AT_SIGNAL. So a rank can be made to die at each step
// of joining a job. Without DIE_AT_CALL it only counts.

#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>

namespace {

std::atomic<long> call_count{0};

long setting(const char* name, long otherwise) {
  const char* text = ::getenv(name);  // NOLINT: nobody writes the environment of a test's rank
  return text == nullptr ? otherwise : std::atol(text);
}

void count_call() {
  static const long last = setting("DIE_AT_CALL", -1);
  static const long signal = setting("DIE_AT_SIGNAL", SIGKILL);
  if (call_count.fetch_add(1) + 1 == last) {
    (void)::raise(static_cast<int>(signal));
  }
}

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

#define HVD_COUNTED(result, name, parameters, arguments)          \
  __attribute__((visibility("default"))) result name parameters { \
    static const auto call = real<decltype(&(name))>(#name);      \
    count_call();                                                 \
    return call arguments;                                        \
  }

extern "C" {
HVD_COUNTED(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
HVD_COUNTED(int, connect, (int fd, const sockaddr* addr, socklen_t len), (fd, addr, len))
HVD_COUNTED(int, accept4, (int fd, sockaddr* addr, socklen_t* addr_len, int flags),
            (fd, addr, addr_len, flags))
HVD_COUNTED(ssize_t, send, (int fd, const void* buf, size_t n, int flags), (fd, buf, n, flags))
HVD_COUNTED(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
HVD_COUNTED(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
}
