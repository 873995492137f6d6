#include "core/config/config.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>

#include "core/config/settings_table.h"

namespace hvd {
namespace {

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Status bad_value(std::string_view name, std::string_view value, const std::string& allowed) {
  return error(StatusCode::invalid_argument, "setting ", name, " has the value '", value,
               "'; allowed is ", allowed, ". unset it or correct it");
}

// 16777216, not 1.67772e+07.
std::string number_text(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? str(whole) : str(number);
}

std::string range_text(const Setting& row, std::string_view kind) {
  return str(kind, " from ", number_text(row.least), " to ", number_text(row.most));
}

Status set_bool(const Setting& row, bool Config::*member, std::string_view name,
                std::string_view text, Config& config) {
  // Horovod's rule: an integer above 0 is true.
  const std::optional<std::int64_t> value = parse_number<std::int64_t>(text);
  if (!value) {
    return bad_value(name, text, "0 or 1");
  }
  (void)row;
  config.*member = *value > 0;
  return ok_status();
}

template <typename Number>
Status set_number(const Setting& row, Number Config::*member, std::string_view name,
                  std::string_view text, Config& config) {
  const std::optional<Number> value = parse_number<Number>(text);
  const auto as_double = static_cast<double>(value.value_or(Number{}));
  if (!value || !std::isfinite(as_double) || as_double < row.least || as_double > row.most) {
    return bad_value(name, text,
                     range_text(row, std::is_integral_v<Number> ? "an integer" : "a number"));
  }
  config.*member = *value;
  return ok_status();
}

Status set_value(const Setting& row, std::string_view name, std::string_view text, Config& config) {
  if (const auto* member = std::get_if<bool Config::*>(&row.member)) {
    return set_bool(row, *member, name, text, config);
  }
  if (const auto* member = std::get_if<std::int64_t Config::*>(&row.member)) {
    return set_number(row, *member, name, text, config);
  }
  if (const auto* member = std::get_if<double Config::*>(&row.member)) {
    return set_number(row, *member, name, text, config);
  }
  config.*std::get<std::string Config::*>(row.member) = std::string(text);
  return ok_status();
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Status check_words(const Config& config) {
  if (!one_of(config.wire_dtype, {"auto", "none", "bf16", "fp16"})) {
    return bad_value("HVD_WIRE_DTYPE", config.wire_dtype, "auto, none, bf16 or fp16");
  }
  if (!one_of(config.single_copy, {"auto", "off"})) {
    return bad_value("HVD_SINGLE_COPY", config.single_copy, "auto or off");
  }
  // HVD_ALGORITHM is for the data plane to check: it knows its algorithms.
  if (!one_of(config.log_level, {"trace", "debug", "info", "warning", "error", "off"})) {
    return bad_value("HVD_LOG_LEVEL (or its alias)", config.log_level,
                     "trace, debug, info, warning, error or off");
  }
  return ok_status();
}

}  // namespace

Result<Config> read_config(const Environment& environment) {
  Config config;
  for (const Setting& row : settings_table()) {
    HVD_TRY(set_value(row, row.name, row.default_text, config));
    for (const std::string_view name : {row.name, row.alias}) {
      const std::optional<std::string> text =
          name.empty() ? std::nullopt : environment.find(std::string(name));
      if (text) {
        HVD_TRY(set_value(row, name, *text, config));
        config.given.emplace_back(name);
        break;  // our own name wins over the alias
      }
    }
  }
  // Horovod's scripts write levels in any case.
  std::transform(config.log_level.begin(), config.log_level.end(), config.log_level.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (config.log_level == "fatal") {
    config.log_level = "error";  // Horovod's word; we have nothing above an error
  }
  HVD_TRY(check_words(config));
  return config;
}

}  // namespace hvd
