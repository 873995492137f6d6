#include "launcher/child.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backends/net/fd.h"
#include "launcher/command_lookup.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct Run {
  std::string output;
  int wait_status = -1;
};

SignalSetting present_signals() {
  SignalSetting setting;
  ::sigprocmask(SIG_BLOCK, nullptr, &setting.mask);
  return setting;
}

ChildSpec spec_for(std::vector<std::string> command, const Fd& out, const Fd& null) {
  return {.program = command[0],
          .command = command,
          .environment = {{"GREETING", "hello"}},
          .stdin_fd = null.get(),
          .stdout_fd = out.get(),
          .stderr_fd = out.get()};
}

Run run(const std::vector<std::string>& command, int kept_fd = -1) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ChildSpec spec = spec_for(command, writer, null);
  spec.kept_fd = kept_fd;
  const Result<pid_t> child = start_child(spec, present_signals());
  INFO(child.status().message());
  REQUIRE(child.ok());
  writer.reset();
  Run result;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(reader.get(), buffer, sizeof buffer)) > 0;) {
    result.output.append(buffer, static_cast<std::size_t>(count));
  }
  REQUIRE(::waitpid(*child, &result.wait_status, 0) == *child);
  return result;
}

TEST_CASE("a rank leads its own process group, with exactly the environment it is given",
          "[child]") {
  const Run result =
      run({"/bin/sh", "-c", "echo $GREETING $HOME-; ps -o pgid= -p $$ | tr -d ' '; echo $$"});
  REQUIRE(WIFEXITED(result.wait_status));
  const std::string pid =
      result.output.substr(result.output.find_last_of('\n', result.output.size() - 2) + 1);
  CHECK(result.output == "hello -\n" + pid + pid);
}

TEST_CASE("of hvdrun's descriptors a rank gets the kept one only", "[child]") {
  const Fd kept(::memfd_create("kept", MFD_CLOEXEC));
  const Fd other(::memfd_create("other", MFD_CLOEXEC));
  const std::string look = str("for i in ", kept.get(), " ", other.get(),
                               "; do test -e /proc/self/fd/$i && echo $i; done");
  CHECK(run({"/bin/sh", "-c", look}, kept.get()).output == str(kept.get(), "\n"));
}

TEST_CASE("a script without a first line runs in a shell", "[child]") {
  std::string name = (std::filesystem::temp_directory_path() / "hvd-child-XXXXXX").string();
  const Fd file(::mkostemp(name.data(), O_CLOEXEC));
  const std::string script = str(name, ".sh");
  std::ofstream(script) << "echo plain $1\n";
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  CHECK(run({script, "word"}).output == "plain word\n");
  ::unlink(script.c_str());
  ::unlink(name.c_str());
}

TEST_CASE("a program that cannot be executed is a reason and leaves no process", "[child]") {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Result<pid_t> missing = start_child(spec_for({"/no/such"}, null, null), present_signals());
  REQUIRE(!missing.ok());
  CHECK(exit_status_for(missing.status()) == 127);
  const Result<pid_t> folder = start_child(spec_for({"/proc"}, null, null), present_signals());
  REQUIRE(!folder.ok());
  CHECK(exit_status_for(folder.status()) == 126);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

}  // namespace
}  // namespace hvd
