#include "core/base/thread_role.h"

#include "tests/catch.h"

namespace hvd {
namespace {

// Compiles under clang's -Werror=thread-safety only because the role is asserted before the value
// is touched; with gcc the annotations are empty.
class Owner {
 public:
  int bump() {
    role_.assert_held();
    return ++value_;
  }

 private:
  ThreadRole role_;
  int value_ HVD_GUARDED_BY(role_) = 0;
};

TEST_CASE("what a role guards is reachable once the role is asserted", "[thread_role]") {
  Owner owner;
  CHECK(owner.bump() == 1);
  CHECK(owner.bump() == 2);
}

}  // namespace
}  // namespace hvd
