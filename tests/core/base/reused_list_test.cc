#include "core/base/reused_list.h"

#include <string>

#include "tests/catch.h"

namespace hvd {
namespace {

const char* const kLong = "a name that does not fit into the string itself";

std::vector<std::string> texts(const ReusedList<std::string>& list) {
  return {list.begin(), list.end()};
}

TEST_CASE("a list holds what was added since it was cleared, in order", "[reused_list]") {
  ReusedList<std::string> list;
  CHECK(list.empty());
  list.add() = std::string("a");
  list.add() = std::string("b");
  CHECK(texts(list) == std::vector<std::string>{"a", "b"});
  CHECK(list[1] == "b");
  list.clear();
  CHECK(list.empty());
  CHECK(texts(list).empty());
  list.add() = std::string("c");
  CHECK(list.size() == 1);
  CHECK(texts(list) == std::vector<std::string>{"c"});
}

TEST_CASE("an element that is added again has the memory that it had", "[reused_list]") {
  ReusedList<std::string> list;
  list.add() = kLong;
  const char* const memory = list[0].data();
  list.clear();
  std::string& again = list.add();
  again = kLong;
  CHECK(again.data() == memory);
}

TEST_CASE("what is dropped from the front leaves the rest in order", "[reused_list]") {
  ReusedList<std::string> list;
  for (const char* text : {"a", "b", "c", "d"}) {
    list.add() = std::string(text);
  }
  list.drop_front(3);
  CHECK(texts(list) == std::vector<std::string>{"d"});
  list.drop_front(1);
  CHECK(list.empty());
}

TEST_CASE("lists trade what they hold", "[reused_list]") {
  ReusedList<std::string> full;
  full.add() = std::string("a");
  ReusedList<std::string> empty;
  full.swap(empty);
  CHECK(full.empty());
  CHECK(texts(empty) == std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace hvd
