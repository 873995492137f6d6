#include "backends/calibrate/calibrate.h"

#include <string>

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr Measurements kHost = {.core_memory_bytes_per_second = 4e10, .flag_seconds = 2e-7};
constexpr Measurements kAll = {.core_memory_bytes_per_second = 4e10,
                               .flag_seconds = 2e-7,
                               .latency_seconds = 1e-5,
                               .network_bytes_per_second = 1e9};

std::vector<RankRecord> records(std::size_t count, const Measurements& measured = {}) {
  std::vector<RankRecord> all(count);
  for (std::size_t rank = 0; rank < count; ++rank) {
    all[rank].rank = static_cast<int>(rank);
    all[rank].measured = measured;
  }
  return all;
}

TEST_CASE("the first two ranks of a host measure and the others wait", "[calibrate]") {
  const auto roles = calibration_roles(records(4), {0, 0, 0, 0});
  REQUIRE(roles.size() == 4);
  CHECK(roles[0] == CalibrationRole{true, Rank{1}, Rank{}});
  CHECK(roles[1] == CalibrationRole{false, Rank{0}, Rank{}});
  CHECK(roles[2] == CalibrationRole{});
  CHECK(roles[3] == CalibrationRole{});
}

TEST_CASE("leaders of neighbouring hosts measure in pairs and an odd one is left out",
          "[calibrate]") {
  // Hosts: ranks 0 2, rank 1, ranks 3 4.
  const auto roles = calibration_roles(records(5), {0, 1, 0, 3, 3});
  REQUIRE(roles.size() == 5);
  CHECK(roles[0] == CalibrationRole{true, Rank{2}, Rank{1}});
  CHECK(roles[1] == CalibrationRole{true, Rank{}, Rank{0}});
  CHECK(roles[2] == CalibrationRole{false, Rank{0}, Rank{}});
  CHECK(roles[3] == CalibrationRole{true, Rank{4}, Rank{}});
  CHECK(roles[4] == CalibrationRole{false, Rank{3}, Rank{}});
}

TEST_CASE("partners name each other, on any placement", "[calibrate]") {
  for (int seed = 0; seed < 200; ++seed) {
    std::vector<int> hosts;
    hosts.reserve(static_cast<std::size_t>(2 + seed % 9));
    for (int rank = 0; rank < 2 + seed % 9; ++rank) {
      hosts.push_back((rank * (seed + 3) + seed / 7) % (1 + seed % 5));
    }
    const auto roles = calibration_roles(records(hosts.size()), hosts);
    for (std::size_t rank = 0; rank < roles.size(); ++rank) {
      const int self = static_cast<int>(rank);
      if (const Rank peer = roles[rank].host_peer; peer.value >= 0) {
        CHECK(roles[peer.index()].host_peer.value == self);
        CHECK(hosts[peer.index()] == hosts[rank]);
      }
      if (const Rank peer = roles[rank].network_peer; peer.value >= 0) {
        CHECK(roles[peer.index()].network_peer.value == self);
        CHECK(hosts[peer.index()] != hosts[rank]);
      }
    }
  }
}

TEST_CASE("where all is known nobody measures, and what is missing is measured alone",
          "[calibrate]") {
  CHECK(calibration_roles(records(2, kHost), {0, 0}).empty());
  CHECK(calibration_roles(records(4, kAll), {0, 0, 2, 2}).empty());
  // A host that was alone before knows its memory only.
  auto roles = calibration_roles(records(2, {.core_memory_bytes_per_second = 4e10}), {0, 0});
  REQUIRE(roles.size() == 2);
  CHECK(roles[0] == CalibrationRole{false, Rank{1}, Rank{}});
  roles = calibration_roles(records(4, kHost), {0, 0, 2, 2});
  REQUIRE(roles.size() == 4);
  CHECK(roles[0] == CalibrationRole{false, Rank{}, Rank{2}});
  CHECK(roles[2] == CalibrationRole{false, Rank{}, Rank{0}});
}

TEST_CASE("rank 0 decides whether anything is measured", "[calibrate]") {
  auto all = records(2, kHost);
  all[1].calibration = CalibrationMode::force;
  CHECK(calibration_roles(all, {0, 0}).empty());
  all[0].calibration = CalibrationMode::force;
  CHECK(calibration_roles(all, {0, 0}).size() == 2);
  all = records(2);
  all[0].calibration = CalibrationMode::off;
  CHECK(calibration_roles(all, {0, 0}).empty());
  all[0].calibration = CalibrationMode::automatic;
  all[0].deterministic = true;  // results would depend on measurements
  CHECK(calibration_roles(all, {0, 0}).empty());
  CHECK(calibration_roles(records(1), {0}).empty());
}

TEST_CASE("the setting has three values and the error names them", "[calibrate]") {
  CHECK(*calibration_mode("auto") == CalibrationMode::automatic);
  CHECK(*calibration_mode("off") == CalibrationMode::off);
  CHECK(*calibration_mode("force") == CalibrationMode::force);
  const std::string text = calibration_mode("on").status().message();
  for (const char* part : {"HVD_CALIBRATION", "'on'", "auto", "force", "off"}) {
    CHECK(text.find(part) != std::string::npos);
  }
}

}  // namespace
}  // namespace hvd
