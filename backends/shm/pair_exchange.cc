#include "backends/shm/pair_exchange.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "backends/net/socket.h"
#include "core/base/bytes.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint64_t kGreetingTag = 0x31656d6173647668;  // "hvdsame1"
constexpr std::uint64_t kMemoryTag = 0x326d65736d647668;    // "hvdmsem2"
constexpr std::size_t kWordPageBytes = kRingPageBytes;
constexpr std::size_t kGreetingBytes = 12;
constexpr std::size_t kMemoryBytes = 48;

using AtomicWord = std::atomic<std::uint64_t>;

AtomicWord* words_in(const Segment& segment) {
  return reinterpret_cast<AtomicWord*>(segment.data());
}

Result<WordPage::Word> read_word(const PairGreeting& peer) {
  HVD_ASSIGN(const Segment page,
             Segment::map_peer(peer.page, kWordPageBytes, str("rank ", peer.peer)));
  return WordPage::Word{words_in(page)[0].load(), words_in(page)[1].load()};
}

// A message of exactly `bytes` bytes with exactly `fd_count` descriptors.
template <std::size_t bytes>
Result<ReceivedFds> receive_exactly(int socket, std::array<std::byte, bytes>& payload,
                                    std::size_t fd_count, const Patience& patience) {
  HVD_ASSIGN(ReceivedFds received, recv_fds(socket, payload, patience.deadline, patience.clock));
  if (received.payload_bytes != bytes || received.fds.size() != fd_count) {
    return error(StatusCode::aborted, "the peer sent ", received.payload_bytes, " bytes with ",
                 received.fds.size(), " descriptors, expected ", bytes, " with ", fd_count);
  }
  return received;
}

// Ringing must never block: not in a pipe that is full, not in a file on a slow disk, and not in an
// eventfd whose counter is. O_NONBLOCK belongs to the open file, which is the peer's as well, so it
// is looked at and not set: set here it would change whatever else the peer has handed over. An
// eventfd is a file without a type that takes a number of eight bytes; 0 rings nobody.
Status check_doorbell(int fd, std::string_view whose) {
  const int flags = ::fcntl(fd, F_GETFL);
  struct stat found {};
  constexpr std::uint64_t nothing = 0;
  if (flags < 0 || ::fstat(fd, &found) != 0 || (flags & O_ACCMODE) != O_RDWR ||
      (found.st_mode & S_IFMT) != 0) {
    return error(StatusCode::aborted, whose,
                 " handed over a doorbell that is no eventfd. do all ranks run the same version of "
                 "hvd?");
  }
  if ((flags & O_NONBLOCK) == 0) {
    return error(StatusCode::aborted, whose,
                 " handed over a doorbell that would let this rank wait for it: an eventfd without "
                 "O_NONBLOCK. do all ranks run the same version of hvd?");
  }
  if (::write(fd, &nothing, sizeof nothing) != sizeof nothing) {
    return error(StatusCode::aborted, whose,
                 " handed over a doorbell that does not ring: a file of the kernel that is no "
                 "eventfd. do all ranks run the same version of hvd?");
  }
  return ok_status();
}

}  // namespace

Result<WordPage> WordPage::create() {
  HVD_CHECK(::sodium_init() >= 0);
  WordPage page;
  HVD_ASSIGN(page.segment_, Segment::create(kWordPageBytes));
  ::randombytes_buf(page.word_.data(), sizeof page.word_);
  words_in(page.segment_)[0].store(page.word_[0]);
  words_in(page.segment_)[1].store(page.word_[1]);
  return page;
}

Status say_who(int socket, Rank self, const WordPage& page, const Patience& patience) {
  const Bytes payload = ByteWriter().put(kGreetingTag).put(std::int32_t{self.value}).take();
  const std::array<int, 1> fds = {page.segment().memfd().get()};
  return send_fds(socket, fds, payload, patience.deadline, patience.clock);
}

