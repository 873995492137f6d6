#include "bindings/tools/explain.h"

#include <cstdlib>
#include <sstream>

#include "tests/catch.h"

namespace hvd {
namespace {

Result<std::string> explained(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  const Result<ExplainCommand> command = parse_explain(words);
  INFO(line << ": " << command.status().message());
  REQUIRE(command.ok());
  return explain(command->options);
}
std::string text_of(const std::string& line) {
  const Result<std::string> text = explained(line);
  INFO(line << ": " << text.status().message());
  REQUIRE(text.ok());
  return *text;
}
bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
double predicted_us(const std::string& text) {
  const std::string_view before = "predicted time ";
  return std::atof(text.c_str() + text.find(before) + before.size());
}

TEST_CASE("six ranks on two hosts are explained from choice to proof", "[explain]") {
  const std::string text = text_of("allreduce --ranks 6 --bytes 1MiB --hosts 2");
  INFO(text);
  CHECK(says(text, "allreduce of 1 MiB of float32, sum; 6 ranks on 2 hosts (3 + 3)\n"));
  CHECK(says(text, "chosen     hierarchical: combined in each host"));
  CHECK(says(text, "* hierarchical"));
  CHECK(says(text, "  ring "));
  CHECK(says(text, "one_shot            not here: the ranks are on several hosts"));
  // Each host sends its half to the other and gets it back combined.
  CHECK(says(text, "between hosts 2 MiB in all"));
  CHECK(says(text, "equal bits: proven for these 6 schedules"));
  CHECK(predicted_us(text) > 0);
}

TEST_CASE("a slower line, a forced algorithm and a narrow wire change the prediction",
          "[explain]") {
  const std::string job = "allreduce --ranks 4 --bytes 16MiB --hosts 2 --mbit ";
  const double usual = predicted_us(text_of(job + "1000"));
  CHECK(predicted_us(text_of(job + "100")) > 8 * usual);
  const std::string ring = text_of(job + "1000 --algorithm ring");
  CHECK(says(ring, "asked for by --algorithm; predicted to be the fastest is hierarchical"));
  CHECK(predicted_us(ring) > 1.3 * usual);
  const std::string narrow = text_of(job + "1000 --wire bf16");
  CHECK(says(narrow, "bfloat16 between hosts"));
  CHECK(predicted_us(narrow) < 0.6 * usual);
}

TEST_CASE("where neighbours are on different hosts a ring sends twice as much between them",
          "[explain]") {
  const std::string job = "allreduce --bytes 16MiB --mbit 1000 --algorithm ring ";
  const double in_order = predicted_us(text_of(job + "--local-ranks 2,2"));
  CHECK(predicted_us(text_of(job + "--host-of-rank 0,1,0,1")) ==
        Approx(2 * in_order).epsilon(0.02));
}

TEST_CASE("every collective is explained and proven, on one host and on unequal ones",
          "[explain]") {
  for (const char* kind : {"allreduce", "reduce", "broadcast", "allgather", "reduce-scatter",
                           "alltoall", "gather", "scatter", "barrier", "send"}) {
    for (const char* place : {" --ranks 3", " --local-ranks 3,2,1"}) {
      const std::string text = text_of(std::string(kind) + place + " --bytes 40kB");
      INFO(text);
      CHECK(says(text, "proven for these"));
      CHECK(says(text, "\n* "));
    }
  }
}

TEST_CASE("the op list of a schedule is printed where it is asked for", "[explain]") {
  const std::string text = text_of("broadcast --ranks 3 --bytes 40 --root 1 --schedule");
  CHECK(says(text, "r1   0  copy slot1[0:10] = in[0:10]"));
  CHECK(!says(text_of("broadcast --ranks 3 --bytes 40 --root 1"), "r1   0"));
  const Result<std::string> long_list =
      explained("allreduce --ranks 4096 --hosts 4096 --bytes 64MiB --schedule");
  REQUIRE(!long_list.ok());
  CHECK(says(long_list.status().message(), "--schedule would print"));
}

TEST_CASE("an algorithm that is not possible here is refused with the reason", "[explain]") {
  const Result<std::string> text = explained("allreduce --ranks 2 --algorithm hierarchical");
  REQUIRE(!text.ok());
  CHECK(says(text.status().message(),
             "--algorithm hierarchical is not possible here: all ranks "
             "are on one host; hvd would take two_shot"));
}

TEST_CASE("the decision table has a row for each size", "[explain]") {
  const std::string hosts = text_of("allreduce --ranks 2 --hosts 2 --table");
  INFO(hosts);
  for (const char* part :
       {"recursive_doubling", "halving_doubling", "ring", "    64 B", "  64 MiB", "4096"}) {
    CHECK(says(hosts, part));
  }
  CHECK(says(text_of("allreduce --ranks 2 --table"), "two_shot"));
}

TEST_CASE("all decisions of a job are printed, with times and the next best", "[explain]") {
  const std::string text = text_of("broadcast --ranks 4 --hosts 4 --decisions");
  INFO(text);
  CHECK(says(text, "4 ranks on 4 hosts (1 + 1 + 1 + 1)\n"));
  CHECK(says(text, "   1 MiB  chain                16 KiB     967 us  double_tree"));
  CHECK(says(text, "next best"));
  // The network decides.
  CHECK(!says(text_of("broadcast --ranks 4 --hosts 4 --decisions --latency-us 5000"),
              "   1 MiB  chain                16 KiB"));
  CHECK(says(text_of("allreduce --ranks 4 --decisions"), "rules"));
  CHECK(says(text_of("barrier --ranks 4 --hosts 4 --decisions"), "dissemination"));
}

TEST_CASE("131072 ranks are explained without a proof", "[explain]") {
  const std::string text = text_of("allreduce --ranks 131072 --hosts 65536 --bytes 64MiB");
  CHECK(says(text, "verified   not here"));
  CHECK(says(text, "extrapolated from smaller jobs"));
}

}  // namespace
}  // namespace hvd
