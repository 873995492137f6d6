#include "core/base/reused_map.h"

#include <rapidcheck.h>

#include <map>
#include <string>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a map with spare nodes holds what one without would", "[reused_map]") {
  CHECK(rc::check([](const std::vector<int>& steps) {
    ReusedMap<int, int> map;
    std::map<int, int> model;
    int value = 0;
    for (const int step : steps) {
      const int key = step % 5;
      if (step % 2 == 0) {
        const auto [at, is_new] = map.insert(key);
        RC_ASSERT(is_new == model.emplace(key, value).second);
        RC_ASSERT(at->first == key);
        at->second = is_new ? value++ : at->second;
      } else if (const auto at = map.find(key); at != map.end()) {
        map.erase(at);
        model.erase(key);
      }
      RC_ASSERT(map.size() == model.size());
      RC_ASSERT((std::map<int, int>(map.begin(), map.end()) == model));
    }
    map.clear();
    RC_ASSERT(map.empty());
  }));
}

TEST_CASE("a key that comes again finds the memory of one that went", "[reused_map]") {
  const std::string long_name = "a name that does not fit into the string itself";
  ReusedMap<std::string, std::string> map;
  map.insert(long_name).first->second = long_name;
  const char* const memory = map.find(long_name)->second.data();
  map.erase(map.find(long_name));
  CHECK(map.find(long_name) == map.end());
  std::string& value = map.insert("another").first->second;
  value = long_name;
  CHECK(value.data() == memory);
}

TEST_CASE("erasing gives the place behind", "[reused_map]") {
  ReusedMap<int, int> map;
  for (int key = 0; key < 10; ++key) {
    map.insert(key).first->second = key;
  }
  for (auto at = map.begin(); at != map.end();) {
    at = at->first % 2 == 0 ? map.erase(at) : std::next(at);
  }
  CHECK(map.size() == 5);
  CHECK(map.find(4) == map.end());
  CHECK(map.find(5) != map.end());
}

}  // namespace
}  // namespace hvd
