#include "backends/shm/pair_exchange.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "backends/net/socket.h"
#include "core/base/bytes.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct Pair {
  Fd a;
  Fd b;
  SteadyClock clock;
  Patience patience{.deadline = clock.now() + 20 * kSecond, .clock = clock};
  // For what must not come: late at once.
  Patience none{.deadline = clock.now(), .clock = clock};
  Pair() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) == 0);
    a = Fd(fds[0]);
    b = Fd(fds[1]);
  }
};

constexpr WordPage::Word kWord{};

TEST_CASE("two ranks that read one another's word share memory", "[shm]") {
  Pair pair;
  const WordPage page_a = WordPage::create().value();
  const WordPage page_b = WordPage::create().value();
  CHECK(page_a.word() != page_b.word());
  REQUIRE(say_who(pair.a.get(), Rank{0}, page_a, pair.patience).ok());
  REQUIRE(say_who(pair.b.get(), Rank{3}, page_b, pair.patience).ok());
  const auto at_a = hear_who(pair.a.get(), 4, pair.patience);
  const auto at_b = hear_who(pair.b.get(), 4, pair.patience);
  REQUIRE(at_a.ok());
  REQUIRE(at_b.ok());
  CHECK(at_a->peer == Rank{3});
  CHECK(at_b->peer == Rank{0});
  // a's report goes first and then waits for b's.
  CHECK(compare_words(pair.a.get(), page_a, *at_a, pair.none).status().code() ==
        StatusCode::deadline_exceeded);
  const auto read = compare_words(pair.b.get(), page_b, *at_b, pair.patience);
  REQUIRE(read.ok());
  CHECK(*read == page_a.word());
}

TEST_CASE("a peer that reports another word has not read our memory", "[shm]") {
  Pair pair;
  const WordPage own = WordPage::create().value();
  const WordPage theirs = WordPage::create().value();
  REQUIRE(say_who(pair.b.get(), Rank{1}, theirs, pair.patience).ok());
  const auto peer = hear_who(pair.a.get(), 2, pair.patience);
  REQUIRE(peer.ok());
  const Bytes guess = ByteWriter().put(own.word()[0]).put(own.word()[1] ^ 1).take();
  REQUIRE(send_fds(pair.b.get(), {}, guess, pair.patience.deadline, pair.clock).ok());
  const Status status = compare_words(pair.a.get(), own, *peer, pair.patience).status();
  CHECK(status.code() == StatusCode::aborted);
  CHECK_THAT(status.message(), Catch::Contains("another word"));
}

TEST_CASE("a greeting that is none is refused", "[shm]") {
  Pair pair;
  const WordPage page = WordPage::create().value();
  SECTION("a rank that the job does not have") {
    REQUIRE(say_who(pair.b.get(), Rank{2}, page, pair.patience).ok());
  }
  SECTION("noise instead of the tag") {
    const std::array<int, 1> fds = {page.segment().memfd().get()};
    REQUIRE(send_fds(pair.b.get(), fds, Bytes(12), pair.patience.deadline, pair.clock).ok());
  }
  SECTION("no descriptor") {
    REQUIRE(send_fds(pair.b.get(), {}, Bytes(12), pair.patience.deadline, pair.clock).ok());
  }
  SECTION("cut short") {
    const std::array<int, 1> fds = {page.segment().memfd().get()};
    REQUIRE(send_fds(pair.b.get(), fds, Bytes(11), pair.patience.deadline, pair.clock).ok());
  }
  SECTION("closed") { pair.b.reset(); }
  CHECK(hear_who(pair.a.get(), 2, pair.patience).status().code() == StatusCode::aborted);
}

TEST_CASE("a page that a peer could cut is not read", "[shm]") {
  Pair pair;
  const WordPage own = WordPage::create().value();
  Fd unsealed(::memfd_create("hvd-test", MFD_CLOEXEC));
  REQUIRE(::ftruncate(unsealed.get(), kRingPageBytes) == 0);
  const PairGreeting peer{.peer = Rank{1}, .page = std::move(unsealed)};
  CHECK_THAT(compare_words(pair.a.get(), own, peer, pair.patience).status().message(),
             Catch::Contains("sealed"));
}

