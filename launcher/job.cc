#include "launcher/job.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>

#include "backends/bootstrap/cores.h"
#include "backends/bootstrap/rendezvous.h"
#include "backends/net/os_error.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "launcher/command_lookup.h"
#include "launcher/job_secret.h"
#include "launcher/job_state.h"
#include "launcher/memory_kills.h"
#include "launcher/output_relay.h"
#include "launcher/process_tree.h"
#include "launcher/report.h"
#include "launcher/signals.h"
#include "launcher/text_sink.h"

namespace hvd {
namespace {

// How long output may still come after every process below us is gone: from one that was handed a
// rank's pipe and lives elsewhere.
constexpr Nanos kLateOutputTime = kSecond;

class Job {
 public:
  Job(const JobPlan& plan, FrontEnds ends, const Clock& clock, Poller& poller)
      : plan_(plan),
        options_(plan.options),
        ends_(std::move(ends)),
        clock_(clock),
        poller_(poller),
        out_(poller, STDOUT_FILENO),
        own_err_(same_file(STDOUT_FILENO, STDERR_FILENO)
                     ? nullptr
                     : std::make_unique<TextSink>(poller, STDERR_FILENO)),
        err_(own_err_ ? *own_err_ : out_),
        relay_(poller, out_, err_,
               {.prefix = options_.prefix,
                .folder = options_.output_folder,
                .rank_count = options_.rank_count}),
        state_(options_.rank_count, nanos_from_seconds(options_.grace_seconds)) {}

  int run() {
    const Status prepared = prepare();
    const Status started = prepared.ok() ? start_ranks() : prepared;
    if (!started.ok()) {
      say(LogLevel::error, started.message());
      state_.kill_all(clock_.now());
      reap_children();
    }
    const bool any = started_count_ > 0;
    while (any && !finished()) {
      run_pass();
    }
    if (started.ok() && state_.story().first_failed) {
      report_failure();
    }
    if (rendezvous_ && rendezvous_->listener().refused_count() > 0) {
      say(LogLevel::info, str("refused ", rendezvous_->listener().refused_count(),
                              " connections to the rendezvous; the last: ",
                              rendezvous_->listener().last_refusal()));
    }
    const Time until = clock_.now() + kLateOutputTime;
    while (!drained() && (!state_.story().interrupted_by || clock_.now() < until)) {
      (void)poller_.run_once(kLateOutputTime);
    }
    return started.ok() ? state_.exit_status() : exit_status_for(started);
  }

 private:
  void say(LogLevel level, const std::string& text) { write(level, str("hvdrun: ", text, "\n")); }
  void write(LogLevel level, const std::string& text) {
    const LogLevel least =
        options_.verbose ? LogLevel::info : options_.log_level.value_or(LogLevel::warning);
    if (level >= least) {
      err_.write(text);
    }
  }

  Status prepare() {
    HVD_ASSIGN(signals_, SignalSource::create(poller_, [this](int s) { take_signal(s); }));
    HVD_TRY(poller_.watch(ends_.life.get(), EPOLLIN, [this](std::uint32_t) {
      poller_.forget(ends_.life.get());
      state_.kill_all(clock_.now());
    }));
    HVD_ASSIGN(secret_fd_, make_secret_fd(secret_));
    null_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null_.open()) {
      return os_error("opening /dev/null", errno);
    }
    HVD_ASSIGN(rendezvous_,
               RendezvousServer::start(poller_, Endpoint{.host = "127.0.0.1", .port = 0}, secret_,
                                       options_.rank_count));
    identity_.rank_count = options_.rank_count;
    identity_.rendezvous_addr = rendezvous_->endpoint().host;
    identity_.rendezvous_port = rendezvous_->endpoint().port;
    identity_.secret_fd = secret_fd_.get();
    const double cores = allowed_cores();
    identity_.threads = choose_threads(plan_.environment, cores, options_.rank_count);
    if (identity_.threads) {
      say(LogLevel::warning,
          str("OMP_NUM_THREADS set to ", *identity_.threads, " for each of ", options_.rank_count,
              " ranks (", cores, " cores); set it yourself to change this"));
    }
    cgroups_ = cgroup_folders_of_process();
    memory_kills_at_start_ = count_memory_kills(cgroups_);
    for (const std::string& name : stripped_names(plan_.environment)) {
      say(LogLevel::info, str("not passed on: ", name, ", which an outer launcher set"));
    }
    return ok_status();
  }

  // One after the other, each until its exec has succeeded: a command that cannot run stops at
  // rank 0.
  Status start_ranks() {
    for (int rank = 0; rank < options_.rank_count; ++rank) {
      HVD_TRY(start_rank(rank));
    }
    return ok_status();
  }

  Status start_rank(int rank) {
    int out_ends[2];
    int err_ends[2];
    if (::pipe2(out_ends, O_CLOEXEC) != 0) {
      return os_error(str("making the pipes of rank ", rank), errno);
    }
    Fd out_reader(out_ends[0]);
    const Fd out_writer(out_ends[1]);
    if (::pipe2(err_ends, O_CLOEXEC) != 0) {
      return os_error(str("making the pipes of rank ", rank), errno);
    }
    Fd err_reader(err_ends[0]);
    const Fd err_writer(err_ends[1]);
    HVD_TRY(relay_.add(rank, std::move(out_reader), std::move(err_reader)));
    const ChildSpec spec{
        .program = plan_.program,
        .command = options_.command,
        .environment = environment_of_rank(rank, identity_, options_, plan_.environment),
        .stdin_fd = rank == 0 ? ends_.stdin_fd : null_.get(),
        .stdout_fd = out_writer.get(),
        .stderr_fd = err_writer.get(),
        .kept_fd = secret_fd_.get()};
    HVD_ASSIGN(const pid_t pid, start_child(spec, plan_.signals));
    rank_of_pid_[pid] = rank;
    ++started_count_;
    state_.rank_started(pid, clock_.now());
    say(LogLevel::info, str("rank ", rank, " runs as pid ", pid));
    return ok_status();
  }

