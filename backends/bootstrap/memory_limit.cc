#include "backends/bootstrap/memory_limit.h"

#include <algorithm>
#include <charconv>

#include "core/base/str.h"

namespace hvd {
namespace {

// What v1 says for "no limit" is 2^63 rounded down to a page.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;

std::optional<std::uint64_t> number(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

void look(const std::string& limit_file, const std::string& usage_file,
          std::optional<MemoryRoom>& room) {
  const auto left = bytes_left(read_text_file(limit_file), read_text_file(usage_file));
  if (left.has_value() && (!room.has_value() || *left < room->bytes)) {
    room = MemoryRoom{*left, limit_file};
  }
}

}  // namespace

std::optional<std::uint64_t> bytes_left(std::string_view limit, std::string_view usage) {
  const std::optional<std::uint64_t> most = number(limit);
  const std::optional<std::uint64_t> used = number(usage);
  if (!most.has_value() || !used.has_value() || *most >= kNoLimit) {
    return std::nullopt;
  }
  return *most > *used ? *most - *used : 0;
}

std::optional<MemoryRoom> memory_room(const CgroupFolders& folders) {
  std::optional<MemoryRoom> room;
  if (!folders.v1_memory.empty()) {
    look(folders.v1_memory + "/memory.limit_in_bytes", folders.v1_memory + "/memory.usage_in_bytes",
         room);
  }
  // Each folder on the way up limits what lies below it.
  std::string folder = folders.v2;
  while (!folder.empty() && folder.size() >= folders.v2_mount.size()) {
    look(folder + "/memory.max", folder + "/memory.current", room);
    folder.resize(std::min(folder.find_last_of('/'), folder.size()));
  }
  return room;
}

Status check_memory_room(std::uint64_t bytes, const CgroupFolders& folders,
                         std::string_view setting) {
  const std::optional<MemoryRoom> room = memory_room(folders);
  if (!room.has_value() || bytes <= room->bytes) {
    return ok_status();
  }
  return error(StatusCode::resource, bytes, " bytes of shared memory are more than the ",
               room->bytes,
               " that the control group has left; touching them would end the process. ",
               "limit: ", room->file, ". raise it, or take less: ", setting);
}

}  // namespace hvd
