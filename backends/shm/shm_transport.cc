#include "backends/shm/shm_transport.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace hvd {
namespace {

int own_index(const ShmDomain& domain) {
  const auto& members = domain.members();
  const auto own = std::find_if(members.begin(), members.end(),
                                [&](const auto& member) { return member.rank == domain.self(); });
  HVD_CHECK(own != members.end());
  return static_cast<int>(own - members.begin());
}

}  // namespace

Result<std::unique_ptr<ShmTransport>> ShmTransport::create(std::unique_ptr<ShmDomain> domain,
                                                           Poller& poller) {
  std::unique_ptr<ShmTransport> transport(new ShmTransport(std::move(domain), poller));
  for (const ShmDomain::Member& member : transport->domain_->members()) {
    HVD_TRY(member.socket.open() ? transport->watch(member) : ok_status(), "shared memory");
  }
  return transport;
}

ShmTransport::ShmTransport(std::unique_ptr<ShmDomain> domain, Poller& poller)
    : RingTransport(domain->rank_count(), domain->layout().geometry,
                    domain->sleep_word(own_index(*domain))),
      domain_(std::move(domain)),
      poller_(poller),
      doorbells_(static_cast<std::size_t>(domain_->rank_count()), -1) {
  const int own = own_index(*domain_);
  for (int index = 0; index < static_cast<int>(domain_->members().size()); ++index) {
    const ShmDomain::Member& member = domain_->members()[static_cast<std::size_t>(index)];
    if (index != own) {
      doorbells_[member.rank.index()] = member.doorbell.get();
      const auto memory = [&](Lane lane) {
        return EdgeMemory{.outgoing = domain_->ring(own, index, lane),
                          .incoming = domain_->ring(index, own, lane)};
      };
      connect(member.rank,
              {memory(kLanes[0]), memory(kLanes[1]), memory(kLanes[2]), memory(kLanes[3])},
              domain_->sleep_word(index));
    }
  }
  for (const Lane lane : kLanes) {
    share_slots(lane, domain_->slot_map(lane));
  }
  share_arenas(domain_->arena_map());
  share_memory(domain_->reads().memory.get());
}

ShmTransport::~ShmTransport() {
  for (const ShmDomain::Member& member : domain_->members()) {
    if (member.socket.open()) {
      poller_.forget(member.socket.get());
    }
  }
}

// A peer's death ends its socket. The root learns of it over the control plane, but a root that has
// ended normally tells nobody: without this, work that was under way would wait for ever.
Status ShmTransport::watch(const ShmDomain::Member& member) {
  const int socket = member.socket.get();
  const Rank peer = member.rank;
  return poller_.watch(socket, EPOLLRDHUP, [this, socket, peer](std::uint32_t) {
    poller_.forget(socket);
    lose(
        peer,
        str(domain_->who(peer),
            " died: its process ended while its part was still awaited, and without a goodbye. its "
            "own output, or the report of its launcher, says why"));
  });
}

std::string ShmTransport::description() const {
  if (domain_->members().size() == 1) {
    return domain_->rank_count() == 1 ? "no transport: one rank alone"
                                      : "no shared memory: no other rank on this host";
  }
  return str("shared memory among ", domain_->members().size(), " ranks of one host, ",
             slot_count(Lane::bulk), " slots of ", chunk_bytes_max(Lane::bulk) / 1024,
             " KiB an edge, ",
             domain_->reads().memory != nullptr
                 ? std::string("single copies of what is long")
                 : str("no single copies (", domain_->reads().why_not, ")"));
}

void ShmTransport::ring_doorbell(Rank peer) {
  const std::uint64_t one = 1;
  // Full (EAGAIN) means that it rings already; a peer that died needs no ring.
  (void)!::write(doorbells_[peer.index()], &one, sizeof one);
}

std::string ShmTransport::unreachable_text(Rank peer) const {
  return str(domain_->who(peer), " does not share memory with ", domain_->who(domain_->self()),
             "; ranks of other hosts are reached over TCP");
}

}  // namespace hvd
