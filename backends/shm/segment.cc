#include "backends/shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "backends/net/no_memory.h"
#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

constexpr std::string_view kRemedy = "run fewer ranks on this host, or lower HVD_ARENA_BYTES";

Status no_segment(std::string_view doing, std::size_t bytes, int error_number) {
  return no_memory(doing, bytes, "shared memory", error_number, kRemedy);
}

}  // namespace

Result<Segment> Segment::create(std::size_t bytes) {
  Segment segment;
  segment.memfd_ = Fd(::memfd_create("hvd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!segment.memfd_.open()) {
    return os_error("making a memfd for shared memory", errno);
  }
  // Past this limit the kernel would not only refuse but send SIGXFSZ, which ends the process.
  if (rlimit limit{}; ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur) {
    return no_segment("reserving", bytes, EFBIG);
  }
  if (::ftruncate(segment.memfd_.get(), static_cast<off_t>(bytes)) != 0) {
    return no_segment("reserving", bytes, errno);
  }
  if (::fcntl(segment.memfd_.get(), F_ADD_SEALS, kSeals) != 0) {
    return os_error("sealing shared memory", errno);
  }
  HVD_TRY(segment.map(segment.memfd_, bytes));
  return segment;
}

Result<Segment> Segment::create_unshared(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return no_segment("mapping", bytes, errno);
  }
  Segment segment;
  segment.data_ = static_cast<std::byte*>(memory);
  segment.bytes_ = bytes;
  return segment;
}

Status Segment::check_room(std::size_t bytes, std::size_t bytes_of_peers) {
  HVD_ASSIGN(const Segment own, create(bytes));
  if (bytes_of_peers == 0) {
    return ok_status();
  }
  void* memory = ::mmap(nullptr, bytes_of_peers, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return no_segment("mapping", bytes_of_peers, errno);
  }
  ::munmap(memory, bytes_of_peers);
  return ok_status();
}

Result<Segment> Segment::map_peer(const Fd& memfd, std::size_t bytes, std::string_view whose) {
  const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return error(StatusCode::aborted, whose,
                 " handed over a descriptor that is not shared memory sealed against shrinking");
  }
  struct stat found {};
  if (::fstat(memfd.get(), &found) != 0) {
    return os_error(str("looking at the shared memory of ", whose), errno);
  }
  if (static_cast<std::size_t>(found.st_size) != bytes) {
    return error(StatusCode::aborted, whose, " handed over ", found.st_size,
                 " bytes of shared memory, expected ", bytes,
                 ". do all ranks run the same version of hvd?");
  }
  Segment segment;
  HVD_TRY(segment.map(memfd, bytes));
  return segment;
}

Status Segment::map(const Fd& memfd, std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd.get(), 0);
  if (memory == MAP_FAILED) {
    return no_segment("mapping", bytes, errno);
  }
  data_ = static_cast<std::byte*>(memory);
  bytes_ = bytes;
  return ok_status();
}

void Segment::unmap() {
  if (data_ != nullptr) {
    ::munmap(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
  }
}

Segment::Segment(Segment&& other) noexcept
    : memfd_(std::move(other.memfd_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  if (this != &other) {
    unmap();
    memfd_ = std::move(other.memfd_);
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

}  // namespace hvd
