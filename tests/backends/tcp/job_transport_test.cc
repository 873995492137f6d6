#include "backends/tcp/job_transport.h"

#include <array>

#include "tests/backends/shm/domain_world.h"
#include "tests/backends/tcp/tcp_world.h"

namespace hvd {
namespace {

TEST_CASE("a chunk of the common limits passes every wire of the job", "[tcp]") {
  const auto alone = common_limits(std::array{0, 1});
  const EdgeGeometry& tcp = TcpTransport::geometry(Lane::bulk);
  CHECK(alone[lane_index(Lane::bulk)].chunk_bytes_max == tcp.chunk_bytes);
  CHECK(alone[lane_index(Lane::bulk)].slot_count == tcp.slot_count);
  // Also for a rank that is alone where others share a host.
  const auto mixed = common_limits(std::array{0, 0, 2});
  for (const Lane lane : {Lane::express, Lane::bulk}) {
    const RingGeometry shared = lane_geometries(2)[lane];
    CHECK(mixed[lane_index(lane)].chunk_bytes_max <= shared.slot_bytes);
    CHECK(mixed[lane_index(lane)].slot_count <= shared.slot_count);
    CHECK(mixed[lane_index(lane)].chunk_bytes_max <= TcpTransport::geometry(lane).chunk_bytes);
  }
}

TEST_CASE("ranks of one host have no TCP, those of two hosts both wires", "[tcp]") {
  for (const bool two_hosts : {false, true}) {
    DomainWorld domains({"a", "a", two_hosts ? "b" : "a"});
    TcpWorld tcp(3);
    auto formed = domains.form_on_threads();
    std::vector<JobTransport> jobs;
    for (std::size_t rank = 0; rank < 3; ++rank) {
      REQUIRE(formed[rank].ok());
      jobs.push_back(make_job_transport(std::move(*formed[rank]),
                                        {.rank = Rank{rank},
                                         .records = tcp.records,
                                         .secret = tcp.secret,
                                         .generation = 0,
                                         .data_listening = std::move(tcp.listening[rank])},
                                        *domains.seats[rank].poller)
                         .value());
    }
    CHECK((jobs[0].tcp != nullptr) == two_hosts);
    CHECK(jobs[0].host_of_rank == std::vector<int>{0, 0, two_hosts ? 2 : 0});
    for (const Rank peer : {Rank{1}, Rank{2}}) {
      CHECK(jobs[0].wires->reaches(peer).ok());
    }
    const std::string text = jobs[0].wires->description();
    CHECK(text.find("shared memory among ") == 0);
    CHECK((text.find("; TCP to 1 rank of other hosts") != std::string::npos) == two_hosts);
  }
}

}  // namespace
}  // namespace hvd
