#include "collectives/verifier/post_condition.h"

#include <string_view>
#include <utility>

#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/schedule_builder.h"
#include "tests/catch.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

// Two ranks, written by hand.
struct Pair {
  Pair(CollectiveKind kind, const ScheduleParams& params)
      : first(kind, params), second(kind, with_rank_1(params)) {}
  static ScheduleParams with_rank_1(ScheduleParams params) {
    params.rank = Rank{1};
    return params;
  }
  VerifierReport verify() {
    return verify_schedules(std::vector<Schedule>{first.take(), second.take()}, 2);
  }
  ScheduleBuilder first;
  ScheduleBuilder second;
};

ScheduleParams counted(std::vector<std::uint64_t> counts) {
  ScheduleParams params;
  params.rank_count = static_cast<int>(counts.size());
  params.counts = std::move(counts);
  params.chunk_element_count = 8;
  return params;
}

bool contains(const VerifierReport& report, std::string_view text) {
  return report.status.message().find(text) != std::string::npos;
}

VerifierReport outcome(const std::vector<Schedule>& schedules) {
  Execution execution(schedules, 2, Look::order_and_values);
  REQUIRE(execution.run().ok());
  return check_post_condition(schedules, execution);
}

TEST_CASE("a broadcast from another root than agreed is found", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = 3;
  params.chunk_element_count = 3;
  params.in_place = true;  // so that all ranks have something to send
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params);
  CHECK(outcome(schedules).ok());
  for (Schedule& schedule : schedules) {
    schedule.root = Rank{1};
  }
  const VerifierReport report = outcome(schedules);
  CHECK(report.rule == VerifierRule::post_condition);
  CHECK(report.status.message().find("holds elements of 0 from 0 on; it must hold those of 1") !=
        std::string::npos);
}

TEST_CASE("gathered parts must lie where their rank's counts say", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 3;
  params.counts = {2, 0, 3};
  params.chunk_element_count = 3;
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_ring_allgather, params);
  CHECK(outcome(schedules).ok());
  Op& last = schedules[1].ops.back();
  REQUIRE(last.kind == OpKind::recv);
  last.dst_offset = last.dst_offset == 0 ? 1 : 0;
  const VerifierReport report = outcome(schedules);
  CHECK(report.rule == VerifierRule::post_condition);
  CHECK(report.rank == Rank{1});
}

TEST_CASE("an element that nobody wrote is found in the output", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 1;
  params.element_count = 3;
  params.chunk_element_count = 2;
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params);
  schedules[0].ops.pop_back();
  const VerifierReport report = outcome(schedules);
  CHECK(report.element_begin == 2);
  CHECK(report.element_end == 3);
}

TEST_CASE("a reduce leaves the sum at its root alone", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = 3;
  params.chunk_element_count = 3;
  params.root = Rank{1};
  params.postscale = true;
  for (const bool is_scaled : {true, false}) {
    Pair pair(CollectiveKind::reduce, params);
    pair.first.send(Rank{1}, at_input(0), 3);
    pair.second.recv_reduce(Rank{0}, at_output(0), at_input(0), 3,
                            kReverseOperands | (is_scaled ? unsigned{kScalePost} : 0U));
    const VerifierReport report = pair.verify();
    CHECK(report.ok() == is_scaled);
    CHECK(contains(report, "was to be postscaled") == !is_scaled);
  }
  Pair pair(CollectiveKind::reduce, params);
  pair.first.copy(at_output(0), at_input(0), 1);
  CHECK(contains(pair.verify(), "its destination ends behind the buffer's 0 elements"));
}

TEST_CASE("a reduce-scatter leaves each rank its own part", "[post_condition]") {
  for (const std::uint64_t sent_from : {2U, 1U}) {
    Pair pair(CollectiveKind::reduce_scatter, counted({2, 3}));
    pair.first.send(Rank{1}, at_input(sent_from), 3)
        .recv_reduce(Rank{1}, at_output(0), at_input(0), 2);
    pair.second.send(Rank{0}, at_input(0), 2)
        .recv_reduce(Rank{0}, at_output(0), at_input(sent_from), 3);
    const VerifierReport report = pair.verify();
    CHECK(report.ok() == (sent_from == 2));
    CHECK(contains(report, "of other elements") == (sent_from != 2));
  }
}

