#include "backends/bootstrap/memory_limit.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/catch.h"

namespace hvd {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "hvd-memory-limit-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file) << text;
  }
};

TEST_CASE("what is left of a limit is the limit less what is used", "[memory_limit]") {
  CHECK(bytes_left("1000\n", "400\n") == 600);
  CHECK(bytes_left("1000\n", "1400\n") == 0);
  CHECK_FALSE(bytes_left("max\n", "400\n").has_value());
  CHECK_FALSE(bytes_left("9223372036854771712\n", "400\n").has_value());  // v1: no limit
  CHECK_FALSE(bytes_left("", "").has_value());
  CHECK_FALSE(bytes_left("1000", "x").has_value());
}

TEST_CASE("the tightest group on the way up decides, and the error names its file",
          "[memory_limit]") {
  const Folder folder;
  folder.write("memory.max", "max\n");
  folder.write("memory.current", "1\n");
  folder.write("a/memory.max", "5000\n");
  folder.write("a/memory.current", "4000\n");
  folder.write("a/b/memory.max", "9000\n");
  folder.write("a/b/memory.current", "100\n");
  CgroupFolders folders;
  folders.v2 = (folder.path / "a" / "b").string();
  folders.v2_mount = folder.path.string();
  const auto room = memory_room(folders);
  REQUIRE(room.has_value());
  CHECK(room->bytes == 1000);
  CHECK(check_memory_room(1000, folders, "HVD_X").ok());
  const Status refused = check_memory_room(1001, folders, "HVD_X");
  CHECK(refused.code() == StatusCode::resource);
  CHECK(refused.message().find((folder.path / "a" / "memory.max").string()) != std::string::npos);
  CHECK(refused.message().find("HVD_X") != std::string::npos);
}

TEST_CASE("a process without limits may have any amount", "[memory_limit]") {
  const Folder folder;
  CgroupFolders folders;
  folders.v2 = folder.path.string();
  folders.v2_mount = folder.path.string();
  CHECK(check_memory_room(~std::uint64_t{0}, folders, "HVD_X").ok());
  folders = {};
  CHECK(check_memory_room(~std::uint64_t{0}, folders, "HVD_X").ok());
}

TEST_CASE("a v1 group limits as well", "[memory_limit]") {
  const Folder folder;
  folder.write("memory.limit_in_bytes", "3000\n");
  folder.write("memory.usage_in_bytes", "2000\n");
  CgroupFolders folders;
  folders.v1_memory = folder.path.string();
  CHECK(check_memory_room(1000, folders, "HVD_X").ok());
  CHECK_FALSE(check_memory_room(1001, folders, "HVD_X").ok());
}

}  // namespace
}  // namespace hvd
