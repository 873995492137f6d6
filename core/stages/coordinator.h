// core/stages/coordinator.h: one rank's road of a tensor: submit, negotiate, dispatch, complete.
// Sans-I/O apart from its ports: a pass takes what came, decides, and returns.
// Not here: threads, waiting and sleeping (progress.h).
// Threads: submit and find from any; the rest by the baton holder.  Limits: none.
// Read next: negotiator.h, root_negotiator.h, dispatcher.h, then progress.h.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/log.h"
#include "core/config/config.h"
#include "core/ports/control_plane.h"
#include "core/ports/data_plane.h"
#include "core/ports/word_board.h"
#include "core/stages/answer.h"
#include "core/stages/baton.h"
#include "core/stages/dispatcher.h"
#include "core/stages/fusion.h"
#include "core/stages/grouped.h"
#include "core/stages/handle_table.h"
#include "core/stages/heartbeat.h"
#include "core/stages/job_ranks.h"
#include "core/stages/negotiator.h"
#include "core/stages/plan_keeper.h"
#include "core/stages/plan_lane.h"
#include "core/stages/plan_learner.h"
#include "core/stages/plan_writer.h"
#include "core/stages/root_negotiator.h"
#include "core/stages/submit_queue.h"

namespace hvd {

class Coordinator {
 public:
  // What a rank has after an abort to say that it has stopped: it hears of the abort within
  // milliseconds, unless it is stopped itself.
  static constexpr Nanos kStopPatience = kSecond;
  // What a waiter leaves a plan before it ends it: at first 1 ms, twice as long after each time.
  static constexpr Nanos kGraceMost = 16 * kMillisecond;
  // So many alike cycles are enough for a plan, whatever the data plane still tries out.
  static constexpr std::uint64_t kSettledCyclesMost = 100;

  struct World {
    const Clock& clock;
    ControlPlane& control;
    DataPlane& data;
    const Logger& logger;
    WordBoard* words = nullptr;  // of all ranks; null: words go by message
  };
  struct Counters {
    std::atomic<std::uint64_t> submitted{0};
    std::atomic<std::uint64_t> work_items{0};  // fused groups that were started
    std::atomic<std::uint64_t> control_messages_sent{0};
    std::atomic<std::uint64_t> control_bytes_sent{0};
    std::atomic<std::uint64_t> passes{0};
    std::atomic<std::uint64_t> plans{0};          // that were in force here
    std::atomic<std::uint64_t> thaws{0};          // plans that have ended
    std::atomic<std::uint64_t> planned_items{0};  // of work_items, those by a plan
  };

  Coordinator(const Config& config, JobRanks ranks, World world);

  // What submit() would refuse whatever happens elsewhere: the caller's mistakes and local limits.
  Status check(const Request& request) const;
  // Checks, queues and returns a handle. The request's memory is borrowed until the operation is
  // done. The caller sees to it that a pass follows (progress.h).
  Result<OperationPtr> submit(Request request);
  // The same of many tensors as one operation (grouped.h).
  Status check_group(const Operation& operation) const;
  Result<OperationPtr> submit_group(Request whole, const std::vector<GroupTensor>& tensors);
  HandleTable& handles() { return handles_; }
  bool has_submissions() const { return !submit_queue_.empty(); }
  bool has_messages() const HVD_REQUIRES(baton) { return world_.control.pending(); }

  // A user's thread begins to wait for the operation, at this time, or has come back from waiting.
  // Any thread.
  void note_wait(const Operation& operation, Time now);
  void note_return() { waited_.store(true, std::memory_order_relaxed); }
  // Whether a position of the plan has opened that this rank has not started.
  bool has_open_position() const HVD_REQUIRES(baton);

  // One pass over everything that came; true if anything moved, so that another pass may help.
  bool run_pass() HVD_REQUIRES(baton);
  // Nothing that this rank has submitted is under way, and it owes the others nothing.
  bool at_rest() const HVD_REQUIRES(baton) {
    return negotiator_.pending_count() == 0 && plan_.pending_count() == 0 && !dispatcher_.busy() &&
           world_.data.delivered();
  }
  // When a pass is needed although nothing comes.
  Time next_deadline() const HVD_REQUIRES(baton);

