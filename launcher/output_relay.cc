#include "launcher/output_relay.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "backends/net/os_error.h"
#include "core/base/str.h"

namespace hvd {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
// A line that has not come to its end by then is a prompt; whoever sits at the terminal must see
// it.
constexpr Nanos kPromptTime = 150 * kMillisecond;

std::string_view stream_name(Stream stream) { return stream == Stream::out ? "stdout" : "stderr"; }

}  // namespace

std::string line_prefix(int rank, Stream stream) {
  return str("[", rank, "]<", stream_name(stream), ">:");
}

std::string rank_folder(const std::string& folder, int rank, int rank_count) {
  const std::string last = str(rank_count - 1);
  std::string number = str(rank);
  number.insert(0, last.size() - number.size(), '0');
  return str(folder, "/rank.", number);
}

OutputRelay::OutputRelay(Poller& poller, TextSink& out, TextSink& err, RelayOptions options)
    : poller_(poller), out_(out), err_(err), options_(std::move(options)) {
  out_.when_roomy([this] { resume(); });
  if (&err_ != &out_) {
    err_.when_roomy([this] { resume(); });
  }
}

OutputRelay::~OutputRelay() {
  for (const auto& channel : channels_) {
    unwatch(*channel);
    poller_.cancel(channel->show_timer);
  }
}

Status OutputRelay::add(int rank, Fd out, Fd err) {
  last_lines_.push_back(std::make_unique<LastLines>());
  HVD_TRY(add_channel(rank, Stream::out, std::move(out)));
  return add_channel(rank, Stream::err, std::move(err));
}

Status OutputRelay::add_channel(int rank, Stream stream, Fd pipe) {
  TextSink& sink = stream == Stream::out ? out_ : err_;
  channels_.push_back(
      std::unique_ptr<Channel>(new Channel{.rank = rank,
                                           .stream = stream,
                                           .sink = &sink,
                                           .pipe = std::move(pipe),
                                           .file = Fd(),
                                           .splitter = LineSplitter(sink.is_terminal())}));
  Channel& channel = *channels_.back();
  if (!options_.folder.empty()) {
    HVD_TRY(open_files(channel), "--output-filename ", options_.folder);
  }
  (void)::fcntl(channel.pipe.get(), F_SETFL, O_NONBLOCK);
  watch(channel);
  return ok_status();
}

Status OutputRelay::open_files(Channel& channel) {
  const std::string folder = rank_folder(options_.folder, channel.rank, options_.rank_count);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    return os_error(StatusCode::invalid_argument, str("making the folder ", folder),
                    problem.value());
  }
  const std::string path = str(folder, "/", stream_name(channel.stream));
  channel.file =
      Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644));
  if (!channel.file.open()) {
    return os_error(StatusCode::invalid_argument, str("opening ", path), errno);
  }
  return ok_status();
}

void OutputRelay::watch(Channel& channel) {
  if (channel.watched || !channel.pipe.open()) {
    return;
  }
  channel.watched = poller_
                        .watch(channel.pipe.get(), EPOLLIN,
                               [this, &channel](std::uint32_t) { read_once(channel); })
                        .ok();
}

// Not change(fd, 0): the hang-up of a pipe whose writers are gone is reported whatever one asks
// for.
void OutputRelay::unwatch(Channel& channel) {
  if (channel.watched) {
    poller_.forget(channel.pipe.get());
    channel.watched = false;
  }
}

void OutputRelay::read_once(Channel& channel) {
  std::array<char, kReadBytes> buffer;  // NOLINT: filled by read
  const ssize_t count = ::read(channel.pipe.get(), buffer.data(), buffer.size());
  if (count > 0) {
    take(channel, {buffer.data(), static_cast<std::size_t>(count)});
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    end(channel);
    return;
  }
  if (channel.sink->full()) {
    for (const auto& other : channels_) {
      if (other->sink == channel.sink) {
        unwatch(*other);
      }
    }
  }
}

void OutputRelay::take(Channel& channel, std::string_view bytes) {
  write_file(channel, bytes);
  batch_.clear();
  channel.splitter.feed(bytes, [&](std::string_view piece) { add_piece(channel, piece); });
  channel.sink->write(batch_);
  if (channel.sink->is_terminal() && channel.splitter.holds_rest() && channel.show_timer == 0) {
    channel.show_timer = poller_.call_at(poller_.clock().now() + kPromptTime,
                                         [this, &channel] { show_unfinished(channel); });
  }
  // As without a launcher: who writes to a reader that went away gets SIGPIPE. Files go on.
  if (channel.sink->broken() && !channel.file.open()) {
    end(channel);
  }
}

void OutputRelay::show_unfinished(Channel& channel) {
  channel.show_timer = 0;
  batch_.clear();
  channel.splitter.finish([&](std::string_view piece) { add_piece(channel, piece, true); });
  channel.sink->write(batch_);
}

void OutputRelay::end(Channel& channel) {
  poller_.cancel(channel.show_timer);
  batch_.clear();
  channel.splitter.finish([&](std::string_view piece) { add_piece(channel, piece); });
  if (open_line_ == &channel) {  // a prompt was its last word
    batch_ += '\n';
    open_line_ = nullptr;
  }
  channel.sink->write(batch_);
  unwatch(channel);
  channel.pipe.reset();
  channel.file.reset();
}

// `stays_open`: the rest of the line follows in a later piece, right behind this one if no other
// rank writes in between.
void OutputRelay::add_piece(Channel& channel, std::string_view piece, bool stays_open) {
  last_lines_[static_cast<std::size_t>(channel.rank)]->add(piece);
  if (!options_.prefix) {
    batch_ += piece;
    return;
  }
  const bool line_stands = open_line_ != nullptr && open_line_->sink == channel.sink;
  const bool continues = open_line_ == &channel;
  if (piece == "\r" && !continues) {
    return;  // a bar goes back to the start of the line; so does each line of ours
  }
  if (!continues) {
    if (line_stands) {
      batch_ += '\n';
    }
    batch_ += line_prefix(channel.rank, channel.stream);
  }
  batch_ += piece;
  const bool finished = piece.back() == '\n' || piece.back() == '\r';
  if (!finished && !stays_open) {
    batch_ += '\n';  // the next line may be another rank's
  }
  if (!finished && stays_open) {
    open_line_ = &channel;
  } else if (line_stands) {
    open_line_ = nullptr;
  }
}

void OutputRelay::write_file(Channel& channel, std::string_view bytes) {
  while (channel.file.open() && !bytes.empty()) {
    const ssize_t count = ::write(channel.file.get(), bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      err_.write(str("hvdrun: the file with ", stream_name(channel.stream), " of rank ",
                     channel.rank, " is incomplete: ", os_reason(errno), "\n"));
      channel.file.reset();
    }
  }
}

void OutputRelay::resume() {
  for (const auto& channel : channels_) {
    if (!channel->sink->full()) {
      watch(*channel);
    }
  }
}

bool OutputRelay::finished() const {
  for (const auto& channel : channels_) {
    if (channel->pipe.open()) {
      return false;
    }
  }
  return true;
}

void OutputRelay::close_all() {
  for (const auto& channel : channels_) {
    std::array<char, kReadBytes> buffer;  // NOLINT: filled by read
    while (channel->pipe.open()) {
      const ssize_t count = ::read(channel->pipe.get(), buffer.data(), buffer.size());
      if (count <= 0 || channel->sink->full()) {
        end(*channel);
        break;
      }
      take(*channel, {buffer.data(), static_cast<std::size_t>(count)});
    }
  }
}

}  // namespace hvd
