#include "launcher/output_relay.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

#include "backends/bootstrap/cores.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// Two files stand for hvdrun's standard output and error.
struct World {
  SteadyClock clock;
  std::unique_ptr<Poller> poller = std::move(Poller::create(clock)).value();
  Fd out_file{::memfd_create("out", MFD_CLOEXEC)};
  Fd err_file{::memfd_create("err", MFD_CLOEXEC)};
  TextSink out{*poller, out_file.get()};
  TextSink err{*poller, err_file.get()};

  static std::string content(const Fd& file) {
    return read_text_file(str("/proc/self/fd/", file.get()));
  }
  void run_until_finished(OutputRelay& relay) {
    while (!relay.finished()) {
      REQUIRE(poller->run_once(kSecond).ok());
    }
  }
};

struct Pipes {
  Fd out, err;  // write ends
};

Pipes add_rank(OutputRelay& relay, int rank) {
  int out[2];
  int err[2];
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
  REQUIRE(relay.add(rank, Fd(out[0]), Fd(err[0])).ok());
  return {Fd(out[1]), Fd(err[1])};
}

void write_text(const Fd& fd, std::string_view text) {
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

TEST_CASE("lines of ranks come whole with Horovod's prefix on their own stream", "[output_relay]") {
  World world;
  OutputRelay relay(*world.poller, world.out, world.err, {.rank_count = 2});
  Pipes zero = add_rank(relay, 0);
  Pipes one = add_rank(relay, 1);
  write_text(zero.out, "torn ");
  REQUIRE(world.poller->run_once(kSecond).ok());
  write_text(one.out, "whole\n");
  write_text(one.err, "problem\n");
  REQUIRE(world.poller->run_once(kSecond).ok());
  write_text(zero.out, "line\nlast");
  zero = Pipes();
  one = Pipes();
  world.run_until_finished(relay);
  CHECK(World::content(world.out_file) ==
        "[1]<stdout>:whole\n[0]<stdout>:torn line\n[0]<stdout>:last\n");
  CHECK(World::content(world.err_file) == "[1]<stderr>:problem\n");
  CHECK(relay.last_lines(0).lines() == std::deque<std::string>{"torn line", "last"});
  CHECK(relay.last_lines(1).lines().size() == 2);
}

TEST_CASE("without prefix every byte passes as it is", "[output_relay]") {
  World world;
  OutputRelay relay(*world.poller, world.out, world.err, {.prefix = false});
  Pipes pipes = add_rank(relay, 0);
  std::string bytes;
  for (int i = 0; i < 50000; ++i) {
    bytes += static_cast<char>(i % 256);
  }
  write_text(pipes.out, bytes);
  pipes = Pipes();
  world.run_until_finished(relay);
  CHECK(World::content(world.out_file) == bytes);
}

TEST_CASE("each rank's output is also kept in its files, unchanged", "[output_relay]") {
  std::string folder = (std::filesystem::temp_directory_path() / "hvd-relay-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  World world;
  {
    OutputRelay relay(*world.poller, world.out, world.err,
                      {.folder = folder + "/logs", .rank_count = 1});
    Pipes pipes = add_rank(relay, 0);
    write_text(pipes.out, std::string("a\r\0b", 4));
    write_text(pipes.err, "e\n");
    pipes = Pipes();
    world.run_until_finished(relay);
  }
  CHECK(read_text_file(folder + "/logs/rank.0/stdout") == std::string("a\r\0b", 4));
  CHECK(read_text_file(folder + "/logs/rank.0/stderr") == "e\n");
  std::filesystem::remove_all(folder);
}

TEST_CASE("folders of ranks sort by rank", "[output_relay]") {
  CHECK(rank_folder("logs", 3, 10) == "logs/rank.3");
  CHECK(rank_folder("logs", 3, 11) == "logs/rank.03");
  CHECK(line_prefix(12, Stream::err) == "[12]<stderr>:");
}

TEST_CASE("a folder that cannot be made is a reason", "[output_relay]") {
  World world;
  OutputRelay relay(*world.poller, world.out, world.err, {.folder = "/proc/nothing"});
  int out[2];
  int err[2];
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
  const Fd out_writer(out[1]);
  const Fd err_writer(err[1]);
  const Status status = relay.add(0, Fd(out[0]), Fd(err[0]));
  REQUIRE(!status.ok());
  CHECK(status.message().find("--output-filename /proc/nothing") != std::string::npos);
}

TEST_CASE("a slow reader stops the reading and nothing is lost", "[output_relay]") {
  World world;
  int slow[2];
  REQUIRE(::pipe2(slow, O_CLOEXEC) == 0);
  const Fd slow_reader(slow[0]);
  const Fd slow_writer(slow[1]);
  TextSink sink(*world.poller, slow_writer.get());
  OutputRelay relay(*world.poller, sink, world.err, {.prefix = false});
  Pipes pipes = add_rank(relay, 0);
  (void)::fcntl(pipes.out.get(), F_SETFL, O_NONBLOCK);
  const std::string line(999, 'x');
  const std::string chunk = line + "\n";
  std::size_t sent = 0;
  // The rank writes until nothing moves any more: everybody's buffers are full.
  for (int idle = 0; idle < 3;) {
    const ssize_t count = ::write(pipes.out.get(), chunk.data(), chunk.size());
    idle = count > 0 ? 0 : idle + 1;
    sent += count > 0 ? static_cast<std::size_t>(count) : 0;
    REQUIRE(sent < 8 * kSinkBytesMost);
    REQUIRE(world.poller->run_once(0).ok());
  }
  CHECK(sink.full());
  pipes = Pipes();
  (void)::fcntl(slow_reader.get(), F_SETFL, O_NONBLOCK);
  std::size_t received = 0;
  char buffer[65536];
  while (received < sent) {
    const ssize_t count = ::read(slow_reader.get(), buffer, sizeof buffer);
    received += count > 0 ? static_cast<std::size_t>(count) : 0;
    REQUIRE(world.poller->run_once(kMillisecond).ok());
  }
  CHECK(received == sent);
  world.run_until_finished(relay);
}

TEST_CASE("a reader that went away closes the rank's pipe, so the rank gets SIGPIPE",
          "[output_relay]") {
  ::signal(SIGPIPE, SIG_IGN);
  World world;
  int gone[2];
  REQUIRE(::pipe2(gone, O_CLOEXEC) == 0);
  Fd gone_reader(gone[0]);
  const Fd gone_writer(gone[1]);
  TextSink sink(*world.poller, gone_writer.get());
  OutputRelay relay(*world.poller, sink, world.err, {});
  const Pipes pipes = add_rank(relay, 0);
  gone_reader.reset();
  write_text(pipes.out, "one\n");
  REQUIRE(world.poller->run_once(kSecond).ok());
  CHECK(::write(pipes.out.get(), "two\n", 4) == -1);
  ::signal(SIGPIPE, SIG_DFL);
}

}  // namespace
}  // namespace hvd
