// backends/shm/segment.h: memory without a name that processes of one host map together.
// Not here: what lies in it (domain_layout.h), who gets it (pair_exchange.h).
// Threads: a value with one owner.  Limits: whole pages; a page that nobody touched takes no
// memory. Read next: domain_layout.h.
#pragma once

#include <cstddef>
#include <string_view>

#include "backends/net/fd.h"
#include "core/base/status.h"

namespace hvd {

class Segment {
 public:
  // A memfd, zeroed, sealed so that nobody can cut it under a reader (which would kill the reader).
  static Result<Segment> create(std::size_t bytes);
  // The same for one rank alone: without a memfd, so that no limit of files counts.
  static Result<Segment> create_unshared(std::size_t bytes);
  // Ok if create(bytes) and mappings of `bytes_of_peers` are within the limits of this process now.
  static Status check_room(std::size_t bytes, std::size_t bytes_of_peers);
  // Maps what a peer handed over, after it was looked at: size and seals are the peer's word only
  // until then. `whose` is for the error: "rank 2 (host a, pid 4412)".
  static Result<Segment> map_peer(const Fd& memfd, std::size_t bytes, std::string_view whose);

  Segment() = default;
  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { unmap(); }

  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }
  const Fd& memfd() const { return memfd_; }  // of create() only, until close_memfd()
  // The mapping stays; there is one descriptor less to leak into children.
  void close_memfd() { memfd_.reset(); }

 private:
  Status map(const Fd& memfd, std::size_t bytes);
  void unmap();
  Fd memfd_;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace hvd
