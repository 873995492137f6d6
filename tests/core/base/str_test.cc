#include "core/base/str.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("values of any printable kind join into one text", "[str]") {
  CHECK(str("rank ", 2, " of ", std::size_t{4}, ": ", std::string("a"), ' ', 1.5) ==
        "rank 2 of 4: a 1.5");
}

}  // namespace
}  // namespace hvd
