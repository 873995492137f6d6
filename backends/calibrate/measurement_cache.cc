#include "backends/calibrate/measurement_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "backends/bootstrap/cores.h"
#include "backends/net/fd.h"
#include "backends/net/os_error.h"
#include "core/base/str.h"

namespace hvd {
namespace {

constexpr std::string_view kTitle = "hvd measurements 1\n";
constexpr std::string_view kEnd = "end\n";  // a file without was cut
constexpr std::size_t kFileBytesMost = 4096;

// The first bytes of a file, at most `most`; nothing if it cannot be opened.
std::optional<std::string> head_of(const std::string& path, std::size_t most) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) {
    return std::nullopt;
  }
  std::string text(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const ssize_t got = ::read(file.get(), text.data() + size, most - size);
    if (got <= 0 && !(got < 0 && errno == EINTR)) {
      break;
    }
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  text.resize(size);
  return text;
}

std::string cpu_model() {
  const std::string text = head_of("/proc/cpuinfo", 4096).value_or("");
  const std::size_t at = text.find("model name");
  const std::size_t colon = text.find(": ", at);
  if (at == std::string::npos || colon == std::string::npos) {
    return "unknown CPU";
  }
  return text.substr(colon + 2, text.find('\n', colon) - colon - 2);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

// FNV-1a: tells keys apart in a file's name; the key in the file is what counts.
std::string hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::array<char, 17> digits{};
  (void)std::snprintf(digits.data(), digits.size(), "%016llx",
                      static_cast<unsigned long long>(hash));
  return digits.data();
}

std::string one_line(std::string text) {
  for (char& c : text) {
    c = c == '\n' ? ' ' : c;
  }
  return text;
}

Measurements part_of(const Measurements& measured, bool of_network) {
  Measurements part;
  for (const MeasurementRow& row : measurement_rows()) {
    part.*(row.value) = row.of_network == of_network ? measured.*(row.value) : 0;
  }
  return part;
}

Result<Measurements> parse(std::string_view text, const std::string& key) {
  const std::string head = str(kTitle, "key ", key, "\n");
  if (!text.starts_with(kTitle) || !text.ends_with(kEnd)) {
    return error(StatusCode::invalid_argument, "it is no whole file of measurements");
  }
  if (!text.starts_with(head)) {
    return error(StatusCode::invalid_argument, "it is of another machine or version");
  }
  text.remove_prefix(head.size());
  text.remove_suffix(kEnd.size());
  return measurements_from_text(text);
}

void load_file(const std::string& path, const std::string& key, bool of_network,
               const Logger& logger, Measurements& all) {
  const std::optional<std::string> text = head_of(path, kFileBytesMost);
  if (!text) {
    logger.debug("no measurements in ", path, " yet; they would be of: ", key);
    return;
  }
  const Result<Measurements> found = parse(*text, key);
  if (!found.ok()) {
    logger.debug("measurements in ", path, " do not count: ", found.status().message());
    return;
  }
  for (const MeasurementRow& row : measurement_rows()) {
    if (row.of_network == of_network) {
      all.*(row.value) = (*found).*(row.value);
    }
  }
}

// The folder and what leads to it.
void make_folders(const std::string& folder) {
  for (std::size_t at = folder.find('/', 1); at != std::string::npos;
       at = folder.find('/', at + 1)) {
    (void)::mkdir(folder.substr(0, at).c_str(), 0777);
  }
  (void)::mkdir(folder.c_str(), 0777);  // what is wrong shows when the file is made
}

bool write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

Status store_file(const std::string& path, std::string_view text) {
  std::string temporary = path + ".XXXXXX";
  const Fd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.open()) {
    return os_error(str("creating ", temporary), errno);
  }
  if (!write_whole(file.get(), text) || ::fchmod(file.get(), 0644) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    (void)::unlink(temporary.c_str());
    return os_error(str("writing ", path), code);
  }
  return ok_status();
}

}  // namespace

std::string cache_folder(const Config& config, const Environment& environment) {
  if (!config.cache_dir.empty()) {
    return config.cache_dir;
  }
  if (const std::string xdg = environment.find("XDG_CACHE_HOME").value_or(""); !xdg.empty()) {
    return xdg + "/hvd";
  }
  const std::string home = environment.find("HOME").value_or("");
  return home.empty() ? "" : home + "/.cache/hvd";
}

CacheKeys cache_keys(const Config& config, const std::string& version) {
  return {.host = one_line(str(cpu_model(), "; ", allowed_cores(), " cores; hvd ", version)),
          .network = one_line(str(host_name(), "; key '", config.host_key, "'; meets at ",
                                  config.rendezvous_addr, "; hvd ", version))};
}

std::string MeasurementCache::path_of_host() const {
  return str(folder_, "/host-", hash_text(keys_.host));
}
std::string MeasurementCache::path_of_network() const {
  return str(folder_, "/network-", hash_text(keys_.network));
}

Measurements MeasurementCache::load() const {
  Measurements measured;
  if (!folder_.empty()) {
    load_file(path_of_host(), keys_.host, false, logger_, measured);
    load_file(path_of_network(), keys_.network, true, logger_, measured);
  }
  return measured;
}

void MeasurementCache::store(const Measurements& measured) const {
  if (folder_.empty()) {
    return;
  }
  make_folders(folder_);
  const auto keep = [&](const std::string& path, const std::string& key, bool of_network) {
    const Measurements part = part_of(measured, of_network);
    if (part == Measurements{}) {
      return;
    }
    const Status stored =
        store_file(path, str(kTitle, "key ", key, "\n", measurements_text(part), kEnd));
    if (!stored.ok()) {
      logger_.debug("measurements are not kept: ", stored.message());
    }
  };
  keep(path_of_host(), keys_.host, false);
  keep(path_of_network(), keys_.network, true);
}

}  // namespace hvd
