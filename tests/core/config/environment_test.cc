#include "core/config/environment.h"

#include <cstdlib>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("set and empty is a value, not set is none", "[environment]") {
  const Environment environment({{"A", "1"}, {"EMPTY", ""}});
  CHECK(environment.find("A") == "1");
  CHECK(environment.find("EMPTY") == "");
  CHECK_FALSE(environment.find("B").has_value());
  CHECK(environment.values().size() == 2);
}

TEST_CASE("a snapshot has what the process has, values with = included, and stays",
          "[environment]") {
  setenv("HVD_TEST_SNAPSHOT", "a=b=c", 1);  // NOLINT: one thread
  const Environment environment = Environment::of_process();
  unsetenv("HVD_TEST_SNAPSHOT");  // NOLINT: one thread
  CHECK(environment.find("HVD_TEST_SNAPSHOT") == "a=b=c");
}

}  // namespace
}  // namespace hvd
