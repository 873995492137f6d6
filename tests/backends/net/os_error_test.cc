#include "backends/net/os_error.h"

#include <cerrno>

#include "tests/catch.h"

namespace hvd {

TEST_CASE("a failed call is told in lower-case words with its number", "[os_error]") {
  const Status status = os_error(StatusCode::aborted, "sending", ECONNREFUSED);
  REQUIRE(status.code() == StatusCode::aborted);
  REQUIRE(status.message() == "sending: connection refused (errno 111)");
}

}  // namespace hvd
