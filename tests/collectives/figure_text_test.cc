#include "collectives/figure_text.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("bytes and times are written in the largest unit that they fill", "[figure_text]") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1024) == "1 KiB");
  CHECK(bytes_text(1.5 * 1024 * 1024) == "1.5 MiB");
  CHECK(bytes_text(5e18) == "4441 PiB");
  CHECK(time_text(2.62e-5) == "26.2 us");
  CHECK(time_text(1.5e-3) == "1.5 ms");
  CHECK(time_text(12) == "12 s");
}

}  // namespace
}  // namespace hvd
