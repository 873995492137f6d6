// launcher/terminal_input.h: carries what is typed on the terminal to rank 0, through a pipe.
// Not here: standard input that is no terminal; rank 0 inherits that as it is.
// Threads: the poller's.  Limits: at most kTypedBytesMost bytes are under way.
// Read next: front.h.
#pragma once

#include <array>
#include <cstddef>

#include "backends/net/fd.h"
#include "backends/net/poller.h"

namespace hvd {

inline constexpr std::size_t kTypedBytesMost = 4096;

// Ranks live in process groups of their own, which the terminal counts as background: reading from
// it would stop them. So the process in the foreground group reads for them.
class TerminalInput {
 public:
  TerminalInput(Poller& poller, int terminal, Fd pipe);
  ~TerminalInput();
  TerminalInput(const TerminalInput&) = delete;
  TerminalInput& operator=(const TerminalInput&) = delete;

 private:
  void listen();
  void read_terminal();
  void write_pipe();
  void end();

  Poller& poller_;
  const int terminal_;
  Fd pipe_;
  Poller::TimerId timer_ = 0;
  std::array<char, kTypedBytesMost> typed_{};
  std::size_t typed_bytes_ = 0;
};

}  // namespace hvd
