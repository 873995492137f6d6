// rank_shell: a rank that does what it is told, one command a line, and answers one line each:
//   <seconds on the monotonic clock> ok ...
//   <seconds> error <hvd_status_t> <rank of the culprit> <tensor or -> <text>
// Commands come from the arguments ("*:barrier a", "1:raise 9", "0,2:..."; the selector is for
// ranks, by HVD_RANK) or else from standard input.

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/multiproc/workers/hold.h"
#include "tests/multiproc/workers/shell_operation.h"

namespace hvd_worker {
namespace {

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void pause_for(double seconds) { (void)::poll(nullptr, 0, static_cast<int>(seconds * 1000)); }

void answer(const std::string& text) {
  char head[32];
  (void)snprintf(head, sizeof head, "%.6f ", now());
  std::string line = head + text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  const char* at = line.data();
  for (std::size_t left = line.size(); left > 0;) {
    const ssize_t n = ::write(STDOUT_FILENO, at, left);
    if (n <= 0) {
      ::_exit(98);
    }
    at += n;
    left -= static_cast<std::size_t>(n);
  }
}

class Shell {
 public:
  // False when the process should end.
  void run(const std::string& line) {
    const Command command(line);
    if (command.words.empty()) {
      return;
    }
    if (ShellOperation::is_kind(command.word(0))) {
      start(command, true);
      return;
    }
    const auto at = commands_.find(command.word(0));
    if (at == commands_.end()) {
      std::cerr << "rank_shell: no command '" << line << "'\n";
      ::_exit(97);
    }
    at->second(command);
  }

 private:
  void said(hvd_status_t status, const std::string& text = "") {
    answer(status == HVD_OK ? "ok " + text : error_text(status));
  }

  void init(const Command& command) {
    hvd_init_options_t options{};
    options.struct_size = sizeof options;
    options.rank = static_cast<int>(command.number("rank", 0));
    options.size = static_cast<int>(command.number("size", 0));
    options.local_rank = -1;
    said(hvd_init(&options), "init");
  }

  void start(const Command& command, bool wait_too) {
    auto op = std::make_unique<ShellOperation>();
    Command shifted = command;
    if (wait_too) {
      shifted.words.insert(shifted.words.begin(), "start");
    }
    const hvd_status_t status = op->submit(shifted);
    if (status != HVD_OK) {
      answer(error_text(status));
      return;
    }
    const std::string key = op->key();
    graveyard_.push_back(std::exchange(pending_[key], std::move(op)));
    if (wait_too) {
      wait(key, -1);
    } else {
      answer("ok started");
    }
  }

  void wait(const std::string& key, double timeout) {
    const auto at = pending_.find(key);
    if (at == pending_.end()) {
      std::cerr << "rank_shell: nothing pending under " << key << "\n";
      ::_exit(97);
    }
    hvd_status_t status = HVD_ERROR_INTERRUPTED;
    while (status == HVD_ERROR_INTERRUPTED) {
      status = hvd_wait(at->second->handle(), timeout);
    }
    if (status == HVD_TIMED_OUT) {
      answer("timed out");
      return;
    }
    answer(status == HVD_OK ? at->second->outcome() : error_text(status));
    (void)hvd_release(at->second->handle());
    graveyard_.push_back(std::move(at->second));
    pending_.erase(at);
  }

  // `loop KIND NAME DTYPE SHAPE ...`: the operation again and again until it fails.
  void loop(const Command& command) {
    Command each = command;
    each.words[0] = "start";
    const long most = static_cast<long>(command.number("times", 1e18));
    for (long i = 0; i < most; ++i) {
      ShellOperation op;
      hvd_status_t status = op.submit(each);
      if (status == HVD_OK) {
        if (i == 1) {
          answer("ok looping");  // the first one is through everywhere
        }
        status = hvd_wait(op.handle(), -1);
      }
      if (status != HVD_OK) {
        answer(error_text(status));
        return;
      }
      (void)hvd_release(op.handle());
    }
    answer("ok looped");
  }

  void place() {
    std::ostringstream out;
    out << "ok place " << hvd_rank() << " " << hvd_size() << " " << hvd_local_rank() << " "
        << hvd_local_size() << " " << hvd_cross_rank() << " " << hvd_cross_size();
    answer(out.str());
  }

  void info() {
    std::string text(hvd_info(nullptr, 0) + 1, '\0');
    (void)hvd_info(text.data(), text.size());
    text.resize(text.size() - 1);
    answer("ok " + text);
  }

  void usage() {
    std::ifstream status("/proc/self/status");
    std::string line;
    std::string rss;
    std::string threads;
    while (std::getline(status, line)) {
      std::istringstream in(line);
      std::string key;
      std::string value;
      in >> key >> value;
      rss = key == "VmRSS:" ? value : rss;
      threads = key == "Threads:" ? value : threads;
    }
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    const auto fd_count = std::distance(fds, {}) - 1;  // without the one that is reading
    answer("ok usage " + rss + " " + std::to_string(fd_count) + " " + threads);
  }

