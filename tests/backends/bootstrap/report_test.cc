#include "backends/bootstrap/report.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a report keeps code, text and culprit", "[report]") {
  const Status status = error(StatusCode::resource, "no memory for rank 3").blame_rank(3);
  const Status back = decode_report(encode_report(status));
  CHECK(back.code() == StatusCode::resource);
  CHECK(back.message() == status.message());
  CHECK(back.culprit_rank() == 3);
  CHECK(decode_report(encode_report(ok_status())).ok());
}

TEST_CASE("bytes that are no report are an error", "[report]") {
  Bytes bytes = encode_report(error(StatusCode::aborted, "text"));
  bytes.pop_back();
  CHECK(decode_report(bytes).code() == StatusCode::internal);
  bytes = encode_report(ok_status());
  bytes[0] = std::byte{250};
  CHECK(decode_report(bytes).code() == StatusCode::internal);
  CHECK(decode_report({}).code() == StatusCode::internal);
}

TEST_CASE("the verdict blames the first rank that cannot go on", "[report]") {
  CHECK(verdict_of({}).ok());
  CHECK(verdict_of(std::vector{ok_status(), ok_status()}).ok());
  const Status verdict = verdict_of(std::vector{ok_status(), error(StatusCode::resource, "full"),
                                                ok_status(), error(StatusCode::aborted, "late")});
  CHECK(verdict.code() == StatusCode::resource);
  CHECK(verdict.culprit_rank() == 1);
  CHECK(verdict.message().find("rank 1 cannot take part") != std::string::npos);
}

}  // namespace
}  // namespace hvd
