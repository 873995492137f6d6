#include "backends/shm/process_memory.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "backends/net/os_error.h"
#include "core/base/check.h"

namespace hvd {
namespace {

// 0, or why not all of it could be read. What cannot be read may lie behind what can.
int read_all(pid_t pid, std::span<const ReadPiece> pieces) {
  std::array<iovec, kReadPiecesMax> local;
  std::array<iovec, kReadPiecesMax> remote;
  HVD_CHECK(pieces.size() <= kReadPiecesMax);
  ssize_t total = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    local[i] = {pieces[i].to, pieces[i].byte_count};
    remote[i] = {reinterpret_cast<void*>(pieces[i].from), pieces[i].byte_count};
    total += static_cast<ssize_t>(pieces[i].byte_count);
  }
  const ssize_t got =
      ::process_vm_readv(pid, local.data(), pieces.size(), remote.data(), pieces.size(), 0);
  return got == total ? 0 : got < 0 ? errno : EFAULT;
}

// Yama, seccomp, capabilities and namespaces all say the same.
std::string refusal(int error_number) {
  return str(
      os_reason(error_number),
      error_number == EPERM
          ? ". one process may read another's memory where kernel.yama.ptrace_scope is 0 and "
            "both are of one user, can dump core and are in one container"
          : "");
}

Status probe(pid_t pid, std::uint64_t address, const ProbeWord& word) {
  ProbeWord found{};
  const ReadPiece piece{reinterpret_cast<std::byte*>(found.data()), address, sizeof found};
  if (const int cause = read_all(pid, {&piece, 1}); cause != 0) {
    return error(StatusCode::permission_denied, "process_vm_readv: ", refusal(cause));
  }
  if (found != word) {
    return error(StatusCode::permission_denied, "process ", pid,
                 " does not have the word that the rank says lies there");
  }
  return ok_status();
}

}  // namespace

// The descriptor comes before the probe: it stands for the process that the probe then read.
Status ProcessMemory::add(Rank peer, std::string who, int socket, std::uint64_t address,
                          const ProbeWord& word) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return os_error("SO_PEERCRED", errno);
  }
  if (credentials.pid <= 0) {
    return error(StatusCode::permission_denied, "its process is in another pid namespace");
  }
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, credentials.pid, 0)));
  if (!process.open()) {
    return os_error("pidfd_open", errno);
  }
  HVD_TRY(probe(credentials.pid, address, word));
  peers_[peer.index()] = {credentials.pid, std::move(process), std::move(who)};
  return has_lived(peer);
}

Status ProcessMemory::add_this_process() {
  const ProbeWord word = {0x2545f4914f6cdd1d, 0x9e3779b97f4a7c15};
  HVD_TRY(probe(::getpid(), reinterpret_cast<std::uint64_t>(word.data()), word));
  for (std::size_t rank = 0; rank < peers_.size(); ++rank) {
    peers_[rank].pid = ::getpid();
    peers_[rank].who = str("rank ", rank);
  }
  return ok_status();
}

Status ProcessMemory::read(Rank peer, std::span<const ReadPiece> pieces) {
  const Peer& process = peers_[peer.index()];
  HVD_CHECK(process.pid > 0);  // pair: schedules that read are made where all ranks may
  const int cause = read_all(process.pid, pieces);
  if (cause == 0) {
    return ok_status();
  }
  HVD_TRY(has_lived(peer));
  if (cause == ESRCH) {  // its memory goes before the rest of it does
    return died(peer);
  }
  std::size_t bytes = 0;
  for (const ReadPiece& piece : pieces) {
    bytes += piece.byte_count;
  }
  return error(StatusCode::unsupported, process.who,
               " has a tensor that other processes cannot read: ", bytes, " bytes from address ",
               pieces.front().from, " on, process_vm_readv: ", os_reason(cause),
               ". memory of a device cannot be read so; with HVD_SINGLE_COPY off it passes through "
               "shared memory instead")
      .blame_rank(peer.value);
}

Status ProcessMemory::has_lived(Rank peer) {
  const Peer& process = peers_[peer.index()];
  if (!process.process.open()) {
    return ok_status();
  }
  pollfd ended{.fd = process.process.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, 0) == 0 ? ok_status() : died(peer);
}

// Its ends: memory from one allocation is of one kind. Reading oneself takes the same way through
// the kernel as others' reads do.
bool ProcessMemory::can_be_read(const std::byte* memory, std::size_t byte_count) const {
  if (byte_count == 0) {
    return true;
  }
  std::array<std::byte, 2> ends{};
  const auto first = reinterpret_cast<std::uint64_t>(memory);
  const std::array<ReadPiece, 2> pieces = {
      {{ends.data(), first, 1}, {ends.data() + 1, first + byte_count - 1, 1}}};
  return read_all(::getpid(), pieces) == 0;
}

Status ProcessMemory::died(Rank peer) const {
  return error(StatusCode::aborted, peers_[peer.index()].who,
               " died: its process ended while its tensor was still read")
      .blame_rank(peer.value);
}

void ProcessMemory::for_each_fd(const std::function<void(int)>& visit) const {
  for (const Peer& peer : peers_) {
    if (peer.process.open()) {
      visit(peer.process.get());
    }
  }
}

}  // namespace hvd
