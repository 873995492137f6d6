#include "collectives/schedule.h"

#include <type_traits>

#include "tests/catch.h"

namespace hvd {
namespace {

// Tests compare ops as bytes, and a list of them is streamed.
static_assert(std::has_unique_object_representations_v<Op>, "an op has no padding");
static_assert(std::is_trivially_copyable_v<Op>);

TEST_CASE("an op that nobody filled in names nothing", "[schedule]") {
  const Op op;
  CHECK(op.peer == -1);
  CHECK(op.dst == BufferKind::none);
  CHECK(op.src == BufferKind::none);
  CHECK(op.count == 0);
  CHECK(op.flags == 0);
}

TEST_CASE("flags can be told apart in any combination", "[schedule]") {
  CHECK((kReverseOperands & kScalePre) == 0);
  CHECK((kReverseOperands & kScalePost) == 0);
  CHECK((kScalePre & kScalePost) == 0);
}

}  // namespace
}  // namespace hvd
