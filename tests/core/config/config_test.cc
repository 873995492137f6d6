#include "core/config/config.h"

#include <array>

#include "core/config/settings_table.h"
#include "tests/catch.h"

namespace hvd {
namespace {

Result<Config> config_of(std::map<std::string, std::string> values) {
  return read_config(Environment(std::move(values)));
}

TEST_CASE("an empty environment gives the defaults of the table", "[config]") {
  const Result<Config> config = config_of({});
  REQUIRE(config.ok());
  CHECK(config->rank == -1);
  CHECK(config->stall_warning_seconds == 10);
  CHECK(config->deadline_seconds == 0);
  CHECK(config->heartbeat_seconds == 30);
  CHECK(config->fusion_bytes_max == 128 << 20);
  CHECK(config->algorithm == "auto");
  CHECK(config->log_level == "warning");
  CHECK_FALSE(config->insecure);
  CHECK(config->given.empty());
}

TEST_CASE("values are read and what was given is noted", "[config]") {
  const Result<Config> config = config_of({{"HVD_RANK", "3"},
                                           {"HVD_DEADLINE_SECONDS", "1.5"},
                                           {"HVD_INSECURE", "1"},
                                           {"HVD_HOST_KEY", "a b"},
                                           {"UNRELATED", "x"}});
  REQUIRE(config.ok());
  CHECK(config->rank == 3);
  CHECK(config->deadline_seconds == 1.5);
  CHECK(config->insecure);
  CHECK(config->host_key == "a b");
  CHECK(config->given.size() == 4);
}

TEST_CASE("an alias counts, and our own name wins over it", "[config]") {
  const Result<Config> alias = config_of({{"HOROVOD_FUSION_THRESHOLD", "4096"}});
  REQUIRE(alias.ok());
  CHECK(alias->fusion_bytes_max == 4096);
  CHECK(alias->given == std::vector<std::string>{"HOROVOD_FUSION_THRESHOLD"});
  const Result<Config> both =
      config_of({{"HOROVOD_FUSION_THRESHOLD", "4096"}, {"HVD_FUSION_BYTES_MAX", "1"}});
  REQUIRE(both.ok());
  CHECK(both->fusion_bytes_max == 1);
}

struct Bad {
  const char* name;
  const char* value;
  const char* allowed;
};

TEST_CASE("a bad value is refused with its name, itself and what is allowed", "[config]") {
  const std::array<Bad, 17> all = {{
      {"HVD_RANK", "two", "from -1 to 16777216"},
      {"HVD_RANK", "-2", "from -1 to 16777216"},
      {"HVD_RANK", "1.5", "an integer"},
      {"HVD_RANK", "", "an integer"},
      {"HVD_RANK", " 1", "an integer"},
      {"HVD_RANK", "99999999999999999999", "an integer"},
      {"HOROVOD_SIZE", "4x", "an integer"},
      {"HVD_RENDEZVOUS_PORT", "65536", "from 0 to 65535"},
      {"HVD_HEARTBEAT_SECONDS", "0", "a number from 0.1 to 1000000000"},
      {"HVD_HEARTBEAT_SECONDS", "nan", "a number"},
      {"HVD_HEARTBEAT_SECONDS", "inf", "a number"},
      {"HVD_FUSION_BYTES_MAX", "-1", "from 0 to 1099511627776"},
      {"HVD_INSECURE", "yes", "0 or 1"},
      {"HVD_WIRE_DTYPE", "fp8", "auto, none, bf16 or fp16"},
      {"HVD_SINGLE_COPY", "on", "auto or off"},
      {"HVD_LOG_LEVEL", "loud", "trace, debug, info, warning, error"},
      {"HVD_LOG_LEVEL", "", "trace, debug, info, warning, error"},
  }};
  for (const Bad& bad : all) {
    INFO(bad.name << " '" << bad.value << "'");
    const Result<Config> config = config_of({{bad.name, bad.value}});
    REQUIRE_FALSE(config.ok());
    CHECK(config.status().code() == StatusCode::invalid_argument);
    CHECK_THAT(config.status().message(), Catch::Contains(bad.name));
    CHECK_THAT(config.status().message(), Catch::Contains(std::string("'") + bad.value + "'"));
    CHECK_THAT(config.status().message(), Catch::Contains(bad.allowed));
  }
}

TEST_CASE("Horovod's log level fatal is our error", "[config]") {
  CHECK(config_of({{"HOROVOD_LOG_LEVEL", "fatal"}})->log_level == "error");
  CHECK(config_of({{"HOROVOD_LOG_LEVEL", "WARNING"}})->log_level == "warning");
}

TEST_CASE("an integer above 0 is true, as in Horovod", "[config]") {
  CHECK(config_of({{"HVD_INSECURE", "2"}})->insecure);
  CHECK_FALSE(config_of({{"HVD_INSECURE", "0"}})->insecure);
  CHECK_FALSE(config_of({{"HVD_INSECURE", "-1"}})->insecure);
}

}  // namespace
}  // namespace hvd
