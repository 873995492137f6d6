#include "core/stages/operation.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a new operation is not done and the memory of its result is freed with it",
          "[operation]") {
  Operation operation;
  CHECK_FALSE(operation.done);
  CHECK(operation.status.ok());
  CHECK(operation.handle == 0);
  operation.result.reset(static_cast<std::byte*>(std::malloc(16)));  // a leak fails under ASan
  CHECK(operation.result != nullptr);
}

}  // namespace
}  // namespace hvd
