#include "backends/net/fd.h"

#include <fcntl.h>

#include <utility>

#include "tests/catch.h"

namespace hvd {
namespace {

Fd open_null() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("a descriptor closes when its owner goes", "[fd]") {
  int number = -1;
  {
    const Fd fd = open_null();
    number = fd.get();
    REQUIRE(is_open(number));
  }
  REQUIRE_FALSE(is_open(number));
}

TEST_CASE("moving hands the descriptor over and closes the one that was there", "[fd]") {
  Fd first = open_null();
  Fd second = open_null();
  const int first_number = first.get();
  const int second_number = second.get();
  second = std::move(first);
  REQUIRE(second.get() == first_number);
  REQUIRE(is_open(first_number));
  REQUIRE_FALSE(is_open(second_number));
}

TEST_CASE("a released descriptor stays open", "[fd]") {
  int number = -1;
  {
    Fd fd = open_null();
    number = fd.release();
    REQUIRE_FALSE(fd.open());
  }
  REQUIRE(is_open(number));
  ::close(number);
}

}  // namespace hvd
