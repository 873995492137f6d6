#include "backends/net/secret.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ios>

#include "backends/net/fd.h"
#include "backends/net/os_error.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::size_t kHexDigits = 2 * kSecretBytes;
constexpr std::size_t kTextBytesMax = kHexDigits + 2;  // a line end may follow

// Wipes its content when it goes.
struct SecretText {
  std::array<char, kTextBytesMax + 1> bytes{};
  std::size_t count = 0;
  ~SecretText() { ::sodium_memzero(bytes.data(), bytes.size()); }
  SecretText() = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;

  std::string_view digits() const {
    std::string_view text(bytes.data(), count);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
      text.remove_suffix(1);
    }
    return text;
  }
};

Status read_text(int fd, std::string_view source, SecretText& text) {
  while (text.count < text.bytes.size()) {
    char* const to = text.bytes.data() + text.count;
    const std::size_t room = text.bytes.size() - text.count;
    ssize_t got = ::pread(fd, to, room, static_cast<off_t>(text.count));
    if (got < 0 && errno == ESPIPE) {
      got = ::read(fd, to, room);
    }
    if (got < 0 && errno != EINTR) {
      return os_error(StatusCode::invalid_argument, str("reading the secret from ", source), errno);
    }
    if (got == 0) {
      break;
    }
    text.count += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  return ok_status();
}

}  // namespace

Secret::~Secret() { ::sodium_memzero(bytes_.data(), bytes_.size()); }

Secret Secret::random() {
  HVD_CHECK(::sodium_init() >= 0);
  Secret secret;
  ::randombytes_buf(secret.bytes_.data(), secret.bytes_.size());
  return secret;
}

Secret Secret::none() { return Secret(); }

bool Secret::is_none() const { return ::sodium_is_zero(bytes_.data(), bytes_.size()) == 1; }

Result<Secret> Secret::from_hex(std::string_view hex, std::string_view source) {
  Secret secret;
  std::size_t count = 0;
  const bool parsed = hex.size() == kHexDigits &&
                      ::sodium_hex2bin(secret.bytes_.data(), secret.bytes_.size(), hex.data(),
                                       hex.size(), nullptr, &count, nullptr) == 0 &&
                      count == kSecretBytes;
  if (!parsed) {
    // never the text itself: it may be the secret with a typing error
    return error(StatusCode::invalid_argument, "the secret in ", source, " has ", hex.size(),
                 " characters; it must be 64 hexadecimal digits, e.g. from: openssl rand -hex 32");
  }
  if (secret.is_none()) {
    return error(StatusCode::invalid_argument, "the secret in ", source,
                 " is all zeros; that is the key of a job without a secret");
  }
  return secret;
}

Result<Secret> Secret::from_file(const std::string& path) {
  const std::string source = str("file ", path);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) {
    return os_error(StatusCode::invalid_argument, str("opening the secret ", source), errno);
  }
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) {
    return os_error(StatusCode::invalid_argument, str("looking at the secret ", source), errno);
  }
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return error(StatusCode::permission_denied, "the secret ", source, " has mode 0", std::oct,
                 facts.st_mode & 07777, std::dec,
                 ", so others than its owner have access; run: chmod 600 ", path);
  }
  SecretText text;
  HVD_TRY(read_text(fd.get(), source, text));
  return from_hex(text.digits(), source);
}

Result<Secret> Secret::from_descriptor(int fd) {
  const std::string source = str("descriptor ", fd);
  SecretText text;
  HVD_TRY(read_text(fd, source, text));
  return from_hex(text.digits(), source);
}

std::string Secret::to_hex() const {
  std::string hex(kHexDigits + 1, '\0');
  ::sodium_bin2hex(hex.data(), hex.size(), bytes_.data(), bytes_.size());
  hex.resize(kHexDigits);
  return hex;
}

}  // namespace hvd
