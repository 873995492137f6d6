// core/config/settings_table.h: one row per HVD_* variable: name, alias, type, default, doc line.
// Not here: reading them (config.h).
// Threads: constant data.  Limits: none.
// Read next: settings_table.cc; docs/settings.md is printed from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/config/config.h"

namespace hvd {

using SettingMember =
    std::variant<bool Config::*, std::int64_t Config::*, double Config::*, std::string Config::*>;

struct Setting {
  std::string_view name;
  std::string_view alias;  // Horovod's or another accepted name; "" for none
  SettingMember member;
  std::string_view default_text;  // parsed exactly like a value from the environment
  double least = 0;               // numbers only
  double most = 0;
  std::string_view doc;

  std::string_view type_name() const;
};

std::span<const Setting> settings_table();

// For people: `hvdrun --help-env`, and for docs/settings.md.
std::string settings_as_text();
std::string settings_as_markdown();

}  // namespace hvd