  // No submission from now on; says goodbye. Passes go on until may_leave().
  void begin_leave() HVD_REQUIRES(baton);
  // Every operation that all ranks are committed to has been run, and the root knows of our
  // leaving.
  bool may_leave() const HVD_REQUIRES(baton);
  // Fails whatever is left.
  void finish_leave() HVD_REQUIRES(baton);

  const Counters& counters() const { return counters_; }
  const JobRanks& ranks() const { return ranks_; }

  Baton baton;

 private:
  bool take_submissions() HVD_REQUIRES(baton);
  void start(AgreedGroup& group) HVD_REQUIRES(baton);
  void announce() HVD_REQUIRES(baton);
  bool take_control_events() HVD_REQUIRES(baton);
  void on_message(Rank from, const Bytes& bytes) HVD_REQUIRES(baton);
  void on_ready(Rank from, ReadyMessage& message) HVD_REQUIRES(baton);
  void on_answer(const AnswerMessage& message) HVD_REQUIRES(baton);
  void on_goodbye(Rank from) HVD_REQUIRES(baton);
  void on_ended(Rank from) HVD_REQUIRES(baton);
  void on_peer_lost(Rank peer, const std::string& reason) HVD_REQUIRES(baton);
  Status death_of(Rank peer, const std::string& reason) const;
  void on_abort(Rank from, const AbortMessage& message) HVD_REQUIRES(baton);
  bool deciding() const HVD_REQUIRES(baton);
  void root_work() HVD_REQUIRES(baton);
  void answer_decisions() HVD_REQUIRES(baton);
  void send_answer() HVD_REQUIRES(baton);
  void beat(Time now) HVD_REQUIRES(baton);
  // The plan lane (planned_work.cc).
  bool take_by_plan(const OperationPtr& operation) HVD_REQUIRES(baton);
  bool run_plan() HVD_REQUIRES(baton);
  bool start_open() HVD_REQUIRES(baton);
  std::uint64_t open_count() const HVD_REQUIRES(baton);
  void say_word() HVD_REQUIRES(baton);
  void say_last_word() HVD_REQUIRES(baton);
  void watch_plan(Time now) HVD_REQUIRES(baton);
  Time plan_timer() const HVD_REQUIRES(baton);
  PlanLane::Patience plan_patience() const;
  void ask_thaw() HVD_REQUIRES(baton);
  void begin_plan() HVD_REQUIRES(baton);
  void on_plan(const PlanMessage& plan) HVD_REQUIRES(baton);
  void on_word(Rank from, const WordMessage& word) HVD_REQUIRES(baton);
  void on_gate(const GateMessage& gate) HVD_REQUIRES(baton);
  void on_thaw(std::uint32_t epoch) HVD_REQUIRES(baton);
  void on_thaw_asked(std::uint32_t epoch) HVD_REQUIRES(baton);
  void on_last_word(Rank from, const LastWordMessage& word) HVD_REQUIRES(baton);
  void cut_when_said() HVD_REQUIRES(baton);
  void on_cut(const CutMessage& cut) HVD_REQUIRES(baton);
  void on_nudge(const NudgeMessage& nudge) HVD_REQUIRES(baton);
  void on_plan_message(Rank from) HVD_REQUIRES(baton);
  void end_plan() HVD_REQUIRES(baton);
  void say_goodbye() HVD_REQUIRES(baton);
  void let_go(Rank from) HVD_REQUIRES(baton);
  void watch_work(bool data_moved) HVD_REQUIRES(baton);
  void watch_orphaned_work(bool data_moved) HVD_REQUIRES(baton);
  void abandon_work() HVD_REQUIRES(baton);
  std::string awaited_text() const;
  bool take_finished() HVD_REQUIRES(baton);
  void abort_job(const Status& cause) HVD_REQUIRES(baton);
  void complete(Operation& operation, Status status);
  void complete_all(std::vector<Outcome>& outcomes);
  void fail_pending(const Status& reason) HVD_REQUIRES(baton);
  void send(Rank to, const ControlMessage& message) HVD_REQUIRES(baton);
  void send_to_all(const ControlMessage& message) HVD_REQUIRES(baton);
  // What outgoing_ holds.
  void send_encoded(Rank to) HVD_REQUIRES(baton);
  bool reachable(Rank rank) const HVD_REQUIRES(baton);

