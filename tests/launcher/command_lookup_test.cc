#include "launcher/command_lookup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.h"

namespace hvd {
namespace {

// A folder of its own that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "hvd-lookup-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string add(const std::string& name, bool executable) const {
    std::string file = path_ + "/" + name;
    std::ofstream(file) << "#!/bin/sh\n";
    REQUIRE(::chmod(file.c_str(), executable ? 0755 : 0644) == 0);
    return file;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool mentions(const Status& status, const std::string& part) {
  return status.message().find(part) != std::string::npos;
}

TEST_CASE("a name is the first program of that name in the search path", "[command_lookup]") {
  const Folder first;
  const Folder second;
  (void)first.add("tool", false);  // not executable: the search goes on
  const std::string tool = second.add("tool", true);
  CHECK(*look_up_command("tool", first.path() + ":" + second.path()) == tool);
  CHECK(*look_up_command(tool, "") == tool);
}

TEST_CASE("a command that is not there says where it was looked for", "[command_lookup]") {
  const Folder folder;
  const Status by_name = look_up_command("no-such-tool", folder.path()).status();
  CHECK(exit_status_for(by_name) == 127);
  CHECK(mentions(by_name, "cannot run 'no-such-tool': no such file or directory in any folder"));
  const Status by_path = look_up_command("./no-such-tool", folder.path()).status();
  CHECK(exit_status_for(by_path) == 127);
  CHECK(exit_status_for(look_up_command("", folder.path()).status()) == 127);
}

TEST_CASE("a file that cannot be executed gets advice", "[command_lookup]") {
  const Folder folder;
  const Status script = look_up_command(folder.add("train.py", false), "").status();
  CHECK(exit_status_for(script) == 126);
  CHECK(mentions(script, "run it as: python3 "));
  const Status other = look_up_command(folder.add("trainer", false), "").status();
  CHECK(mentions(other, "chmod +x"));
  const Status place = look_up_command(folder.path(), "").status();
  CHECK(exit_status_for(place) == 126);
  CHECK(mentions(place, "it is a folder"));
}

TEST_CASE("python is pointed to python3 where only that is there", "[command_lookup]") {
  const Folder folder;
  (void)folder.add("python3", true);
  CHECK(mentions(look_up_command("python", folder.path()).status(), "'python3' is there"));
}

}  // namespace
}  // namespace hvd