  void take_signal(int signal) {
    if (signal == SIGCHLD) {
      reap_children();
      return;
    }
    state_.signal_arrived(signal, clock_.now());
  }

  void reap_children() {
    std::vector<std::pair<int, ProcessEnd>> ended;
    const bool any_left = reap([&](pid_t pid, ProcessEnd end) {
      const auto at = rank_of_pid_.find(pid);
      if (at != rank_of_pid_.end()) {
        ended.emplace_back(at->second, end);
        rank_of_pid_.erase(at);
      }
    });
    const Time now = clock_.now();
    for (const auto& [rank, end] : ended) {
      say(LogLevel::info, str("rank ", rank, " ", describe_end(end)));
    }
    state_.ranks_ended(ended, now);
    state_.leftovers_seen(any_left, now);
  }

  void run_pass() {
    do_steps();
    const Time now = clock_.now();
    const Time wake = std::min(state_.deadline(), output_deadline());
    const Result<int> ran = poller_.run_once(wake == kNever ? -1 : std::max<Nanos>(0, wake - now));
    if (!ran.ok()) {
      say(LogLevel::error, ran.status().message());
      state_.kill_all(clock_.now());
    }
    state_.time_passed(clock_.now());
    do_steps();
    if (state_.over() && clock_.now() >= output_deadline()) {
      relay_.close_all();
    }
  }

  // Once all processes are gone, pipes that are still open get a moment; not while a slow reader of
  // ours holds things up, unless the user wants to go.
  Time output_deadline() {
    const bool held_up = !drained() && !state_.story().interrupted_by;
    if (!state_.over() || held_up) {
      late_output_until_ = kNever;
    } else if (late_output_until_ == kNever) {
      late_output_until_ = clock_.now() + kLateOutputTime;
    }
    return late_output_until_;
  }

  bool drained() const { return out_.drained() && err_.drained(); }
  bool finished() const { return state_.over() && relay_.finished(); }

  void do_steps() {
    for (const JobStep& step : state_.take_steps()) {
      switch (step.kind) {
        case JobStep::Kind::signal_ranks:
          signal_groups(step.signal);
          break;
        case JobStep::Kind::signal_processes:
          for (const auto& [pid, rank] : rank_of_pid_) {
            ::kill(pid, step.signal);
          }
          break;
        case JobStep::Kind::signal_everything:
          signal_groups(step.signal);
          signal_descendants(step.signal);
          break;
        case JobStep::Kind::tell_ending:
          write(LogLevel::warning, ending_notice(state_.story(), options_.grace_seconds));
          break;
        case JobStep::Kind::tell_interrupted:
          write(LogLevel::warning,
                interrupt_notice(state_.story(), step.signal, options_.grace_seconds));
          break;
      }
    }
  }

  // Ranks that are not reaped yet, so their numbers cannot belong to anybody else.
  void signal_groups(int signal) {
    for (const auto& [pid, rank] : rank_of_pid_) {
      ::kill(-pid, signal);
    }
  }

  void report_failure() {
    const int rank = *state_.story().first_failed;
    const ProcessEnd end = *state_.story().ranks[static_cast<std::size_t>(rank)].end;
    const bool killed = end.by_signal && end.number == SIGKILL;
    const FailureFacts facts{
        .last_lines = relay_.last_lines(rank).lines(),
        .out_of_memory = killed && count_memory_kills(cgroups_) > memory_kills_at_start_,
        .logs_folder = options_.output_folder.empty()
                           ? ""
                           : rank_folder(options_.output_folder, rank, options_.rank_count)};
    write(LogLevel::error, failure_report(state_.story(), facts, state_.exit_status()));
  }

  const JobPlan& plan_;
  const LaunchOptions& options_;
  const FrontEnds ends_;
  const Clock& clock_;
  Poller& poller_;
  TextSink out_;
  std::unique_ptr<TextSink> own_err_;
  TextSink& err_;
  OutputRelay relay_;
  JobState state_;
  std::unique_ptr<SignalSource> signals_;
  const Secret secret_ = Secret::random();
  Fd secret_fd_;
  std::unique_ptr<RendezvousServer> rendezvous_;
  Fd null_;
  JobIdentity identity_;
  int started_count_ = 0;
  CgroupFolders cgroups_;
  std::uint64_t memory_kills_at_start_ = 0;
  std::map<pid_t, int> rank_of_pid_;
  Time late_output_until_ = kNever;
};

}  // namespace

std::optional<int> choose_threads(const Environment& environment, double cores, int rank_count) {
  if (environment.find("OMP_NUM_THREADS")) {
    return std::nullopt;
  }
  return threads_per_rank(cores, rank_count);
}

int run_job(const JobPlan& plan, FrontEnds ends) {
  const SteadyClock clock;
  const Result<std::unique_ptr<Poller>> poller = Poller::create(clock);
  if (!poller.ok()) {
    const std::string text = str("hvdrun: ", poller.status().message(), "\n");
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    return 1;
  }
  return Job(plan, std::move(ends), clock, *poller.value()).run();
}

}  // namespace hvd
