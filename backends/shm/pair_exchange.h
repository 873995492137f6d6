// backends/shm/pair_exchange.h: what two ranks say to one another over a Unix socket at start.
// Not here: which pairs talk (domain.cc), authentication (net/authenticate.h, done before).
// Threads: any; blocks up to a deadline.  Limits: messages of fixed size.
// Read next: domain.h.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "backends/net/fd.h"
#include "backends/shm/domain_layout.h"
#include "backends/shm/process_memory.h"
#include "backends/shm/segment.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/vocabulary/rank.h"

namespace hvd {

// A page with a random word that only who maps it can know, and the same word in private memory,
// which only who may read this process can find there.
class WordPage {
 public:
  using Word = ProbeWord;
  static Result<WordPage> create();

  const Segment& segment() const { return segment_; }
  const Word& word() const { return word_; }

 private:
  Segment segment_;
  Word word_{};
};

struct Patience {
  Time deadline = 0;
  const Clock& clock;
};

// Each side says who it is and hands over its page, hears the other, reads the other's page, and
// reports what it read there: two ranks share memory if both read what the other wrote. The peer's
// word is the result.
struct PairGreeting {
  Rank peer;
  Fd page;
};
Status say_who(int socket, Rank self, const WordPage& page, const Patience& patience);
Result<PairGreeting> hear_who(int socket, int rank_count, const Patience& patience);
Result<WordPage::Word> compare_words(int socket, const WordPage& own, const PairGreeting& peer,
                                     const Patience& patience);

// The second part, once the root has fixed who shares a host: the real segments, arenas and
// doorbells. An arena is as long as its rank says.
struct OwnMemory {
  const Segment& segment;
  const Segment& arena;
  int doorbell_fd;
  const WordPage::Word* word;  // the one in private memory
};
struct PeerMemory {
  Segment segment;
  Segment arena;  // empty if it could not be mapped here
  Fd doorbell;
  std::uint64_t word_address = 0;  // in the peer's process
};
Status hand_over(int socket, const OwnMemory& own, const DomainLayout& layout,
                 const Patience& patience);
Result<PeerMemory> take_over(int socket, const DomainLayout& layout, std::string_view whose,
                             const Patience& patience);

}  // namespace hvd