// What this process has taken of it; sanitizers take most.
std::size_t address_space_bytes() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_CASE("an arena that does not fit into the address space is done without", "[shm]") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Pair pair;
    const DomainLayout layout(2);
    const Segment own = Segment::create(layout.segment_bytes()).value();
    const Segment arena = Segment::create(std::size_t{4} << 30).value();
    const Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    bool right =
        hand_over(pair.a.get(), {own, arena, bell.get(), &kWord}, layout, pair.patience).ok();
    const std::size_t room = address_space_bytes() + (std::size_t{2} << 30);
    const rlimit limit{room, room};
    (void)::setrlimit(RLIMIT_AS, &limit);
    const auto taken = take_over(pair.b.get(), layout, "rank 0", pair.patience);
    right =
        right && taken.ok() && taken->segment.data() != nullptr && taken->arena.data() == nullptr;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("handed over memory is mapped and its doorbell rings", "[shm]") {
  Pair pair;
  const DomainLayout layout(2);
  const Segment own = Segment::create(layout.segment_bytes()).value();
  const Segment arena = Segment::create(3 << 12).value();
  const Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  REQUIRE(hand_over(pair.a.get(), {own, arena, bell.get(), &kWord}, layout, pair.patience).ok());
  const auto taken = take_over(pair.b.get(), layout, "rank 0", pair.patience);
  REQUIRE(taken.ok());
  own.data()[100] = std::byte{9};
  CHECK(taken->segment.data()[100] == std::byte{9});
  CHECK(taken->word_address == reinterpret_cast<std::uint64_t>(&kWord));
  CHECK((::fcntl(taken->doorbell.get(), F_GETFD) & FD_CLOEXEC) != 0);
  const std::uint64_t one = 1;
  REQUIRE(::write(taken->doorbell.get(), &one, sizeof one) == sizeof one);
  std::uint64_t rings = 0;
  REQUIRE(::read(bell.get(), &rings, sizeof rings) == sizeof rings);
  CHECK(rings == 1);
}

TEST_CASE("a doorbell that is no eventfd, or that could block whoever rings it, is refused",
          "[shm]") {
  Pair pair;
  const DomainLayout layout(2);
  const Segment own = Segment::create(layout.segment_bytes()).value();
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const Fd reading(pipe[0]);
  Fd bell;
  std::string reason;
  SECTION("an eventfd that blocks") {
    bell = Fd(::eventfd(0, EFD_CLOEXEC));
    reason = "an eventfd without O_NONBLOCK";
  }
  SECTION("one that was opened well and made to block") {
    bell = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    REQUIRE(::fcntl(bell.get(), F_SETFL, 0) == 0);
    reason = "an eventfd without O_NONBLOCK";
  }
  SECTION("a pipe") {
    bell = Fd(pipe[1]);
    reason = "is no eventfd";
  }
  SECTION("memory") {
    bell = Fd(::memfd_create("hvd-test", MFD_CLOEXEC));
    reason = "is no eventfd";
  }
  SECTION("an epoll") {
    bell = Fd(::epoll_create1(EPOLL_CLOEXEC));
    REQUIRE(::fcntl(bell.get(), F_SETFL, O_NONBLOCK) == 0);
    reason = "is no eventfd";
  }
  const int flags = ::fcntl(bell.get(), F_GETFL);
  REQUIRE(hand_over(pair.a.get(), {own, own, bell.get(), &kWord}, layout, pair.patience).ok());
  const Status status =
      take_over(pair.b.get(), layout, "rank 0 (host a, pid 1)", pair.patience).status();
  CHECK(status.code() == StatusCode::aborted);
  CHECK_THAT(status.message(), Catch::Contains("rank 0 (host a, pid 1) handed over a doorbell") &&
                                   Catch::Contains(reason));
  CHECK(::fcntl(bell.get(), F_GETFL) == flags);  // it is the peer's
}

TEST_CASE("a doorbell that is looked at does not ring", "[shm]") {
  Pair pair;
  const DomainLayout layout(2);
  const Segment own = Segment::create(layout.segment_bytes()).value();
  const Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  REQUIRE(hand_over(pair.a.get(), {own, own, bell.get(), &kWord}, layout, pair.patience).ok());
  REQUIRE(take_over(pair.b.get(), layout, "rank 0", pair.patience).ok());
  std::uint64_t rings = 0;
  CHECK(::read(bell.get(), &rings, sizeof rings) < 0);
}

TEST_CASE("memory of another layout is refused", "[shm]") {
  Pair pair;
  const DomainLayout theirs(3);
  const DomainLayout ours(2);
  const Segment segment = Segment::create(theirs.segment_bytes()).value();
  REQUIRE(hand_over(pair.a.get(), {segment, segment, segment.memfd().get(), &kWord}, theirs,
                    pair.patience)
              .ok());
  const Status status =
      take_over(pair.b.get(), ours, "rank 0 (host a, pid 1)", pair.patience).status();
  CHECK(status.code() == StatusCode::aborted);
  CHECK_THAT(status.message(), Catch::Contains("rank 0 (host a, pid 1)"));
}

}  // namespace
}  // namespace hvd
