// backends/net/star_assembly.h: the root gathers one authenticated connection per rank, or says no.
// Not here: proving the secret (listener.h), finding the root (bootstrap/join.h).
// Threads: the poller's.  Limits: kHelloPatience for the first frame of a connection.
// Read next: control_star.h.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "backends/net/control_star.h"
#include "backends/net/fd.h"
#include "backends/net/framing.h"
#include "backends/net/poller.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr Nanos kHelloPatience = 5 * kSecond;

// The first frame on a connection to the root.
struct StarHello {
  int rank = -1;
  int rank_count = 0;
  std::uint64_t generation = 0;  // how many times this process has joined a job before
  std::string who;               // "host a, pid 4412"
};

class StarAssembly {
 public:
  StarAssembly(Poller& poller, int rank_count, std::uint64_t generation);
  ~StarAssembly();
  StarAssembly(const StarAssembly&) = delete;
  StarAssembly& operator=(const StarAssembly&) = delete;

  // Takes an authenticated socket and waits for its hello. A second connection for a rank, a rank
  // out of range or another idea of the job is refused and harms nobody.
  void admit(Fd socket);
  std::vector<int> missing() const;
  bool complete() const { return missing().empty(); }
  // What was refused or lost, for the error text of a job that does not come together; may be "".
  const std::string& notes() const { return notes_; }

  // Once complete: tells everybody and gives the links away.
  std::vector<StarLink> welcome();
  // Tells everybody who came why the job will not start.
  void give_up(const Status& reason);

 private:
  struct Guest {
    std::unique_ptr<FramedConnection> connection;
    StarHello hello;
    Poller::TimerId timer = 0;
  };
  using Place = std::list<Guest>::iterator;
  void hear(Place guest);
  void take_hello(Place guest, const Bytes& message);
  void refuse(Place guest, const Status& reason);
  void remove(Place guest, const std::string& note);
  // ok if the hello fits this job and its seat is free
  Status judge(const StarHello& hello) const;
  bool seated(const Guest& guest) const;

  Poller& poller_;
  const std::uint64_t generation_;
  std::list<Guest> guests_;
  std::vector<const Guest*> seats_;  // by rank; null while it is free
  std::string notes_;
};

// The leaf's side: says hello and waits for the verdict. not_found means: try again from the
// start, this root is no longer the one that is meant.
Result<std::unique_ptr<FramedConnection>> enter_star(Fd socket, const StarHello& hello,
                                                     Time deadline, const Clock& clock);

}  // namespace hvd
