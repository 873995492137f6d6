#include "launcher/text_sink.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"

namespace hvd {
namespace {

struct World {
  SteadyClock clock;
  std::unique_ptr<Poller> poller = std::move(Poller::create(clock)).value();
  World() { ::signal(SIGPIPE, SIG_IGN); }
  ~World() { ::signal(SIGPIPE, SIG_DFL); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
};

// Reads until `bytes` have come, running the poller in between.
std::string read_all(World& world, int fd, std::size_t bytes) {
  (void)::fcntl(fd, F_SETFL, O_NONBLOCK);
  std::string text;
  char buffer[65536];
  while (text.size() < bytes) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count > 0) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
    REQUIRE(world.poller->run_once(kMillisecond).ok());
  }
  return text;
}

std::string much_text() {
  std::string text;
  while (text.size() < 3 * kSinkBytesMost) {
    text += str("line ", text.size(), "\n");
  }
  return text;
}

TEST_CASE("a reader that does not read blocks nothing and loses nothing", "[text_sink]") {
  for (const bool is_socket : {false, true}) {
    World world;
    int ends[2];
    if (is_socket) {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    } else {
      REQUIRE(::pipe(ends) == 0);
    }
    const Fd reader(ends[0]);
    const Fd writer(ends[1]);
    TextSink sink(*world.poller, writer.get());
    int roomy = 0;
    sink.when_roomy([&] { ++roomy; });
    const std::string text = much_text();
    sink.write(text);  // would block for ever
    CHECK(sink.full());
    CHECK(roomy == 0);
    CHECK(read_all(world, reader.get(), text.size()) == text);
    CHECK(sink.drained());
    CHECK(roomy == 1);
    // The description that others share stays as it was.
    CHECK((::fcntl(writer.get(), F_GETFL) & O_NONBLOCK) == 0);
  }
}

TEST_CASE("a reader that went away is noticed and everything is dropped", "[text_sink]") {
  World world;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Fd reader(ends[0]);
  const Fd writer(ends[1]);
  TextSink sink(*world.poller, writer.get());
  reader.reset();
  sink.write("hello\n");
  CHECK(sink.broken());
  CHECK(sink.drained());
  sink.write("more\n");
  CHECK(sink.drained());
}

TEST_CASE("a regular file takes everything at once at its own offset", "[text_sink]") {
  World world;
  const Fd file(::memfd_create("text", MFD_CLOEXEC));
  REQUIRE(::write(file.get(), "before ", 7) == 7);
  TextSink sink(*world.poller, file.get());
  sink.write("after");
  CHECK(sink.drained());
  char buffer[20] = {};
  REQUIRE(::pread(file.get(), buffer, sizeof buffer, 0) == 12);
  CHECK(std::string(buffer) == "before after");
}

TEST_CASE("the same pipe under two numbers is recognised", "[text_sink]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const Fd again(::dup(writer.get()));
  CHECK(same_file(writer.get(), again.get()));
  int others[2];
  REQUIRE(::pipe(others) == 0);
  const Fd other_reader(others[0]);
  const Fd other_writer(others[1]);
  CHECK(!same_file(writer.get(), other_writer.get()));
}

}  // namespace
}  // namespace hvd
