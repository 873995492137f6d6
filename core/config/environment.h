// core/config/environment.h: one snapshot of the process environment; the only way to read it.
// Not here: the meaning of hvd's own variables (config.h).
// Threads: a snapshot is a value; taking one is for the thread that runs init.  Limits: none.
// Read next: config.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace hvd {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string> values) : values_(std::move(values)) {}
  static Environment of_process();

  // Nothing if the variable is not set; set and empty is a value.
  std::optional<std::string> find(const std::string& name) const;
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace hvd
