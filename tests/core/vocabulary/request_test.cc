#include "core/vocabulary/request.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a request that nobody filled scales nothing and never expires", "[request]") {
  const Request request;
  CHECK(request.prescale == 1.0);
  CHECK(request.postscale == 1.0);
  CHECK(request.deadline == 0);
  CHECK(request.root == kRoot);
  CHECK(request.output == nullptr);
}

}  // namespace
}  // namespace hvd
