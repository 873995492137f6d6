#include "backends/bootstrap/identity.h"

#include <map>

#include "tests/catch.h"

namespace hvd {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Identity> identify_from(const Variables& variables, const ExplicitIdentity& options = {}) {
  const Environment environment(variables);
  return identify(read_config(environment).value(), options, environment);
}

// True if the failure is the user's mistake and names all of these.
bool refused_naming(const Variables& variables, const std::vector<std::string>& words,
                    const ExplicitIdentity& options = {}) {
  const Result<Identity> identity = identify_from(variables, options);
  if (identity.ok() || identity.status().code() != StatusCode::invalid_argument) {
    return false;
  }
  for (const std::string& word : words) {
    if (identity.status().message().find(word) == std::string::npos) {
      UNSCOPED_INFO(identity.status().message() << " lacks " << word);
      return false;
    }
  }
  return true;
}

TEST_CASE("a lone rank under another launcher is warned of", "[identity]") {
  const Environment torchrun({{"WORLD_SIZE", "2"}, {"RANK", "0"}});
  CHECK_THAT(foreign_launcher_warning(Identity{}, torchrun),
             Catch::Contains("WORLD_SIZE is 2") && Catch::Contains("hvdrun -np 2"));
  CHECK(foreign_launcher_warning(Identity{}, Environment()).empty());
  const Variables single = {{"WORLD_SIZE", "1"}};
  CHECK(foreign_launcher_warning(Identity{}, Environment(single)).empty());
  Identity one_of_two;
  one_of_two.size = 2;
  CHECK(foreign_launcher_warning(one_of_two, torchrun).empty());
}

}  // namespace

TEST_CASE("without any word about it a process is one rank alone", "[identity]") {
  const Identity alone = identify_from({}).value();
  REQUIRE(alone.rank == 0);
  REQUIRE(alone.size == 1);
  REQUIRE(alone.local_size == 1);
  REQUIRE(alone.cross_size == 1);
}

TEST_CASE("HVD variables and Horovod's aliases give the same identity", "[identity]") {
  for (const std::string prefix : {"HVD_", "HOROVOD_"}) {
    const Identity found = identify_from({{prefix + "RANK", "3"},
                                          {prefix + "SIZE", "4"},
                                          {prefix + "LOCAL_RANK", "1"},
                                          {prefix + "LOCAL_SIZE", "2"},
                                          {prefix + "CROSS_RANK", "1"},
                                          {prefix + "CROSS_SIZE", "2"}})
                               .value();
    REQUIRE(found.rank == 3);
    REQUIRE(found.size == 4);
    REQUIRE(found.local_rank == 1);
    REQUIRE(found.local_size == 2);
    REQUIRE(found.cross_rank == 1);
    REQUIRE(found.cross_size == 2);
    REQUIRE(found.source.find(prefix + "RANK 3") != std::string::npos);
  }
}

TEST_CASE("local and cross ranks that nobody gave are left to be found out", "[identity]") {
  const Identity found = identify_from({{"HVD_RANK", "0"}, {"HVD_SIZE", "2"}}).value();
  REQUIRE(found.local_rank == -1);
  REQUIRE(found.cross_size == -1);
}

TEST_CASE("half of an identity is refused by the names of both halves", "[identity]") {
  REQUIRE(refused_naming({{"HVD_RANK", "1"}}, {"HVD_RANK", "1", "HVD_SIZE"}));
  REQUIRE(refused_naming({{"HOROVOD_SIZE", "4"}}, {"HOROVOD_SIZE", "4", "HVD_RANK"}));
  REQUIRE(refused_naming({{"HVD_RANK", "1"}, {"HVD_SIZE", "4"}, {"HVD_LOCAL_RANK", "1"}},
                         {"HVD_LOCAL_RANK", "1", "HVD_LOCAL_SIZE"}));
  REQUIRE(refused_naming({{"HVD_LOCAL_RANK", "0"}, {"HVD_LOCAL_SIZE", "2"}},
                         {"HVD_LOCAL_RANK", "HVD_RANK", "HVD_SIZE"}));
  REQUIRE(refused_naming({}, {"option rank", "option size"}, {.rank = 1}));
  REQUIRE(refused_naming({}, {"local rank"}, {.local_rank = 0, .local_size = 1}));
}

TEST_CASE("an identity that contradicts itself is refused with its values", "[identity]") {
  REQUIRE(refused_naming({{"HVD_RANK", "4"}, {"HVD_SIZE", "4"}}, {"HVD_RANK", "HVD_SIZE", "4"}));
  REQUIRE(refused_naming({{"HVD_RANK", "0"}, {"HVD_SIZE", "0"}}, {"HVD_SIZE", "0"}));
  REQUIRE(refused_naming(
      {{"HVD_RANK", "0"}, {"HVD_SIZE", "4"}, {"HVD_LOCAL_RANK", "2"}, {"HVD_LOCAL_SIZE", "2"}},
      {"HVD_LOCAL_RANK", "HVD_LOCAL_SIZE"}));
  REQUIRE(refused_naming(
      {{"HVD_RANK", "0"}, {"HVD_SIZE", "2"}, {"HVD_LOCAL_RANK", "0"}, {"HVD_LOCAL_SIZE", "3"}},
      {"HVD_LOCAL_SIZE", "3", "HVD_SIZE", "2"}));
  REQUIRE(refused_naming({{"HVD_RANK", "0"}, {"HVD_SIZE", "2"}, {"HOROVOD_RANK", "1"}},
                         {"HVD_RANK", "HOROVOD_RANK", "0", "1"}));
  REQUIRE(refused_naming({}, {"option rank", "2"}, {.rank = 2, .size = 2}));
}

TEST_CASE("options win over variables, which add what belongs to the same rank", "[identity]") {
  const Variables variables = {
      {"HVD_RANK", "3"}, {"HVD_SIZE", "4"}, {"HVD_LOCAL_RANK", "1"}, {"HVD_LOCAL_SIZE", "2"}};
  const Identity other = identify_from(variables, {.rank = 0, .size = 2}).value();
  REQUIRE(other.rank == 0);
  REQUIRE(other.size == 2);
  REQUIRE(other.local_rank == -1);
  const Identity same = identify_from(variables, {.rank = 3, .size = 4}).value();
  REQUIRE(same.local_rank == 1);
  REQUIRE(same.local_size == 2);
}

TEST_CASE("zeroed options of hvd.h say nothing", "[identity]") {
  const Identity found = identify_from({{"HVD_RANK", "1"}, {"HVD_SIZE", "2"}},
                                       {.rank = -1, .size = 0, .local_rank = 0, .local_size = 0})
                             .value();
  REQUIRE(found.rank == 1);
}

}  // namespace hvd
