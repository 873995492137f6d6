// launcher/report.h: the sentences in which hvdrun tells what became of a job.
// Not here: deciding (job_state.h), writing (job.h).
// Threads: pure functions, any thread.  Limits: none.
// Read next: tests/launcher/report_test.cc.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "launcher/job_story.h"

namespace hvd {

std::string signal_name(int signal);                   // "SIGKILL"
std::string seconds_text(Nanos duration);              // "3.2 s"
std::string rank_list(const std::vector<int>& ranks);  // "rank 1", "ranks 0-3 7"
std::string describe_end(const ProcessEnd& end);       // "was killed by signal 9 (SIGKILL)"

// One line while others are still being ended.
std::string ending_notice(const JobStory& story, double grace_seconds);
std::string interrupt_notice(const JobStory& story, int signal, double grace_seconds);

// "OMP_NUM_THREADS set to 1 for each of 2 ranks ..."
std::string threads_notice(int threads, int rank_count, double cores);

struct FailureFacts {
  std::deque<std::string> last_lines = {};  // of the first failed rank
  bool out_of_memory = false;               // the kernel says that it killed for memory meanwhile
  std::string logs_folder = "";             // of the failed rank; "" for none
};
// Everything about a job whose first_failed is set; ends with a newline.
std::string failure_report(const JobStory& story, const FailureFacts& facts, int exit_status);

}  // namespace hvd
