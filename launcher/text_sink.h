// launcher/text_sink.h: writes to a descriptor that hvdrun was given, without ever blocking on it.
// Not here: what is written (output_relay.h).
// Threads: the poller's.  Limits: full above kSinkBytesMost queued bytes; callers then stop
// reading. Read next: output_relay.h.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "backends/net/fd.h"
#include "backends/net/poller.h"

namespace hvd {

inline constexpr std::size_t kSinkBytesMost = 1 << 20;

class TextSink {
 public:
  // `fd` stays open and keeps its flags: other processes share them.
  TextSink(Poller& poller, int fd);
  ~TextSink();
  TextSink(const TextSink&) = delete;
  TextSink& operator=(const TextSink&) = delete;

  void write(std::string_view text);
  // Called each time the queue has become short again after it was full.
  void when_roomy(std::function<void()> action) { when_roomy_.push_back(std::move(action)); }
  bool full() const { return queued_bytes() > kSinkBytesMost; }
  bool drained() const { return queued_bytes() == 0; }
  // The reader went away, or the disk is full; everything is dropped from then on.
  bool broken() const { return broken_; }
  bool is_terminal() const { return is_terminal_; }

 private:
  enum class Way { blocking, nonblocking, socket, careful };
  std::size_t queued_bytes() const { return queue_.size() - written_; }
  long write_some(std::string_view text);
  void flush();
  void watch_for_room();

  Poller& poller_;
  const int fd_;
  Fd reopened_;  // the same pipe or terminal through a description of our own, non-blocking
  Way way_ = Way::blocking;
  bool is_terminal_ = false;
  bool broken_ = false;
  bool watching_ = false;
  std::string queue_;
  std::size_t written_ = 0;  // of queue_
  std::vector<std::function<void()>> when_roomy_;
};

// True if both are the same file, so that one sink keeps the lines of both whole.
bool same_file(int fd, int other_fd);

}  // namespace hvd
