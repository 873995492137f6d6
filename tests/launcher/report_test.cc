#include "launcher/report.h"

#include <signal.h>

#include "tests/catch.h"

namespace hvd {
namespace {

RankStory ended(pid_t pid, ProcessEnd end, Time when, int told = 0) {
  return {.pid = pid, .started = 0, .end = end, .ended = when, .last_signal = told};
}

TEST_CASE("the report tells who failed, how, when, and what became of the others", "[report]") {
  JobStory story;
  story.first_failed = 1;
  story.ranks = {ended(10, {.by_signal = false, .number = 1}, 4 * kSecond),
                 ended(11, {.by_signal = true, .number = SIGSEGV, .core_dumped = true},
                       3 * kSecond + 200 * kMillisecond),
                 ended(12, {.by_signal = true, .number = SIGTERM}, 5 * kSecond, SIGTERM),
                 ended(13, {.by_signal = true, .number = SIGTERM}, 5 * kSecond, SIGTERM),
                 ended(14, {.by_signal = true, .number = SIGKILL}, 9 * kSecond, SIGKILL),
                 ended(15, {}, kSecond)};
  const FailureFacts facts{.last_lines = {"loading", "step 3"}};
  CHECK(failure_report(story, facts, 139) ==
        "hvdrun: rank 1 (pid 11) was killed by signal 11 (SIGSEGV) and dumped core 3.2 s after its "
        "start; this ended the job\n"
        "  last lines of rank 1:\n"
        "    | loading\n"
        "    | step 3\n"
        "  the others:\n"
        "    rank 0: exited with code 1\n"
        "    ranks 2 3: ended by hvdrun with SIGTERM\n"
        "    rank 4: ended by hvdrun with SIGKILL\n"
        "    rank 5: ended normally\n"
        "  exit status 139\n");
}

TEST_CASE("a rank that reacted to hvdrun's signal is told apart", "[report]") {
  JobStory story;
  story.first_failed = 0;
  story.ranks = {ended(10, {.by_signal = false, .number = 3}, kSecond),
                 ended(11, {}, 2 * kSecond, SIGTERM),
                 ended(12, {.by_signal = false, .number = 1}, 2 * kSecond, SIGTERM)};
  const std::string text = failure_report(story, {}, 3);
  CHECK(text.find("rank 1: ended normally after SIGTERM from hvdrun\n") != std::string::npos);
  CHECK(text.find("rank 2: exited with code 1 after SIGTERM from hvdrun\n") != std::string::npos);
  CHECK(text.find("it printed nothing\n") != std::string::npos);
}

TEST_CASE("memory and log files are mentioned where they matter", "[report]") {
  JobStory story;
  story.first_failed = 0;
  story.ranks = {ended(10, {.by_signal = true, .number = SIGKILL}, 50 * kMillisecond)};
  const std::string text =
      failure_report(story, {.out_of_memory = true, .logs_folder = "logs/rank.0"}, 137);
  CHECK(text.find("0.050 s after its start") != std::string::npos);
  CHECK(text.find("memory ran out") != std::string::npos);
  CHECK(text.find("all of its output: logs/rank.0\n") != std::string::npos);
  CHECK(text.find("the others") == std::string::npos);
}

TEST_CASE("notices name the ranks that still live", "[report]") {
  JobStory story;
  story.first_failed = 1;
  story.ranks = {ended(10, {}, 0), ended(11, {.number = 2}, 0), {.pid = 12}, {.pid = 13}};
  CHECK(ending_notice(story, 5) ==
        "hvdrun: rank 1 exited with code 2; ending ranks 2 3 with SIGTERM, then SIGKILL after 5 "
        "s\n");
  CHECK(interrupt_notice(story, SIGTERM, 0.5) ==
        "hvdrun: got SIGTERM and passed it on to ranks 2 3; SIGKILL after 0.5 s\n");
  CHECK(interrupt_notice(story, SIGINT, 5).find("or at the next interrupt") != std::string::npos);
}

TEST_CASE("ranks are listed shortly", "[report]") {
  CHECK(rank_list({4}) == "rank 4");
  CHECK(rank_list({1, 2}) == "ranks 1 2");
  CHECK(rank_list({0, 1, 2, 3, 7, 9, 10}) == "ranks 0-3 7 9 10");
}

TEST_CASE("the choice of threads is one sentence with right numbers", "[report]") {
  CHECK(threads_notice(1, 2, 2) ==
        "OMP_NUM_THREADS set to 1 for each of 2 ranks (2 cores); set it yourself to change this");
  CHECK(threads_notice(1, 1, 1).find("for 1 rank (1 core)") != std::string::npos);
}

}  // namespace
}  // namespace hvd