TEST_CASE("a gather fills the root's output and a scatter empties its input", "[post_condition]") {
  for (const std::uint64_t at : {2U, 1U}) {
    Pair gather(CollectiveKind::gather, counted({2, 2}));
    gather.first.copy(at_output(0), at_input(0), 2).recv(Rank{1}, at_output(at), 2);
    gather.second.send(Rank{0}, at_input(0), 2);
    CHECK(gather.verify().ok() == (at == 2));
    Pair scatter(CollectiveKind::scatter, counted({2, 2}));
    scatter.first.copy(at_output(0), at_input(0), 2).send(Rank{1}, at_input(at), 2);
    scatter.second.recv(Rank{0}, at_output(0), 2);
    CHECK(scatter.verify().ok() == (at == 2));
  }
}

TEST_CASE("an alltoall puts what a rank sends where the other's counts say", "[post_condition]") {
  for (const std::uint64_t taken_from : {1U, 0U}) {
    ScheduleParams params = counted({1, 2});
    params.send_counts = {1, 3};
    ScheduleBuilder first(CollectiveKind::alltoall, params);
    first.copy(at_output(0), at_input(0), 1)
        .send(Rank{1}, at_input(taken_from), 3)
        .recv(Rank{1}, at_output(1), 2);
    params.rank = Rank{1};
    params.counts = {3, 4};
    params.send_counts = {2, 4};
    ScheduleBuilder second(CollectiveKind::alltoall, params);
    second.copy(at_output(3), at_input(2), 4)
        .recv(Rank{0}, at_output(0), 3)
        .send(Rank{0}, at_input(0), 2);
    const VerifierReport report =
        verify_schedules(std::vector<Schedule>{first.take(), second.take()}, 1);
    CHECK(report.ok() == (taken_from == 1));
    CHECK((report.ok() || report.rank == Rank{1}));
  }
}

TEST_CASE("what is received is what was sent, and others do nothing", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 3;
  params.chunk_element_count = 2;
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < 3; ++rank) {
    params.rank = Rank{rank};
    params.element_count = rank == 1 ? 0 : 3;
    ScheduleBuilder builder(rank == 2 ? CollectiveKind::send : CollectiveKind::recv, params);
    if (rank == 0) {
      builder.recv(Rank{2}, at_output(0), 2).recv(Rank{2}, at_output(2), 1);
    } else if (rank == 2) {
      builder.send(Rank{0}, at_input(0), 2).send(Rank{0}, at_input(2), 1);
    }
    schedules.push_back(builder.take());
  }
  CHECK(verify_schedules(schedules, 1).ok());
  std::swap(schedules[0].ops[0].dst_offset, schedules[0].ops[1].dst_offset);
  schedules[0].ops[0].dst_offset = 1;
  CHECK(verify_schedules(schedules, 1).rule == VerifierRule::post_condition);
}

TEST_CASE("one rank may not keep more of a value than the others got", "[post_condition]") {
  for (const bool narrows_its_own : {true, false}) {
    ScheduleParams params;
    params.rank_count = 2;
    params.element_count = 1;
    params.narrow = true;
    Pair pair(CollectiveKind::allreduce, params);
    pair.first.recv_reduce(Rank{1}, at_output(0), at_input(0), 1, kNarrow);
    if (narrows_its_own) {
      pair.first.copy(at_output(0), at_output(0), 1, kNarrow);
    }
    Schedule first = pair.first.send(Rank{1}, at_output(0), 1).take();
    first.ops.back().flags = kNarrow;
    Schedule second = pair.second.send(Rank{0}, at_input(0), 1).take();
    second.ops.back().flags = kNarrow;
    Op recv;
    recv.kind = OpKind::recv;
    recv.peer = 0;
    recv.dst = BufferKind::output;
    recv.count = 1;
    recv.flags = kNarrow;
    second.ops.push_back(recv);
    const VerifierReport report = verify_schedules(std::vector<Schedule>{first, second}, 1);
    INFO(report.status.message());
    CHECK(report.rule == (narrows_its_own ? VerifierRule::none : VerifierRule::same_tree));
    second.ops.back().flags = 0;
    CHECK(verify_schedules(std::vector<Schedule>{first, second}, 1).rule ==
          VerifierRule::matching_chunk);
  }
}

}  // namespace
}  // namespace hvd
