#include "core/base/log.h"

#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

struct Lines {
  std::vector<std::string> lines;
  Logger::Sink sink() {
    return [this](LogLevel, std::string_view line) { lines.emplace_back(line); };
  }
};

TEST_CASE("a line carries level, speaker and text", "[log]") {
  Lines lines;
  Logger(LogLevel::info, "rank 2", lines.sink()).warn("waited ", 3, " s");
  Logger(LogLevel::info, "", lines.sink()).info("hello");
  CHECK(lines.lines ==
        std::vector<std::string>{"hvd: warning: rank 2: waited 3 s\n", "hvd: info: hello\n"});
}

TEST_CASE("what is below the level is not said", "[log]") {
  Lines lines;
  const Logger logger(LogLevel::warning, "", lines.sink());
  logger.info("no");
  logger.debug("no");
  logger.warn("yes");
  CHECK(lines.lines.size() == 1);
  CHECK_FALSE(logger.on(LogLevel::info));
  Logger(LogLevel::off, "", lines.sink()).log(LogLevel::error, "no");
  CHECK(lines.lines.size() == 1);
}

TEST_CASE("a logger without a sink is silent", "[log]") {
  Logger(LogLevel::trace, "", nullptr).warn("nobody hears");
  SUCCEED();
}

TEST_CASE("every level is found by its name, other words by the fallback", "[log]") {
  for (int level = 0; level <= static_cast<int>(LogLevel::off); ++level) {
    const auto wanted = static_cast<LogLevel>(level);
    const auto fallback = wanted == LogLevel::off ? LogLevel::trace : LogLevel::off;
    CHECK(log_level_from(log_level_name(wanted), fallback) == wanted);
  }
  CHECK(log_level_from("loud", LogLevel::error) == LogLevel::error);
}

}  // namespace
}  // namespace hvd
