#include "launcher/memory_kills.h"

#include <sstream>
#include <string>

#include "core/base/str.h"

namespace hvd {

std::uint64_t parse_oom_kills(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string name;
  std::uint64_t count = 0;
  while (lines >> name >> count) {
    if (name == "oom_kill") {
      return count;
    }
  }
  return 0;
}

std::uint64_t count_memory_kills(const CgroupFolders& folders) {
  std::uint64_t count = 0;
  if (!folders.v2.empty()) {
    count += parse_oom_kills(read_text_file(str(folders.v2, "/memory.events")));
  }
  if (!folders.v1_memory.empty()) {
    count += parse_oom_kills(read_text_file(str(folders.v1_memory, "/memory.oom_control")));
  }
  return count;
}

}  // namespace hvd
