#include "backends/bootstrap/job_secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "backends/net/fd.h"
#include "tests/catch.h"

namespace hvd {
namespace {

const std::string kHex = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("the descriptor wins over the variable, and without both there is no secret",
          "[job_secret]") {
  const Secret other = Secret::random();
  const Fd memory(::memfd_create("job_secret_test", MFD_CLOEXEC));
  const std::string text = other.to_hex();
  REQUIRE(::write(memory.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  Config config;
  REQUIRE(find_job_secret(config)->secret.is_none());
  config.secret_hex = kHex;
  REQUIRE(find_job_secret(config)->secret.to_hex() == kHex);
  REQUIRE(find_job_secret(config)->source == "HVD_SECRET");
  config.secret_fd = memory.get();
  REQUIRE(find_job_secret(config)->secret.to_hex() == text);
  REQUIRE(find_job_secret(config)->source == "HVD_SECRET_FD");
}

TEST_CASE("a source that is named but bad is an error and never falls back to no secret",
          "[job_secret]") {
  Config config;
  config.secret_hex = "abc";
  REQUIRE(find_job_secret(config).status().message().find("HVD_SECRET") != std::string::npos);
  config.secret_file = "/nonexistent/secret";
  REQUIRE(find_job_secret(config).status().message().find("HVD_SECRET_FILE") != std::string::npos);
  config.secret_fd = 1'000'000;
  REQUIRE(find_job_secret(config).status().message().find("HVD_SECRET_FD") != std::string::npos);
}

TEST_CASE("without a secret a job meets on loopback only, unless told so", "[job_secret]") {
  Config config;
  const JobSecret none{.secret = Secret::none(), .source = "none"};
  REQUIRE(check_secret_suffices(none, config, "127.0.0.1").ok());
  REQUIRE(check_secret_suffices(none, config, "127.8.9.1").ok());
  const Status refused = check_secret_suffices(none, config, "10.0.0.1");
  REQUIRE(refused.code() == StatusCode::permission_denied);
  for (const char* word : {"10.0.0.1", "HVD_SECRET_FILE", "HVD_INSECURE"}) {
    REQUIRE(refused.message().find(word) != std::string::npos);
  }
  REQUIRE_FALSE(check_secret_suffices(none, config, "0.0.0.0").ok());
  REQUIRE(check_secret_suffices({.secret = Secret::random(), .source = "HVD_SECRET"}, config,
                                "10.0.0.1")
              .ok());
  config.insecure = true;
  REQUIRE(check_secret_suffices(none, config, "10.0.0.1").ok());
}

}  // namespace hvd
