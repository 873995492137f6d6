#include "backends/engine/peer_parts.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/base/check.h"

namespace hvd {
namespace {

using Address = std::uint64_t;

// The slots begin with a word that says for which item the addresses behind it stand; 0 for none.
using StandsFor = std::atomic<std::uint64_t>;

constexpr std::uint64_t stamp_of(std::uint64_t work_id) { return work_id + 1; }

Address address_of(const std::byte* memory) { return reinterpret_cast<Address>(memory); }

// How many addresses a rank tells: of each tensor, of its one part, or of the part of each rank.
std::size_t address_count(const WorkItem& item) {
  return item.kind == CollectiveKind::broadcast  ? item.segments.size()
         : item.kind == CollectiveKind::alltoall ? item.send_counts.size()
                                                 : 1;
}

}  // namespace

// In place, an input is where its elements are in the output.
Status tell_parts(const WorkItem& item, const Schedule& schedule, std::byte* slots,
                  std::size_t slot_bytes) {
  const std::size_t count = address_count(item);
  if (sizeof(StandsFor) + count * sizeof(Address) > slot_bytes) {
    return error(StatusCode::unsupported, collective_name(item.kind), " '", item.label,
                 "': ", count, " tensors or ranks are more than the ", slot_bytes,
                 " bytes that ranks share for it can tell of. see HVD_ALGORITHM and "
                 "HVD_SINGLE_COPY");
  }
  std::byte* place = slots + sizeof(StandsFor);
  std::size_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_parted = item.kind == CollectiveKind::alltoall;
    const std::byte* input = item.segments[is_parted ? 0 : i].input;
    const Address address = address_of(input) + before * dtype_bytes(item.dtype);
    std::memcpy(place, &address, sizeof address);
    place += sizeof address;
    before += is_parted ? schedule.send_counts[i] : 0;
  }
  reinterpret_cast<StandsFor*>(slots)->store(stamp_of(item.id), std::memory_order_release);
  return ok_status();
}

// The fence keeps what the user does with the tensors behind the store.
void withdraw_parts(std::byte* slots) {
  reinterpret_cast<StandsFor*>(slots)->store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

// The fence keeps the look behind what was read before.
bool parts_stand(const std::byte* slots, std::uint64_t work_id) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return reinterpret_cast<const StandsFor*>(slots)->load(std::memory_order_acquire) ==
         stamp_of(work_id);
}

Status PeerPart::find(const WorkItem& item, const Schedule& schedule, Rank peer,
                      const std::byte* slots) {
  is_found_ = false;
  element_bytes_ = dtype_bytes(item.dtype);
  pieces_.clear(element_bytes_);
  const bool is_whole = item.kind == CollectiveKind::broadcast;
  const std::byte* place = slots + sizeof(StandsFor);
  place += item.kind == CollectiveKind::alltoall ? schedule.rank.index() * sizeof(Address) : 0;
  for (std::size_t i = 0; i < (is_whole ? item.segments.size() : 1); ++i) {
    Address address = 0;
    std::memcpy(&address, place, sizeof address);
    place += sizeof address;
    const std::size_t count =
        is_whole ? item.segments[i].element_count : schedule.counts[peer.index()];
    if (count > 0 && (address == 0 || count * element_bytes_ > ~address)) {
      return error(StatusCode::aborted, "rank ", peer, " of the group says of ",
                   collective_name(item.kind), " '", item.label, "' that ", count * element_bytes_,
                   " bytes lie at address ", address,
                   ". its memory is damaged, or it runs another version of hvd");
    }
    pieces_.append(reinterpret_cast<std::byte*>(address), count);
  }
  work_id_ = item.id;
  is_found_ = true;
  return ok_status();
}

Status PeerPart::copy(PieceCursor dst, std::size_t offset, std::size_t count, Rank peer,
                      MemoryReader& reader) const {
  std::array<ReadPiece, kReadPiecesMax> pieces;
  std::size_t piece_count = 0;
  Status status;
  const auto read_them = [&] {
    if (status.ok() && piece_count > 0) {
      status = reader.read(peer, std::span(pieces).first(piece_count));
    }
    piece_count = 0;
  };
  walk_pieces(
      count,
      [&](std::byte* to, const std::byte* from, std::size_t n) {
        pieces[piece_count++] = {to, address_of(from), n * element_bytes_};
        if (piece_count == pieces.size()) {
          read_them();
        }
      },
      dst, pieces_.at(offset, count));
  read_them();
  return status;
}

}  // namespace hvd
