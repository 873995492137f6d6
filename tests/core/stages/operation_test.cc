#include "core/stages/operation.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a new operation is not done and its gathered memory is freed with it", "[operation]") {
  Operation operation;
  CHECK_FALSE(operation.done);
  CHECK(operation.status.ok());
  CHECK(operation.handle == 0);
  operation.gathered.reset(static_cast<std::byte*>(std::malloc(16)));  // a leak fails under ASan
  CHECK(operation.gathered != nullptr);
}

}  // namespace
}  // namespace hvd
