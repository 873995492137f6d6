#include "core/vocabulary/work_item.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("an item has the elements of all its segments", "[work_item]") {
  WorkItem item;
  CHECK(item.element_count() == 0);
  item.segments = {{nullptr, nullptr, 3}, {nullptr, nullptr, 0}, {nullptr, nullptr, 4}};
  CHECK(item.element_count() == 7);
}

}  // namespace
}  // namespace hvd
