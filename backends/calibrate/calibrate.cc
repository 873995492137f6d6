#include "backends/calibrate/calibrate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "backends/bootstrap/report.h"
#include "backends/calibrate/memory_probe.h"
#include "backends/calibrate/pair_probe.h"

namespace hvd {
namespace {

// The ranks of each host, in order; hosts by their lowest rank.
std::vector<std::vector<Rank>> ranks_by_host(const std::vector<int>& host_of_rank) {
  std::vector<std::vector<Rank>> hosts;
  std::map<int, std::size_t> places;
  for (std::size_t rank = 0; rank < host_of_rank.size(); ++rank) {
    const auto [place, is_new] = places.try_emplace(host_of_rank[rank], hosts.size());
    if (is_new) {
      hosts.emplace_back();
    }
    hosts[place->second].emplace_back(static_cast<int>(rank));
  }
  return hosts;
}

// What the leaders' records say, with what this job has no use for left out.
Measurements known_before(const std::vector<RankRecord>& records,
                          const std::vector<int>& host_of_rank) {
  std::vector<Measurements> known;
  const std::vector<std::vector<Rank>> hosts = ranks_by_host(host_of_rank);
  for (std::size_t host = 0; host < hosts.size(); ++host) {
    Measurements one = records[hosts[host].front().index()].measured;
    const bool leads_network = hosts.size() > 1 && host % 2 == 0 && host + 1 < hosts.size();
    for (const MeasurementRow& row : measurement_rows()) {
      one.*(row.value) = row.of_network && !leads_network ? 0 : one.*(row.value);
    }
    known.push_back(one);
  }
  return median_of(known);
}

bool goes_by_defaults(const std::vector<RankRecord>& records) {
  const RankRecord& root = records.front();
  return records.size() < 2 || root.calibration == CalibrationMode::off || root.deterministic;
}

class Calibration {
 public:
  Calibration(const CalibrationWorld& world, CalibrationRole role)
      : world_(world),
        role_(role),
        deadline_(world.clock.now() + nanos_from_seconds(world.timeout_seconds)) {}

  Result<Measurements> measure_own_part() {
    Measurements measured;
    if (role_.measures_memory) {
      measured = measure_memory(world_.clock);
    }
    if (role_.host_peer.value >= 0) {
      HVD_ASSIGN(const Measurements found, with(role_.host_peer, true));
      measured.flag_seconds = found.flag_seconds;
      measured.wake_seconds = found.wake_seconds;
    }
    if (role_.network_peer.value >= 0) {
      HVD_ASSIGN(const Measurements found, with(role_.network_peer, false));
      measured.latency_seconds = found.latency_seconds;
      measured.overhead_seconds = found.overhead_seconds;
      measured.network_bytes_per_second = found.network_bytes_per_second;
    }
    return measured;
  }

  // All of it from all ranks, and one value of it to all.
  Result<Measurements> agree(const Result<Measurements>& mine, const Measurements& kept) {
    ByteWriter part;
    part.put_blob(encode_report(mine.status()));
    put(part, mine.ok() ? with_kept(*mine, kept) : Measurements{});
    HVD_ASSIGN(const std::vector<Bytes> parts, world_.star.gather(part.take(), deadline_));
    ByteWriter verdict;
    if (world_.rank == kRoot) {
      HVD_TRY(judge(parts, verdict));
    }
    HVD_ASSIGN(const Bytes all, world_.star.broadcast(verdict.take(), deadline_));
    HVD_TRY(mine.status());
    ByteReader in(all);
    HVD_TRY(decode_report(in.get_blob(all.size())));
    const Measurements agreed = take_measurements(in);
    if (!in.finished()) {
      return error(StatusCode::internal, "the agreed measurements do not parse");
    }
    return agreed;
  }

  static Measurements with_kept(Measurements measured, const Measurements& kept) {
    for (const MeasurementRow& row : measurement_rows()) {
      double& value = measured.*(row.value);
      value = value > 0 ? value : kept.*(row.value);
    }
    return measured;
  }

 private:
  Result<Measurements> with(Rank peer, bool in_host) {
    PairProbe probe({.plane = world_.plane,
                     .idle = world_.idle,
                     .clock = world_.clock,
                     .alive = [this, peer] { return alive(peer); },
                     .between_hosts = !in_host},
                    peer);
    if (peer.value < world_.rank.value) {
      HVD_TRY(probe.follow());
      return Measurements{};
    }
    return in_host ? probe.lead_in_host() : probe.lead_between_hosts();
  }

