// The C API's functions that give text: version, errors, state, settings.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "bindings/c/hvd.h"
#include "bindings/c/last_error.h"
#include "bindings/c/process.h"
#include "bindings/c/runtime.h"
#include "core/config/settings_table.h"

namespace hvd {
namespace {

size_t copy_text(const std::string& text, char* buffer, size_t capacity) {
  if (buffer != nullptr && capacity > 0) {
    const size_t length = std::min(text.size(), capacity - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = '\0';
  }
  return text.size();
}

}  // namespace
}  // namespace hvd

extern "C" {

const char* hvd_version(void) { return HVD_VERSION_TEXT; }
const char* hvd_last_error(void) { return hvd::last_error().message().c_str(); }
const char* hvd_last_error_tensor(void) { return hvd::last_error().tensor().c_str(); }
int hvd_last_error_rank(void) { return hvd::last_error().culprit_rank(); }

size_t hvd_info(char* buffer, size_t capacity) {
  const hvd::Result<std::shared_ptr<hvd::Runtime>> runtime = hvd::current();
  return hvd::copy_text(runtime.ok() ? (*runtime)->info_json() : "{\"initialized\":false}", buffer,
                        capacity);
}
size_t hvd_settings_text(const char* format, char* buffer, size_t capacity) {
  const bool markdown = format != nullptr && std::strcmp(format, "markdown") == 0;
  return hvd::copy_text(markdown ? hvd::settings_as_markdown() : hvd::settings_as_text(), buffer,
                        capacity);
}

}  // extern "C"
