#include "core/base/text_hash.h"

#include <string>
#include <unordered_map>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a map of strings is asked for a part of a text, which is copied nowhere", "[base]") {
  const std::unordered_map<std::string, int, TextHash, std::equal_to<>> map = {{"a.b", 1}};
  const std::string_view text = "a.b.17";
  CHECK(map.find(text.substr(0, 3)) != map.end());
  CHECK(map.find(text) == map.end());
}

}  // namespace
}  // namespace hvd