  Status alive(Rank peer) const {
    HVD_TRY(world_.star.set_up_alive());
    if (world_.clock.now() < deadline_) {
      return ok_status();
    }
    return error(StatusCode::deadline_exceeded, "calibration gave up after ",
                 world_.timeout_seconds, " s: rank ", peer, " (",
                 who_is(world_.records[peer.index()]), ") did not answer rank ", world_.rank,
                 ". limit: HVD_START_TIMEOUT_SECONDS; HVD_CALIBRATION off does without")
        .blame_rank(peer.value);
  }

  // On the root.
  Status judge(const std::vector<Bytes>& parts, ByteWriter& verdict) const {
    std::vector<Status> reports;
    std::vector<Measurements> measured;
    for (const Bytes& part : parts) {
      ByteReader in(part);
      reports.push_back(decode_report(in.get_blob(part.size())));
      measured.push_back(take_measurements(in));
      if (!in.finished()) {
        reports.back() = error(StatusCode::internal, "its measurements do not parse");
      }
    }
    verdict.put_blob(encode_report(verdict_of(reports)));
    put(verdict, median_of(measured));
    return ok_status();
  }

  const CalibrationWorld& world_;
  const CalibrationRole role_;
  const Time deadline_;
};

}  // namespace

Result<CalibrationMode> calibration_mode(std::string_view setting) {
  if (setting == "auto" || setting.empty()) {
    return CalibrationMode::automatic;
  }
  if (setting == "force") {
    return CalibrationMode::force;
  }
  if (setting == "off") {
    return CalibrationMode::off;
  }
  return error(StatusCode::invalid_argument, "setting HVD_CALIBRATION has the value '", setting,
               "'; allowed is auto, force, off. unset it or correct it");
}

std::vector<CalibrationRole> calibration_roles(const std::vector<RankRecord>& records,
                                               const std::vector<int>& host_of_rank) {
  if (goes_by_defaults(records)) {
    return {};
  }
  const bool anew = records.front().calibration == CalibrationMode::force;
  const std::vector<std::vector<Rank>> hosts = ranks_by_host(host_of_rank);
  std::vector<CalibrationRole> roles(records.size());
  for (std::size_t host = 0; host < hosts.size(); ++host) {
    const Rank leader = hosts[host].front();
    const Measurements& kept = records[leader.index()].measured;
    roles[leader.index()].measures_memory = anew || !kept.has_memory();
    if (hosts[host].size() > 1 && (anew || !kept.has_pair())) {
      roles[leader.index()].host_peer = hosts[host][1];
      roles[hosts[host][1].index()].host_peer = leader;
    }
    if (host % 2 == 0 && host + 1 < hosts.size() && (anew || !kept.has_network())) {
      const Rank other = hosts[host + 1].front();
      roles[leader.index()].network_peer = other;
      roles[other.index()].network_peer = leader;
    }
  }
  const bool all_known = std::all_of(roles.begin(), roles.end(), [](const CalibrationRole& role) {
    return role == CalibrationRole{};
  });
  return all_known ? std::vector<CalibrationRole>{} : roles;
}

Result<Measurements> calibrate(const CalibrationWorld& world) {
  if (goes_by_defaults(world.records)) {
    return Measurements{};
  }
  const std::vector<CalibrationRole> roles = calibration_roles(world.records, world.host_of_rank);
  if (roles.empty()) {
    return known_before(world.records, world.host_of_rank);
  }
  const RankRecord& own = world.records[world.rank.index()];
  const CalibrationRole& role = roles[world.rank.index()];
  const std::vector<std::vector<Rank>> hosts = ranks_by_host(world.host_of_rank);
  const bool leads = std::any_of(hosts.begin(), hosts.end(), [&](const std::vector<Rank>& host) {
    return host.front() == world.rank;
  });
  const Measurements kept =
      leads && own.calibration != CalibrationMode::force ? own.measured : Measurements{};
  Calibration calibration(world, role);
  const Result<Measurements> mine = calibration.measure_own_part();
  HVD_ASSIGN(const Measurements agreed, calibration.agree(mine, kept));
  if (leads && !(role == CalibrationRole{})) {
    world.cache.store(Calibration::with_kept(*mine, own.measured));
  }
  return agreed;
}

}  // namespace hvd
