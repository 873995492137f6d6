#include "backends/shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::size_t kBytes = 8192;

Fd duplicate(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

TEST_CASE("two mappings of a segment are the same memory, zero at first", "[shm]") {
  const Result<Segment> own = Segment::create(kBytes);
  REQUIRE(own.ok());
  const Result<Segment> peer = Segment::map_peer(own->memfd(), kBytes, "rank 1");
  REQUIRE(peer.ok());
  CHECK(own->data() != peer->data());
  CHECK(own->data()[kBytes - 1] == std::byte{0});
  own->data()[17] = std::byte{5};
  CHECK(peer->data()[17] == std::byte{5});
}

TEST_CASE("the mapping stays when the descriptor and the other mapping are gone", "[shm]") {
  Result<Segment> own = Segment::create(kBytes);
  REQUIRE(own.ok());
  Segment peer = std::move(Segment::map_peer(own->memfd(), kBytes, "rank 1")).value();
  own->data()[0] = std::byte{7};
  own->close_memfd();
  CHECK_FALSE(own->memfd().open());
  *own = Segment();
  CHECK(peer.data()[0] == std::byte{7});
  const Segment moved = std::move(peer);
  CHECK(moved.data()[0] == std::byte{7});
  CHECK(moved.size() == kBytes);
}

TEST_CASE("nobody can cut or extend a segment, and it closes on exec", "[shm]") {
  const Result<Segment> own = Segment::create(kBytes);
  REQUIRE(own.ok());
  CHECK(::ftruncate(own->memfd().get(), 4096) != 0);
  CHECK(::ftruncate(own->memfd().get(), 2 * kBytes) != 0);
  CHECK((::fcntl(own->memfd().get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("memory that a peer could cut under its reader is refused", "[shm]") {
  Fd unsealed(::memfd_create("hvd-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(unsealed.get(), kBytes) == 0);
  const Result<Segment> segment = Segment::map_peer(unsealed, kBytes, "rank 2 (host a, pid 7)");
  REQUIRE_FALSE(segment.ok());
  CHECK_THAT(segment.status().message(),
             Catch::Contains("rank 2 (host a, pid 7)") && Catch::Contains("sealed"));
}

TEST_CASE("a descriptor that is no shared memory is refused", "[shm]") {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK_FALSE(Segment::map_peer(null, kBytes, "rank 2").ok());
  CHECK_FALSE(Segment::map_peer(Fd(), kBytes, "rank 2").ok());
}

TEST_CASE("a segment of another size is refused and both sizes are named", "[shm]") {
  const Result<Segment> own = Segment::create(kBytes);
  REQUIRE(own.ok());
  for (const std::size_t bytes : {kBytes / 2, 2 * kBytes}) {
    const Result<Segment> peer = Segment::map_peer(duplicate(own->memfd()), bytes, "rank 2");
    REQUIRE_FALSE(peer.ok());
    CHECK_THAT(peer.status().message(), Catch::Contains("8192") && Catch::Contains(str(bytes)));
  }
}

TEST_CASE("memory that cannot be had is an error that names the limits", "[shm]") {
  const Result<Segment> huge = Segment::create(std::size_t{1} << 62);
  REQUIRE_FALSE(huge.ok());
  CHECK(huge.status().code() == StatusCode::resource);
  CHECK_THAT(huge.status().message(),
             Catch::Contains("4611686018427387904 bytes") && Catch::Contains("RLIMIT_AS") &&
                 Catch::Contains("control group") && Catch::Contains("HVD_ARENA_BYTES"));
}

TEST_CASE("a file size limit is an error that names it, not the end of the process", "[shm]") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit{4096, 4096};
    (void)::setrlimit(RLIMIT_FSIZE, &limit);
    const Result<Segment> refused = Segment::create(kBytes);
    const bool as_it_should =
        refused.status().code() == StatusCode::resource &&
        refused.status().message().find("RLIMIT_FSIZE 4096") != std::string::npos;
    ::_exit(as_it_should ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("memory of one rank alone is zeroed and has no descriptor", "[shm]") {
  const Segment segment = Segment::create_unshared(100'000).value();
  CHECK(segment.size() == 100'000);
  CHECK_FALSE(segment.memfd().open());
  CHECK(std::all_of(segment.data(), segment.data() + segment.size(),
                    [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST_CASE("room is checked for without keeping anything", "[shm]") {
  CHECK(Segment::check_room(1 << 20, 0).ok());
  CHECK(Segment::check_room(1 << 20, 3 << 20).ok());
  const Status own = Segment::check_room(std::size_t{1} << 62, 0);
  CHECK(own.code() == StatusCode::resource);
  const Status peers = Segment::check_room(1 << 20, std::size_t{1} << 62);
  CHECK(peers.code() == StatusCode::resource);
  CHECK_THAT(peers.message(), Catch::Contains("RLIMIT_AS"));
}

}  // namespace
}  // namespace hvd
