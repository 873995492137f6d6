#include "bindings/c/info.h"

#include <nlohmann/json.hpp>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("info names what was set and never a secret", "[info]") {
  const Environment environment({{"HVD_SECRET", std::string(64, 'a')},
                                 {"HOROVOD_LOG_LEVEL", "info"},
                                 {"HVD_FUSION_BYTES_MAX", "1024"}});
  const Result<Config> config = read_config(environment);
  REQUIRE(config.ok());
  const Coordinator::Counters counters;
  const std::string text = info_json({.rank = 1,
                                      .size = 4,
                                      .place = {1, 2, 0, 2},
                                      .identity_source = "hvdrun",
                                      .secret_source = "HVD_SECRET",
                                      .data_plane = "shared memory",
                                      .calibration = "measured so",
                                      .config = *config,
                                      .counters = counters});
  CHECK(text.find("aaaa") == std::string::npos);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["rank"] == 1);
  CHECK(json["local_size"] == 2);
  CHECK(json["calibration"] == "measured so");
  CHECK(json["settings"]["HVD_SECRET"] == "given");
  CHECK(json["settings"]["HOROVOD_LOG_LEVEL"] == "info");
  CHECK(json["settings"]["HVD_FUSION_BYTES_MAX"] == 1024);
}

}  // namespace
}  // namespace hvd
