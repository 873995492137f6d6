#include "backends/net/no_memory.h"

#include <cerrno>

#include "tests/catch.h"

namespace hvd {

TEST_CASE("memory that cannot be had is told with every limit that may be why, and what to do",
          "[no_memory]") {
  const Status status = no_memory("taking", 4096, "scratch", ENOMEM, "take less");
  CHECK(status.code() == StatusCode::resource);
  const std::string& text = status.message();
  CHECK(text.find("taking 4096 bytes of scratch: cannot allocate memory (errno 12)") == 0);
  for (const char* part :
       {"RLIMIT_AS ", "RLIMIT_DATA ", "RLIMIT_FSIZE ", "control group", "or take less"}) {
    CHECK_THAT(text, Catch::Contains(part));
  }
}

TEST_CASE("bytes that there are not enough of are none", "[no_memory]") {
  CHECK(try_bytes(std::size_t{1} << 60) == nullptr);
  const auto bytes = try_bytes(100);
  REQUIRE(bytes != nullptr);
  bytes[99] = std::byte{1};
  CHECK(try_bytes(0) != nullptr);
}

}  // namespace hvd
