// backends/net/secret.h: the 32 secret bytes of a job; wiped when they go.
// Not here: which variable it comes from (bootstrap/job_secret.h); proving it (handshake.h).
// Threads: a value.  Limits: kSecretBytes; written as 64 hexadecimal digits.
// Read next: handshake.h.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace hvd {

inline constexpr std::size_t kSecretBytes = 32;

class Secret {
 public:
  static Secret random();
  // The well-known key of a job without a secret: it proves nothing but the protocol.
  static Secret none();
  // `source` names where the text came from in the error.
  static Result<Secret> from_hex(std::string_view hex, std::string_view source);
  // Refuses a file that others may read.
  static Result<Secret> from_file(const std::string& path);
  // Reads from offset 0 if the descriptor can be positioned (hvdrun passes a memfd, so that init
  // can come again), else to its end. The descriptor stays open and the caller's.
  static Result<Secret> from_descriptor(int fd);

  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret();

  const std::array<unsigned char, kSecretBytes>& bytes() const { return bytes_; }
  std::string to_hex() const;
  bool is_none() const;

 private:
  Secret() = default;
  std::array<unsigned char, kSecretBytes> bytes_{};
};

}  // namespace hvd
