#include "backends/net/secret.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "backends/net/fd.h"
#include "tests/catch.h"

namespace hvd {
namespace {

const std::string kHex = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

Fd memory_with(const std::string& text) {
  Fd fd(::memfd_create("secret_test", MFD_CLOEXEC));
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return fd;
}

struct TemporaryFile {
  std::string path = "/tmp/hvd_secret_test_XXXXXX";
  TemporaryFile(const std::string& text, mode_t mode) {
    const Fd fd(::mkstemp(path.data()));
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(::fchmod(fd.get(), mode) == 0);
  }
  ~TemporaryFile() { ::unlink(path.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
};

}  // namespace

TEST_CASE("a secret written as text reads back as the same secret", "[secret]") {
  const Secret secret = Secret::random();
  REQUIRE(Secret::from_hex(secret.to_hex(), "test")->bytes() == secret.bytes());
  REQUIRE(Secret::from_hex(kHex, "test")->to_hex() == kHex);
  REQUIRE(Secret::random().bytes() != secret.bytes());
  REQUIRE_FALSE(secret.is_none());
  REQUIRE(Secret::none().is_none());
}

TEST_CASE("a malformed secret is refused without being repeated in the text", "[secret]") {
  for (const std::string& bad :
       {std::string(), kHex.substr(1), kHex + "0", "zz" + kHex.substr(2), std::string(64, '0')}) {
    const Result<Secret> secret = Secret::from_hex(bad, "HVD_SECRET");
    REQUIRE_FALSE(secret.ok());
    REQUIRE(secret.status().code() == StatusCode::invalid_argument);
    REQUIRE(secret.status().message().find("HVD_SECRET") != std::string::npos);
    REQUIRE((bad.empty() || secret.status().message().find(bad) == std::string::npos));
  }
}

TEST_CASE("a secret file that others may read is refused by name and mode", "[secret]") {
  const TemporaryFile open_file(kHex, 0640);
  const Result<Secret> refused = Secret::from_file(open_file.path);
  REQUIRE(refused.status().code() == StatusCode::permission_denied);
  REQUIRE(refused.status().message().find(open_file.path) != std::string::npos);
  REQUIRE(refused.status().message().find("0640") != std::string::npos);
  const TemporaryFile own_file(kHex + "\n", 0600);
  REQUIRE(Secret::from_file(own_file.path)->to_hex() == kHex);
  REQUIRE(Secret::from_file("/nonexistent/secret").status().code() == StatusCode::invalid_argument);
}

TEST_CASE("a secret in a memfd can be read again and again, one in a pipe once", "[secret]") {
  const Fd memory = memory_with(kHex);
  REQUIRE(Secret::from_descriptor(memory.get())->to_hex() == kHex);
  REQUIRE(Secret::from_descriptor(memory.get())->to_hex() == kHex);

  int ends[2] = {-1, -1};
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  REQUIRE(::write(writing.get(), kHex.data(), kHex.size()) == static_cast<ssize_t>(kHex.size()));
  writing.reset();
  REQUIRE(Secret::from_descriptor(reading.get())->to_hex() == kHex);
  REQUIRE_FALSE(Secret::from_descriptor(reading.get()).ok());
}

TEST_CASE("a descriptor with too much text or none is refused", "[secret]") {
  REQUIRE_FALSE(Secret::from_descriptor(memory_with(kHex + kHex).get()).ok());
  REQUIRE_FALSE(Secret::from_descriptor(memory_with("").get()).ok());
  const Result<Secret> closed = Secret::from_descriptor(1'000'000);
  REQUIRE(closed.status().message().find("descriptor 1000000") != std::string::npos);
}

}  // namespace hvd