Result<PairGreeting> hear_who(int socket, int rank_count, const Patience& patience) {
  std::array<std::byte, kGreetingBytes> payload{};
  HVD_ASSIGN(ReceivedFds received, receive_exactly(socket, payload, 1, patience));
  ByteReader reader(payload);
  const auto tag = reader.get<std::uint64_t>();
  const Rank peer{reader.get<std::int32_t>()};
  if (tag != kGreetingTag || peer.value < 0 || peer.value >= rank_count) {
    return error(StatusCode::aborted, "the peer's greeting is none of rank 0 to ", rank_count - 1);
  }
  return PairGreeting{.peer = peer, .page = std::move(received.fds.front())};
}

Result<WordPage::Word> compare_words(int socket, const WordPage& own, const PairGreeting& peer,
                                     const Patience& patience) {
  HVD_ASSIGN(const WordPage::Word read, read_word(peer));
  const Bytes mine = ByteWriter().put(read[0]).put(read[1]).take();
  HVD_TRY(send_fds(socket, {}, mine, patience.deadline, patience.clock));
  std::array<std::byte, sizeof(WordPage::Word)> payload{};
  HVD_TRY(receive_exactly(socket, payload, 0, patience).status());
  ByteReader reader(payload);
  const WordPage::Word heard = {reader.get<std::uint64_t>(), reader.get<std::uint64_t>()};
  if (heard != own.word()) {
    return error(StatusCode::aborted, "rank ", peer.peer,
                 " reports another word than the one in the memory that it was handed");
  }
  return read;
}

Status hand_over(int socket, const OwnMemory& own, const DomainLayout& layout,
                 const Patience& patience) {
  const Bytes payload = ByteWriter()
                            .put(kMemoryTag)
                            .put(std::uint64_t{layout.segment_bytes()})
                            .put(std::uint64_t{layout.geometry.bulk.slot_bytes})
                            .put(static_cast<std::uint64_t>(layout.geometry.bulk.slot_count))
                            .put(std::uint64_t{own.arena.size()})
                            .put(reinterpret_cast<std::uint64_t>(own.word->data()))
                            .take();
  const std::array<int, 3> fds = {own.segment.memfd().get(), own.doorbell_fd,
                                  own.arena.memfd().get()};
  return send_fds(socket, fds, payload, patience.deadline, patience.clock);
}

Result<PeerMemory> take_over(int socket, const DomainLayout& layout, std::string_view whose,
                             const Patience& patience) {
  std::array<std::byte, kMemoryBytes> payload{};
  HVD_ASSIGN(ReceivedFds received, receive_exactly(socket, payload, 3, patience), whose);
  ByteReader reader(payload);
  const auto tag = reader.get<std::uint64_t>();
  const auto segment_bytes = reader.get<std::uint64_t>();
  const auto slot_bytes = reader.get<std::uint64_t>();
  const auto slot_count = reader.get<std::uint64_t>();
  const auto arena_bytes = reader.get<std::uint64_t>();
  const auto word_address = reader.get<std::uint64_t>();
  if (tag != kMemoryTag || segment_bytes != layout.segment_bytes() ||
      slot_bytes != layout.geometry.bulk.slot_bytes ||
      slot_count != static_cast<std::uint64_t>(layout.geometry.bulk.slot_count)) {
    return error(StatusCode::aborted, whose, " lays its shared memory out as ", slot_count,
                 " slots of ", slot_bytes, " bytes in ", segment_bytes, ", expected ",
                 layout.geometry.bulk.slot_count, " of ", layout.geometry.bulk.slot_bytes, " in ",
                 layout.segment_bytes(), ". do all ranks run the same version of hvd?");
  }
  PeerMemory memory;
  HVD_TRY(check_doorbell(received.fds[1].get(), whose));
  HVD_ASSIGN(memory.segment, Segment::map_peer(received.fds[0], segment_bytes, whose));
  memory.doorbell = std::move(received.fds[1]);
  memory.word_address = word_address;
  // Where there is no address space for it, tensors are copied instead.
  if (Result<Segment> arena = Segment::map_peer(received.fds[2], arena_bytes, whose); arena.ok()) {
    memory.arena = std::move(*arena);
  } else if (arena.status().code() != StatusCode::resource) {
    return arena.status().in_context("the arena");
  }
  return memory;
}

}  // namespace hvd
