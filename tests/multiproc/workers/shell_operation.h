// tests/multiproc/workers/shell_operation.h: one operation of a rank_shell, with its memory.
// Not here: the other commands, and when operations are waited for (rank_shell.cc).
// Threads: the main thread.  Limits: what a line of text can say.
// Read next: rank_shell.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/multiproc/workers/hvd_values.h"

namespace hvd_worker {

struct Command {
  explicit Command(const std::string& line);

  std::string word(std::size_t index) const { return index < words.size() ? words[index] : ""; }
  double number(const std::string& key, double otherwise) const;
  std::string text(const std::string& key) const;

  std::vector<std::string> words;
  std::map<std::string, std::string> settings;  // key=value
};

// The calling thread's last failure: "error STATUS RANK TENSOR TEXT".
std::string error_text(hvd_status_t status);

// `KIND NAME DTYPE SHAPE`, with op= root= pre= post= deadline= value= splits=1,2,... peer= tag=
// out=1 (a reduction into memory of its own) arena=1 (in memory of hvd_alloc) null=1 (no memory)
// shift=BYTES (the output begins so far behind the input). The name - is none.
class ShellOperation {
 public:
  static bool is_kind(const std::string& word);

  ShellOperation() = default;
  ~ShellOperation();
  ShellOperation(const ShellOperation&) = delete;
  ShellOperation& operator=(const ShellOperation&) = delete;

  // The words begin with any one, which is not looked at.
  hvd_status_t submit(const Command& command);
  hvd_handle_t handle() const { return handle_; }
  // By which the shell knows it: its name, or for a message "send" or "recv".
  const std::string& key() const { return key_; }
  // Of one that went well: "ok KIND BYTES CHECKSUM first VALUE".
  std::string outcome() const;

  bool input_kept() const;
  void take_memory();
  bool memory_taken() const;

 private:
  hvd_status_t submit_tensor(const char* name, const Command& command);
  void make_memory(const Command& command);
  void fill(unsigned char* to, double value) const;
  hvd_tensor_t tensor_at(unsigned char* data) const;

  std::string kind_;
  std::string key_;
  Named dtype_{};
  std::vector<std::int64_t> shape_;
  std::vector<std::int64_t> output_shape_;
  std::vector<std::int64_t> splits_;
  double value_ = 1;
  std::size_t bytes_ = 0;
  std::vector<unsigned char> own_;  // input and, behind it, output
  void* arena_ = nullptr;           // instead of own_
  unsigned char* input_ = nullptr;
  unsigned char* output_ = nullptr;
  bool in_place_ = false;
  hvd_options_t options_{};
  hvd_handle_t handle_ = 0;
};

}  // namespace hvd_worker
