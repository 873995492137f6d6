#include "bindings/tools/explain_options.h"

#include <sstream>

#include "tests/catch.h"

namespace hvd {
namespace {

Result<ExplainCommand> parse(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return parse_explain(words);
}

TEST_CASE("neighbours share a host, and the first hosts have the ranks that are over",
          "[explain]") {
  CHECK(parse("allreduce --ranks 5 --hosts 2")->options.host_of_rank ==
        std::vector<int>{0, 0, 0, 1, 1});
  CHECK(parse("allreduce --local-ranks 1,3")->options.host_of_rank == std::vector<int>{0, 1, 1, 1});
  CHECK(parse("allreduce --ranks 3")->options.host_count() == 1);
  CHECK(parse("allreduce --host-of-rank 7,0,7,0,3")->options.host_of_rank ==
        std::vector<int>{0, 1, 0, 1, 2});
}

TEST_CASE("options that are given arrive", "[explain]") {
  const Result<ExplainCommand> command = parse(
      "reduce -n 4 --hosts 2 --bytes 64KiB --dtype int32 --op bitwise-and --root 3 --chunk 4KiB "
      "--algorithm chain --in-place --schedule --latency-us 25 --mbit 1000 --memory-gb 40");
  REQUIRE(command.ok());
  const ExplainOptions& options = command->options;
  CHECK(options.kind == CollectiveKind::reduce);
  CHECK(options.bytes == 65536);
  CHECK(options.dtype == DType::int32);
  CHECK(options.op == ReduceOp::bit_and);
  CHECK(options.root == Rank{3});
  CHECK(options.chunk_bytes == 4096);
  CHECK(options.algorithm == "chain");
  CHECK(options.in_place);
  CHECK(options.print_schedule);
  CHECK(options.parameters.latency_seconds == Approx(25e-6));
  CHECK(options.parameters.network_bytes_per_second == Approx(0.1175e9));
  CHECK(options.parameters.host_memory_bytes_per_second == Approx(40e9));
}

TEST_CASE("sizes are read with binary and decimal units", "[explain]") {
  CHECK(bytes_from_text("17") == 17U);
  CHECK(bytes_from_text("64KiB") == 65536U);
  CHECK(bytes_from_text("1.5 MB") == 1500000U);
  CHECK(bytes_from_text("0") == 0U);
  for (const char* text : {"", "KiB", "-1", "1.5", "1 parsec", "2e9", "2000GiB", "1..5KiB"}) {
    INFO(text);
    CHECK(!bytes_from_text(text));
  }
}

TEST_CASE("each mistake is named with what was given", "[explain]") {
  struct Mistake {
    const char* line;
    const char* said;
  };
  for (const Mistake& mistake :
       {Mistake{"--ranks 2", "no collective given"},
        Mistake{"allreduce --host-of-rank 0,x", "'x' is no whole number from 0"},
        Mistake{"allreduce --host-of-rank 0,1 --local-ranks 2", "give one of them alone"},
        Mistake{"allreduce", "--ranks is missing"},
        Mistake{"allreduce --ranks 0", "--ranks '0' is no whole number from 1 to"},
        Mistake{"allreduce --ranks 2 --hosts 3", "--hosts '3' is no whole number from 1 to 2"},
        Mistake{"allreduce --ranks 2 --local-ranks 1,1", "give one of them alone"},
        Mistake{"allreduce --local-ranks 1,,1", "--local-ranks '1,,1': '' is no whole number"},
        Mistake{"gossip --ranks 2", "'gossip' is no collective"},
        Mistake{"allreduce --ranks 2 --bytes much", "--bytes 'much' is no size"},
        Mistake{"allreduce --ranks 2 --bytes 6", "no whole number of float32"},
        Mistake{"allreduce --ranks 2 --dtype float", "--dtype 'float' is no type"},
        Mistake{"allreduce --ranks 2 --op nothing", "--op 'nothing' is no operation"},
        Mistake{"allreduce --ranks 2 --op logical-or", "not defined for --dtype float32"},
        Mistake{"broadcast --ranks 2 --root 2", "--root '2' is none of the 2 ranks"},
        Mistake{"allreduce --ranks 2 --algorithm pairwise", "--algorithm 'pairwise' is none of"},
        Mistake{"allreduce --ranks 2 --chunk 8", "--chunk '8' is no size from 16 bytes"},
        Mistake{"allreduce --ranks 2 --wire fp8", "--wire 'fp8' is none of"},
        Mistake{"allreduce --ranks 2 --gbit 0", "--gbit '0' is no number from"},
        Mistake{"allreduce --ranks 2 --gbit 1 --mbit 1", "give one"},
        Mistake{"send --ranks 1", "a send goes from rank 0 to rank 1"},
        Mistake{"allreduce --ranks 2 --colour red", "--colour"}}) {
    INFO(mistake.line);
    const Result<ExplainCommand> command = parse(mistake.line);
    REQUIRE(!command.ok());
    INFO(command.status().message());
    CHECK(command.status().message().find(mistake.said) != std::string::npos);
    CHECK(command.status().message().find("see hvd-explain --help") != std::string::npos);
  }
}

TEST_CASE("help and version need nothing else", "[explain]") {
  CHECK(parse("")->text->find("hvd-explain allreduce --ranks 6") != std::string::npos);
  CHECK(parse("--help")->text->find("--latency-us") != std::string::npos);
  CHECK(parse("--version")->text->starts_with("hvd-explain "));
}

}  // namespace
}  // namespace hvd
