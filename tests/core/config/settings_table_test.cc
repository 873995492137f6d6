#include "core/config/settings_table.h"

#include <set>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("every row has a name of ours, a type and one line of documentation", "[settings]") {
  for (const Setting& row : settings_table()) {
    INFO(row.name);
    CHECK(row.name.substr(0, 4) == "HVD_");
    CHECK(row.doc.size() > 10);
    CHECK(row.doc.find('\n') == std::string_view::npos);
    CHECK(row.doc.find('|') == std::string_view::npos);  // it would break the markdown table
    CHECK_FALSE(row.type_name().empty());
    CHECK(row.least <= row.most);
  }
}

TEST_CASE("no name and no alias occurs twice and no two rows share a member", "[settings]") {
  std::set<std::string_view> names;
  for (const Setting& row : settings_table()) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    if (!row.alias.empty()) {
      CHECK(names.insert(row.alias).second);
    }
    for (const Setting& other : settings_table()) {
      const bool same_member = other.member == row.member;
      CHECK((&other == &row || !same_member));
    }
  }
}

TEST_CASE("help text and markdown list every row with alias, default and meaning", "[settings]") {
  for (const std::string& list : {settings_as_text(), settings_as_markdown()}) {
    for (const Setting& row : settings_table()) {
      CHECK_THAT(list, Catch::Contains(std::string(row.name)));
      CHECK_THAT(list, Catch::Contains(std::string(row.alias)));
      CHECK_THAT(list, Catch::Contains(std::string(row.doc)));
      CHECK_THAT(list, Catch::Contains(std::string(row.default_text)));
    }
  }
}

}  // namespace
}  // namespace hvd
