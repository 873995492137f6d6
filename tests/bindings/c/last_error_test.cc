#include "bindings/c/last_error.h"

#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("each thread has its own last failure and success keeps it", "[last_error]") {
  const Status failure = error(StatusCode::mismatch, "shapes differ").about_tensor("x");
  CHECK(report(failure) == HVD_ERROR_MISMATCH);
  CHECK(report(ok_status()) == HVD_OK);
  CHECK(last_error().message() == "shapes differ");
  std::string elsewhere = "not read";
  Thread("other", [&elsewhere] { elsewhere = last_error().message(); }).join();
  CHECK(elsewhere.empty());
  CHECK(last_error().tensor() == "x");
}

}  // namespace
}  // namespace hvd
