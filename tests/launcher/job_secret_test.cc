#include "launcher/job_secret.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the secret is read from its descriptor any number of times", "[job_secret]") {
  const Secret secret = Secret::random();
  const Result<Fd> fd = make_secret_fd(secret);
  REQUIRE(fd.ok());
  for (int i = 0; i < 3; ++i) {
    const Result<Secret> read = Secret::from_descriptor(fd->get());
    REQUIRE(read.ok());
    CHECK(read->bytes() == secret.bytes());
  }
}

TEST_CASE("nobody can change the secret, and exec does not inherit it unasked", "[job_secret]") {
  const Result<Fd> fd = make_secret_fd(Secret::random());
  REQUIRE(fd.ok());
  CHECK(::pwrite(fd->get(), "x", 1, 0) == -1);
  CHECK(::ftruncate(fd->get(), 0) == -1);
  CHECK(::fcntl(fd->get(), F_GETFD) == FD_CLOEXEC);
  CHECK(fd->get() >= 200);
}

}  // namespace
}  // namespace hvd
