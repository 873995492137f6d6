#include "backends/shm/shm_transport.h"

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

ShmTransport::ShmTransport(std::unique_ptr<ShmDomain> domain)
    : RingTransport(domain->rank_count(), domain->layout().geometry,
                    domain->sleep_word(own_index(*domain))),
      domain_(std::move(domain)),
      doorbells_(static_cast<std::size_t>(domain_->rank_count()), -1) {
  const int own = own_index(*domain_);
  for (int index = 0; index < static_cast<int>(domain_->members().size()); ++index) {
    const ShmDomain::Member& member = domain_->members()[static_cast<std::size_t>(index)];
    if (index != own) {
      doorbells_[member.rank.index()] = member.doorbell.get();
      connect(member.rank, {.outgoing = domain_->ring(own, index),
                            .incoming = domain_->ring(index, own),
                            .peer_sleep = domain_->sleep_word(index)});
    }
  }
}

std::string ShmTransport::description() const {
  if (domain_->members().size() == 1) {
    return domain_->rank_count() == 1 ? "no transport: one rank alone"
                                      : "no shared memory: no other rank on this host";
  }
  return str("shared memory among ", domain_->members().size(), " ranks of one host, ",
             slot_count(), " slots of ", chunk_bytes_max() / 1024, " KiB an edge");
}

void ShmTransport::ring_doorbell(Rank peer) {
  const std::uint64_t one = 1;
  // Full (EAGAIN) means that it rings already; a peer that died needs no ring.
  (void)!::write(doorbells_[peer.index()], &one, sizeof one);
}

std::string ShmTransport::unreachable_text(Rank peer) const {
  return str(domain_->who(peer), " does not share memory with ", domain_->who(domain_->self()),
             "; tensor data between hosts needs the TCP data transport, which this version does "
             "not have yet. start all ranks on one host, or give them the same HVD_HOST_KEY");
}

}  // namespace hvd
