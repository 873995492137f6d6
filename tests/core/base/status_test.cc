#include "core/base/status.h"

#include <type_traits>

#include "tests/catch.h"

namespace hvd {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) {
    return error(StatusCode::invalid_argument, value, " is odd");
  }
  return value / 2;
}

Result<int> quarter(int value) {
  HVD_ASSIGN(const int halved, half(value), "first half");
  HVD_ASSIGN(const int result, half(halved), "second half of ", value);
  return result;
}

TEST_CASE("a result carries the value or the reason with its context", "[status]") {
  CHECK(quarter(8).value() == 2);
  CHECK(quarter(6).status().message() == "second half of 6: 3 is odd");
  CHECK(quarter(6).status().code() == StatusCode::invalid_argument);
}

Status try_of_a_temporary() {
  HVD_TRY(half(5).status(), "while trying");
  return ok_status();
}

TEST_CASE("a status that is tried outlives the result that it was taken from", "[status]") {
  STATIC_REQUIRE(std::is_same_v<decltype(half(5).status()), Status>);
  CHECK(try_of_a_temporary().message() == "while trying: 5 is odd");
}

TEST_CASE("a status keeps tensor and culprit when context is added", "[status]") {
  const Status status = error(StatusCode::mismatch, "shapes differ")
                            .about_tensor("grad/fc")
                            .blame_rank(3)
                            .in_context("allreduce");
  CHECK(status.tensor() == "grad/fc");
  CHECK(status.culprit_rank() == 3);
  CHECK(status.message() == "allreduce: shapes differ");
  CHECK(ok_status().culprit_rank() == -1);
  CHECK(ok_status().message().empty());
}

TEST_CASE("every code has a name", "[status]") {
  for (int code = 0; code <= static_cast<int>(StatusCode::internal); ++code) {
    CHECK(status_code_name(static_cast<StatusCode>(code)) != "unknown");
  }
}

}  // namespace
}  // namespace hvd
