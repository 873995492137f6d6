// launcher/output_relay.h: carries the ranks' output to hvdrun's, in whole lines with a prefix.
// Not here: cutting lines (line_splitter.h), writing without blocking (text_sink.h).
// Threads: the poller's.  Limits: a slow reader stops the ranks' writes, not hvdrun.
// Read next: text_sink.h.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/net/fd.h"
#include "backends/net/poller.h"
#include "core/base/status.h"
#include "launcher/last_lines.h"
#include "launcher/line_splitter.h"
#include "launcher/text_sink.h"

namespace hvd {

enum class Stream { out = 0, err = 1 };

// "[1]<stdout>:", the form that Horovod's launcher prints.
std::string line_prefix(int rank, Stream stream);
// FOLDER/rank.N; N is padded with zeros to the width of the last rank, as Horovod does.
std::string rank_folder(const std::string& folder, int rank, int rank_count);

struct RelayOptions {
  bool prefix = true;
  std::string folder = "";  // "" for no files
  int rank_count = 1;
};

class OutputRelay {
 public:
  OutputRelay(Poller& poller, TextSink& out, TextSink& err, RelayOptions options);
  ~OutputRelay();
  OutputRelay(const OutputRelay&) = delete;
  OutputRelay& operator=(const OutputRelay&) = delete;

  // Makes the rank's folder and files, where wanted, and starts to read. Ranks come in order.
  Status add(int rank, Fd out, Fd err);
  // Every pipe has reached its end, so all that the ranks wrote has been handed on.
  bool finished() const;
  // Reads what is there without waiting, then closes: for pipes that somebody outside still holds.
  void close_all();
  const LastLines& last_lines(int rank) const {
    return *last_lines_[static_cast<std::size_t>(rank)];
  }

 private:
  struct Channel {
    int rank;
    Stream stream;
    TextSink* sink;
    Fd pipe;
    Fd file;
    LineSplitter splitter;
    bool watched = false;
    Poller::TimerId show_timer = 0;  // of a line that is not finished, on a terminal
  };
  Status add_channel(int rank, Stream stream, Fd pipe);
  Status open_files(Channel& channel);
  void watch(Channel& channel);
  void unwatch(Channel& channel);
  void read_once(Channel& channel);
  void take(Channel& channel, std::string_view bytes);
  void end(Channel& channel);
  void add_piece(Channel& channel, std::string_view piece, bool stays_open = false);
  void write_file(Channel& channel, std::string_view bytes);
  void resume();
  void show_unfinished(Channel& channel);

  Poller& poller_;
  TextSink& out_;
  TextSink& err_;
  const RelayOptions options_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::unique_ptr<LastLines>> last_lines_;
  const Channel* open_line_ = nullptr;  // whose unfinished line stands on the terminal
  std::string batch_;                   // pieces of one read, written in one go
};

}  // namespace hvd
