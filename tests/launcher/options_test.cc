#include "launcher/options.h"

#include "tests/catch.h"

namespace hvd {
namespace {

using Words = std::vector<std::string>;

LaunchOptions parsed(const Words& words) {
  const Result<CommandLine> line = parse_command_line(words);
  INFO(line.status().message());
  REQUIRE(line.ok());
  REQUIRE(!line->text);
  return line->options;
}

std::string complaint(const Words& words) {
  const Result<CommandLine> line = parse_command_line(words);
  REQUIRE(!line.ok());
  CHECK(line.status().code() == StatusCode::invalid_argument);
  return line.status().message();
}

std::string text_of(const Words& words) {
  const Result<CommandLine> line = parse_command_line(words);
  REQUIRE(line.ok());
  REQUIRE(line->text);
  return *line->text;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the number of ranks is read in every spelling", "[options]") {
  for (const Words& spelling :
       {Words{"-np", "3"}, Words{"-np=3"}, Words{"-n", "3"}, Words{"-n3"}, Words{"--np", "3"},
        Words{"--num-proc", "3"}, Words{"--num-proc=3"}, Words{"-np", "2", "-np", "3"}}) {
    Words words = spelling;
    words.emplace_back("true");
    CAPTURE(words);
    CHECK(parsed(words).rank_count == 3);
    CHECK(parsed(words).command == Words{"true"});
  }
}

TEST_CASE("a bad number of ranks is named in the complaint", "[options]") {
  for (const std::string bad :
       {"0", "-1", "two", "2.5", "4097", "99999999999999", "", " 2", "2x"}) {
    CAPTURE(bad);
    const std::string text = complaint({"-np", bad, "true"});
    CHECK(mentions(text, bad.empty() ? "-np is missing" : "-np '" + bad + "'"));
  }
  CHECK(mentions(complaint({"true"}), "-np is missing"));
}

TEST_CASE("the command keeps its own options, also those that hvdrun knows", "[options]") {
  const LaunchOptions options = parsed(
      {"-np", "2", "mpirun", "-np", "4", "--verbose", "--help", "-n", "7", "--", "x", "--no-such"});
  CHECK(options.rank_count == 2);
  CHECK(!options.verbose);
  CHECK(options.command ==
        Words{"mpirun", "-np", "4", "--verbose", "--help", "-n", "7", "--", "x", "--no-such"});
}

TEST_CASE("two dashes end hvdrun's options, once", "[options]") {
  CHECK(parsed({"-np", "2", "--", "-odd", "--", "-np"}).command == Words{"-odd", "--", "-np"});
  CHECK(parsed({"-np", "2", "--", "--", "a"}).command == Words{"--", "a"});
  CHECK(mentions(complaint({"-np", "2", "--"}), "no command given"));
}

TEST_CASE("an unknown option is a complaint and not a command", "[options]") {
  CHECK(mentions(complaint({"-np", "2", "--frob", "true"}), "unknown option '--frob'"));
  CHECK(mentions(complaint({"--frob", "-np", "2", "true"}), "unknown option '--frob'"));
  CHECK(parsed({"-np", "2", "-"}).command == Words{"-"});  // a file name by convention
}

TEST_CASE("options that are given arrive", "[options]") {
  const LaunchOptions options =
      parsed({"--grace-seconds", "0.5", "--output-filename=logs", "--no-prefix", "--verbose",
              "--dry-run", "--log-level", "debug", "--start-timeout", "7", "-np", "1", "a"});
  CHECK(options.grace_seconds == 0.5);
  CHECK(options.output_folder == "logs");
  CHECK(!options.prefix);
  CHECK(options.verbose);
  CHECK(options.dry_run);
  CHECK(options.log_level == LogLevel::debug);
  CHECK(options.start_timeout_seconds == 7);
  CHECK(parsed({"-np", "1", "--tag-output", "a"}).prefix);
}

TEST_CASE("values that make no sense are complaints", "[options]") {
  CHECK(mentions(complaint({"-np", "1", "--grace-seconds", "-1", "a"}), "--grace-seconds '-1'"));
  CHECK(mentions(complaint({"-np", "1", "--grace-seconds", "nan", "a"}), "--grace-seconds 'nan'"));
  CHECK(mentions(complaint({"-np", "1", "--start-timeout", "0", "a"}), "--start-timeout '0'"));
  CHECK(mentions(complaint({"-np", "1", "--log-level", "loud", "a"}), "--log-level 'loud'"));
  CHECK(mentions(complaint({"-np", "1", "--no-prefix", "--tag-output", "a"}), "contradict"));
  CHECK(mentions(complaint({"-np", "1", "--grace-seconds"}), "see hvdrun --help"));
}

TEST_CASE("only this host with enough slots is accepted", "[options]") {
  CHECK(parsed({"-np", "2", "-H", "localhost:2", "a"}).rank_count == 2);
  CHECK(parsed({"-np", "2", "-H", "localhost", "a"}).rank_count == 2);
  CHECK(parsed({"-np", "2", "--hosts", "127.0.0.1:9", "a"}).rank_count == 2);
  CHECK(mentions(complaint({"-np", "2", "-H", "elsewhere:2", "a"}), "its own host only"));
  CHECK(mentions(complaint({"-np", "2", "-H", "localhost:1,b:1", "a"}), "its own host only"));
  CHECK(mentions(complaint({"-np", "3", "-H", "localhost:2", "a"}),
                 "offers 2 slots, -np asks for 3"));
  CHECK(mentions(complaint({"-np", "1", "-H", "localhost:x", "a"}), "'x' is not a number"));
}

TEST_CASE("help, version and settings need nothing else", "[options]") {
  const std::string help = text_of({"--help"});
  CHECK(help.find("Examples:") < help.find("--output-filename FOLDER"));
  CHECK(text_of({}) == help);
  CHECK(text_of({"-np", "2", "-h", "true"}) == help);
  CHECK(mentions(text_of({"--version"}), "hvdrun 0"));
  CHECK(mentions(text_of({"--help-env"}), "HVD_RENDEZVOUS_PORT"));
}

}  // namespace
}  // namespace hvd