  // init, barrier, shutdown: `cycle TIMES`
  void cycle(const Command& command) {
    const double start = now();
    const int times = std::atoi(command.word(1).c_str());
    for (int i = 0; i < times; ++i) {
      for (const auto& step :
           {+[] { return hvd_init(nullptr); }, +[] { return hvd_barrier("cycle", nullptr); },
            +[] { return hvd_shutdown(); }}) {
        if (const hvd_status_t status = step(); status != HVD_OK) {
          answer(error_text(status) + " in cycle " + std::to_string(i));
          return;
        }
      }
    }
    answer("ok cycled " + std::to_string((now() - start) / times * 1e3) + " ms each");
  }

  // `fork exit`: the child ends by exit(), so our exit handlers run in it; `fork stay`: it lives on
  // until it is killed, with our standard output closed.
  void fork_child(const Command& command) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (command.word(1) == "exit") {
        std::exit(hvd_barrier("in the child", nullptr) == HVD_ERROR_PRECONDITION ? 7 : 8);
      }
      ::close(STDIN_FILENO);
      ::close(STDOUT_FILENO);
      ::close(STDERR_FILENO);
      for (;;) {
        ::pause();
      }
    }
    if (command.word(1) == "exit") {
      int status = 0;
      ::waitpid(pid, &status, 0);
      answer("ok child " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1));
      return;
    }
    answer("ok child " + std::to_string(pid));
  }

  // `hold UNITS`: the operation that runs next stands still once it has done so much (hold.h). The
  // rank says so and goes on with everything else.
  void hold(const Command& command) {
    if (hold_next == nullptr) {
      std::cerr << "rank_shell: only rank_shell_held can hold\n";
      ::_exit(97);
    }
    hold_next(std::atoi(command.word(1).c_str()), [] { answer("ok held"); });
    answer("ok will hold");
  }

  // Of the operation that was waited for last. `memory kept`: its input is what it was filled with.
  // `memory take`: it is the user's again, who writes to all of it. `memory taken`: nobody else
  // did.
  void memory(const Command& command) {
    ShellOperation& last = *graveyard_.back();
    const std::string what = command.word(1);
    if (what == "take") {
      last.take_memory();
    }
    const bool good = what == "take" || (what == "kept" ? last.input_kept() : last.memory_taken());
    answer(good ? "ok memory " + what : "changed memory");
  }

  void execute(const Command& command) {
    std::vector<char*> arguments;
    std::vector<std::string> words(command.words.begin() + 1, command.words.end());
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    answer("ok exec");
    ::execvp(arguments[0], arguments.data());
    ::_exit(96);
  }

  std::map<std::string, std::function<void(const Command&)>> commands_ = {
      {"init", [this](const Command& c) { init(c); }},
      {"shutdown", [this](const Command&) { said(hvd_shutdown(), "shutdown"); }},
      {"start", [this](const Command& c) { start(c, false); }},
      {"wait", [this](const Command& c) { wait(c.word(1), c.number("timeout", -1)); }},
      {"loop", [this](const Command& c) { loop(c); }},
      {"place", [this](const Command&) { place(); }},
      {"info", [this](const Command&) { info(); }},
      {"usage", [this](const Command&) { usage(); }},
      {"cycle", [this](const Command& c) { cycle(c); }},
      {"fork", [this](const Command& c) { fork_child(c); }},
      {"hold", [this](const Command& c) { hold(c); }},
      {"memory", [this](const Command& c) { memory(c); }},
      {"exec", [this](const Command& c) { execute(c); }},
      {"pid", [](const Command&) { answer("ok pid " + std::to_string(::getpid())); }},
      {"say", [](const Command& c) { answer("ok " + c.word(1)); }},
      {"pause", [](const Command& c) { pause_for(std::atof(c.word(1).c_str())); }},
      {"raise", [](const Command& c) { ::raise(std::atoi(c.word(1).c_str())); }},
      {"exit", [](const Command& c) { std::exit(std::atoi(c.word(1).c_str())); }},
      {"quit", [](const Command& c) { ::_exit(std::atoi(c.word(1).c_str())); }},
  };
  std::map<std::string, std::unique_ptr<ShellOperation>> pending_;
  // Memory of operations that are not known to be done stays borrowed.
  std::vector<std::unique_ptr<ShellOperation>> graveyard_;
};

bool selected(const std::string& selector, const std::string& rank) {
  std::istringstream in(selector);
  std::string one;
  while (std::getline(in, one, ',')) {
    if (one == "*" || one == rank) {
      return true;
    }
  }
  return false;
}

int main_of(int argc, char** argv) {
  // Exit handlers of hvd may still write to the tensors, so the shell outlives them.
  static auto* shell = new Shell();
  if (argc > 1) {
    const char* own = std::getenv("HVD_RANK");  // NOLINT: one thread so far
    const std::string rank = own == nullptr ? "0" : own;
    for (int i = 1; i < argc; ++i) {
      const std::string text = argv[i];
      const std::size_t colon = text.find(':');
      if (selected(text.substr(0, colon), rank)) {
        shell->run(text.substr(colon + 1));
      }
    }
    return 0;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    shell->run(line);
  }
  return 0;
}

}  // namespace
}  // namespace hvd_worker

int main(int argc, char** argv) { return hvd_worker::main_of(argc, argv); }