  // What only the root has.
  struct RootMind {
    RootNegotiator negotiator;
    PlanLearner learner;
    PlanKeeper keeper;
    PlanWriter writer;
    std::uint64_t cycle_tried = 0;     // of the learner: when a plan was written last
    std::vector<bool> wants_to_leave;  // by rank: has said so, and waits for the plan's end
  };

  const Config config_;
  const JobRanks ranks_;
  const World world_;
  SubmitQueue submit_queue_;
  HandleTable handles_;
  Counters counters_;

  Negotiator negotiator_ HVD_GUARDED_BY(baton);
  Dispatcher dispatcher_ HVD_GUARDED_BY(baton);
  PlanLane plan_ HVD_GUARDED_BY(baton);
  std::unique_ptr<RootMind> root_ HVD_GUARDED_BY(baton);  // rank 0 only
  Heartbeat heartbeat_ HVD_GUARDED_BY(baton);
  std::uint64_t answer_sequence_ HVD_GUARDED_BY(baton) = 0;
  std::uint64_t item_count_ HVD_GUARDED_BY(baton) = 0;  // that the root has ordered
  Time orphaned_until_ HVD_GUARDED_BY(baton) = kNever;
  // While started work stands still, so that its time is asked for only then.
  Time still_since_ HVD_GUARDED_BY(baton) = kNever;
  Time still_warning_at_ HVD_GUARDED_BY(baton) = kNever;
  Time abandon_at_ HVD_GUARDED_BY(baton) = kNever;  // after an abort: what others hold back
  Status aborted_ HVD_GUARDED_BY(baton);
  std::vector<bool> left_ HVD_GUARDED_BY(baton);   // said goodbye: submits or decides no more
  std::vector<bool> ended_ HVD_GUARDED_BY(baton);  // has finished what it was committed to
  std::vector<bool> lost_ HVD_GUARDED_BY(baton);   // its channel is gone
  bool leaving_ HVD_GUARDED_BY(baton) = false;
  bool goodbye_seen_ HVD_GUARDED_BY(baton) = false;
  bool goodbye_due_ HVD_GUARDED_BY(baton) = false;   // once the plan has ended
  bool owes_answers_ HVD_GUARDED_BY(baton) = false;  // something was pending when we left
  // Empty between uses, and kept for their memory: an operation on its way allocates nothing.
  std::vector<OperationPtr> drained_ HVD_GUARDED_BY(baton);
  std::vector<Outcome> outcomes_ HVD_GUARDED_BY(baton);
  ReadyMessage announcements_ HVD_GUARDED_BY(baton);
  ByteWriter outgoing_ HVD_GUARDED_BY(baton);
  ControlEvent event_ HVD_GUARDED_BY(baton);
  ControlMessage incoming_ HVD_GUARDED_BY(baton);
  ReusedList<Decision> decisions_ HVD_GUARDED_BY(baton);
  Fusion fusion_ HVD_GUARDED_BY(baton);
  Answer answer_ HVD_GUARDED_BY(baton);
  ReusedList<AgreedGroup> agreed_ HVD_GUARDED_BY(baton);

  AgreedGroup planned_ HVD_GUARDED_BY(baton);      // the position at hand
  std::uint64_t gate_ HVD_GUARDED_BY(baton) = 0;   // positions that messages have opened
  bool thaw_asked_ HVD_GUARDED_BY(baton) = false;  // of this plan
  bool last_word_said_ HVD_GUARDED_BY(baton) = false;
  Time plan_look_at_ HVD_GUARDED_BY(baton) = kNever;
  Time wait_seen_ HVD_GUARDED_BY(baton) = kNever;
  Nanos grace_ HVD_GUARDED_BY(baton) = kMillisecond;
  std::atomic<Time> waited_at_{kNever};  // when somebody began to wait last
  std::atomic<bool> waited_{false};      // a wait has returned since the last submission
};

}  // namespace hvd
