// backends/shm/shm_transport.h: chunks between ranks of one host, through the memory of a domain.
// Not here: rings (ring.h, ring_transport.h), how the memory came to be (domain.h).
// Threads: baton holder only.  Limits: ranks of other hosts are out of reach.
// Read next: ring_transport.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/net/poller.h"
#include "backends/shm/domain.h"
#include "backends/shm/ring_transport.h"

namespace hvd {

class ShmTransport final : public RingTransport {
 public:
  // `poller` is the one that runs while this rank waits, and outlives the transport.
  static Result<std::unique_ptr<ShmTransport>> create(std::unique_ptr<ShmDomain> domain,
                                                      Poller& poller);
  ~ShmTransport() override;
  ShmTransport(const ShmTransport&) = delete;
  ShmTransport& operator=(const ShmTransport&) = delete;

  const ShmDomain& domain() const { return *domain_; }
  std::string description() const override;
  void leave_to_peers(const std::byte* memory, std::size_t bytes) override {
    domain_->arena().keep(memory, bytes);
  }
  void for_each_fd(const std::function<void(int)>& visit) const override {
    domain_->for_each_fd(visit);
  }

 private:
  void ring_doorbell(Rank peer) override;
  std::string unreachable_text(Rank peer) const override;

  ShmTransport(std::unique_ptr<ShmDomain> domain, Poller& poller);
  Status watch(const ShmDomain::Member& member);

  std::unique_ptr<ShmDomain> domain_;
  Poller& poller_;
  std::vector<int> doorbells_;  // by rank; -1 where there is none
};

}  // namespace hvd
