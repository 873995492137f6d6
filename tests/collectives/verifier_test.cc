#include "collectives/verifier.h"

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/one_shot_allreduce.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/single_copy_broadcast.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/schedule_builder.h"
#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

ScheduleParams params_of(int rank_count, std::uint64_t element_count, std::uint64_t chunk) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = element_count;
  params.chunk_element_count = chunk;
  return params;
}

bool contains(const VerifierReport& report, std::string_view text) {
  return report.status.message().find(text) != std::string::npos;
}

// Two ranks, written by hand; `first` and `second` are builders for rank 0 and 1.
struct Pair {
  explicit Pair(CollectiveKind kind, const ScheduleParams& params)
      : first(kind, params), second(kind, with_rank_1(params)) {}
  static ScheduleParams with_rank_1(ScheduleParams params) {
    params.rank = Rank{1};
    return params;
  }
  VerifierReport verify(int slots = 2) {
    return verify_schedules(std::vector<Schedule>{first.take(), second.take()}, slots);
  }
  ScheduleBuilder first;
  ScheduleBuilder second;
};

TEST_CASE("a ring that sends farther ahead than its edges hold is a deadlock", "[verifier]") {
  ScheduleParams params = params_of(3, 30, 2);
  params.send_ahead = 3;
  const std::vector<Schedule> schedules = schedules_of_all_ranks(make_ring_allreduce, params);
  CHECK(verify_schedules(schedules, 3).ok());
  const VerifierReport report = verify_schedules(schedules, 2);
  CHECK(report.rule == VerifierRule::no_deadlock);
  CHECK(report.rank == Rank{0});
  CHECK(report.op_index == 2);
  CHECK(contains(report, "rank 0 waits at op 2 'send >1 in[4:6]' for a free slot; rank 1 waits"));
}

TEST_CASE("a receive for which nobody sends is a deadlock that names both", "[verifier]") {
  Pair pair(CollectiveKind::broadcast, params_of(2, 1, 1));
  pair.first.copy(at_output(0), at_input(0), 1);
  pair.second.recv(Rank{0}, at_output(0), 1);
  const VerifierReport report = pair.verify();
  CHECK(report.rule == VerifierRule::no_deadlock);
  CHECK(contains(report, "rank 1 waits at op 0 'recv <0 out[0:1]' for a chunk"));
}

TEST_CASE("a chunk that is never received is found", "[verifier]") {
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params_of(2, 4, 2));
  schedules[1].ops.pop_back();
  const VerifierReport report = verify_schedules(schedules, 2);
  CHECK(report.rule == VerifierRule::matching_chunk);
  CHECK(report.rank == Rank{0});
  CHECK(contains(report, "'send >1 in[2:4]': rank 1 never receives this chunk"));
}

TEST_CASE("a receive of another count than was sent is found", "[verifier]") {
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params_of(2, 4, 2));
  schedules[1].ops[0].count = 1;
  const VerifierReport report = verify_schedules(schedules, 2);
  CHECK(report.rule == VerifierRule::matching_chunk);
  CHECK(contains(report, "the chunk that rank 0 sent at its op 0 has 2 elements"));
}

TEST_CASE("a rank that is counted twice is named", "[verifier]") {
  Pair pair(CollectiveKind::allreduce, params_of(2, 3, 3));
  pair.first.send(Rank{1}, at_input(0), 3).recv_reduce(Rank{1}, at_output(0), at_input(0), 3);
  pair.second.recv_reduce(Rank{0}, at_output(0), at_input(0), 3).send(Rank{0}, at_output(0), 3);
  const VerifierReport report = pair.verify();
  CHECK(report.rule == VerifierRule::sound_reduction);
  CHECK(report.rank == Rank{0});
  CHECK(report.op_index == 1);
  CHECK(report.element_begin == 0);
  CHECK(report.element_end == 3);
  CHECK(contains(report, "rank 0 is in both operands, 0 and (1 + 0)"));
}

TEST_CASE("a rank that is missing is named with the elements that miss it", "[verifier]") {
  ScheduleParams params = params_of(2, 4, 2);
  params.in_place = true;
  Pair pair(CollectiveKind::allreduce, params);
  pair.first.send(Rank{1}, at_input(0), 2).recv_reduce(Rank{1}, at_output(0), at_output(0), 2);
  pair.second.send(Rank{0}, at_input(0), 2)
      .recv_reduce(Rank{0}, at_output(0), at_output(0), 2, kReverseOperands);
  const VerifierReport report = pair.verify();
  CHECK(report.rule == VerifierRule::post_condition);
  CHECK(report.element_begin == 2);
  CHECK(report.element_end == 4);
  CHECK(contains(report, "rank 0, elements 2 to 3: the output holds 0, without rank 1"));
}

TEST_CASE("elements of different places are never reduced with one another", "[verifier]") {
  Pair pair(CollectiveKind::allreduce, params_of(2, 4, 2));
  pair.first.send(Rank{1}, at_input(0), 2);
  pair.second.recv_reduce(Rank{0}, at_output(1), at_input(1), 2);
  const VerifierReport report = pair.verify();
  CHECK(report.rule == VerifierRule::sound_reduction);
  CHECK(contains(report, "different places"));
}

TEST_CASE("two ranks that reduce in different orders are found", "[verifier]") {
  std::vector<Schedule> schedules =
      schedules_of_all_ranks(make_recursive_doubling_allreduce, params_of(4, 2, 2));
  schedules[3].ops.back().flags ^= kReverseOperands;
  const VerifierReport report = verify_schedules(schedules, 2);
  CHECK(report.rule == VerifierRule::same_tree);
  CHECK(report.rank == Rank{3});
  CHECK(contains(report, "the output is ((1 + 3) + (0 + 2)), on rank 0 it is ((0 + 2) + (1 + 3))"));
}

TEST_CASE("output that nobody has written is not read", "[verifier]") {
  Pair pair(CollectiveKind::allreduce, params_of(2, 4, 4));
  pair.first.copy(at_output(0), at_input(0), 3).send(Rank{1}, at_output(0), 4);
  const VerifierReport report = pair.verify();
  CHECK(report.rule == VerifierRule::defined_read);
  CHECK(report.element_begin == 3);
  CHECK(report.element_end == 4);
}

TEST_CASE("factors are applied exactly once, in their place", "[verifier]") {
  ScheduleParams params = params_of(2, 2, 2);
  params.prescale = true;
  params.postscale = true;
  params.send_ahead = 1;
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_ring_allreduce, params);
  REQUIRE(verify_schedules(schedules, 1).ok());
  Op& copy = schedules[0].ops[0];
  Op& last_reduce = schedules[0].ops[2];
  REQUIRE(copy.kind == OpKind::copy);
  REQUIRE(last_reduce.kind == OpKind::recv_reduce);
  SECTION("no prescale on one rank") {
    copy.flags = 0;
    CHECK(contains(verify_schedules(schedules, 1), "one operand is prescaled"));
  }
  SECTION("prescale twice") {
    schedules[0].ops.insert(schedules[0].ops.begin() + 1, copy);
    schedules[0].ops[1].src = BufferKind::output;
    CHECK(contains(verify_schedules(schedules, 1), "a rank's own input, and this is 0*pre"));
  }
  SECTION("no postscale") {
    last_reduce.flags = kReverseOperands;
    CHECK(contains(verify_schedules(schedules, 1), "was to be postscaled"));
  }
  SECTION("postscale twice") {
    schedules[1].ops.back().flags = kScalePost;
    CHECK(contains(verify_schedules(schedules, 1), "the postscale is for results, once"));
  }
  SECTION("postscale of a part") {
    copy.flags |= kScalePost;
    CHECK(contains(verify_schedules(schedules, 1), "the postscale is for results, once"));
  }
  SECTION("postscale that the collective does not have") {
    for (Schedule& schedule : schedules) {
      schedule.postscale = false;
    }
    CHECK(verify_schedules(schedules, 1).rule == VerifierRule::well_formed_op);
  }
}

TEST_CASE("a barrier that one rank may leave early is found", "[verifier]") {
  std::vector<Schedule> schedules =
      schedules_of_all_ranks(make_dissemination_barrier, params_of(4, 0, 1));
  for (Schedule& schedule : schedules) {
    schedule.ops.resize(2);  // the first round only
  }
  const VerifierReport report = verify_schedules(schedules, 1);
  CHECK(report.rule == VerifierRule::post_condition);
  CHECK(contains(report, "rank 0: it may leave the barrier before rank 1 has come"));
}

TEST_CASE("a free slot does not order shared memory", "[verifier]") {
  // Rank 1 takes the first chunk after it read rank 0's slot buffer; with one slot an edge, rank
  // 0's second send waits for that, with two it does not.
  ScheduleParams params = params_of(2, 1, 1);
  params.in_place = true;
  Pair pair(CollectiveKind::broadcast, params);
  pair.second.slot(1, {Rank{0}, Rank{1}});
  pair.first.slot(1, {Rank{0}, Rank{1}})
      .copy(at_slot(Rank{0}, 0), at_input(0), 1)
      .post(0, 1)
      .send(Rank{1}, at_input(0), 1)
      .send(Rank{1}, at_input(0), 1)
      .copy(at_slot(Rank{0}, 0), at_input(0), 1);
  pair.second.wait(Rank{0}, 0, 1)
      .copy(at_output(0), at_slot(Rank{0}, 0), 1)
      .recv(Rank{0}, at_output(0), 1)
      .recv(Rank{0}, at_output(0), 1);
  const VerifierReport report = pair.verify(1);
  CHECK(report.rule == VerifierRule::ordered_accesses);
  CHECK(contains(report, "nothing orders the two"));
}

TEST_CASE("each wait of a one-shot allreduce is needed", "[verifier]") {
  ScheduleParams params = params_of(3, 6, 1);
  params.slot_element_count = 1;  // with more places, some waits follow from others
  const std::vector<Schedule> schedules = schedules_of_all_ranks(make_one_shot_allreduce, params);
  REQUIRE(verify_schedules(schedules, 1).ok());
  int wait_count = 0;
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    for (std::size_t i = 0; i < schedules[rank].ops.size(); ++i) {
      if (schedules[rank].ops[i].kind == OpKind::wait_all) {
        std::vector<Schedule> damaged = schedules;
        damaged[rank].ops.erase(damaged[rank].ops.begin() + static_cast<std::ptrdiff_t>(i));
        const VerifierReport report = verify_schedules(damaged, 1);
        INFO("rank " << rank << " without op " << i << ": " << report.status.message());
        CHECK(report.rule == VerifierRule::ordered_accesses);
        ++wait_count;
      }
    }
  }
  CHECK(wait_count == 3 * (6 + 5));
}

TEST_CASE("ranks may offer different numbers of slots, and each is held to its own", "[verifier]") {
  ScheduleParams params = params_of(3, 6, 2);
  params.slot_element_count = 4;
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_one_shot_allreduce, params);
  schedules[1].slot_element_count += 3;
  CHECK(verify_schedules(schedules, 1).ok());
  schedules[1].slot_element_count = 3;
  const VerifierReport report = verify_schedules(schedules, 1);
  CHECK(report.rule == VerifierRule::well_formed_op);
  CHECK(contains(report, "slot"));
}

// An allreduce of two tensors in the arena: each rank combines a half of both and writes it to
// both.
struct ArenaPair : Pair {
  static ScheduleParams params(bool in_place) {
    ScheduleParams params = params_of(2, 4, 2);
    params.in_place = in_place;
    return params;
  }
  explicit ArenaPair(bool in_place) : Pair(CollectiveKind::allreduce, params(in_place)) {
    std::uint64_t half = 0;
    for (ScheduleBuilder* rank : {&first, &second}) {
      rank->slot(0, {Rank{0}, Rank{1}})
          .post(1, 1)
          .wait_all(1, 1)
          .reduce_slots(at_output(half), at_input(half), 0, 2, kFromInputs | kToOutputs)
          .post(0, 1);
      half += 2;
    }
  }
};

TEST_CASE("tensors in the arena belong to their ranks again when these are at their end",
          "[verifier]") {
  for (const bool in_place : {false, true}) {
    ArenaPair drained(in_place);
    drained.first.wait_all(0, 1);
    drained.second.wait_all(0, 1);
    const VerifierReport fine = drained.verify();
    INFO(fine.status.message());
    CHECK(fine.ok());
    ArenaPair hasty(in_place);
    hasty.first.wait_all(0, 1);  // and the second does not wait for the first
    const VerifierReport report = hasty.verify();
    CHECK(report.rule == VerifierRule::ordered_accesses);
    CHECK(contains(report, "gives back to its user"));
  }
}

TEST_CASE("a tensor in the arena is not written while another rank may read it", "[verifier]") {
  ScheduleParams params = params_of(2, 2, 2);
  params.in_place = true;
  for (const bool waits : {true, false}) {
    Pair pair(CollectiveKind::allreduce, params);
    pair.first.slot(0, {Rank{0}, Rank{1}}).scratch(2);
    pair.second.slot(0, {Rank{0}, Rank{1}}).scratch(2);
    for (ScheduleBuilder* rank : {&pair.first, &pair.second}) {
      rank->post(1, 1).wait_all(1, 1);
      rank->reduce_slots(at_scratch(0), at_input(0), 0, 2, kFromInputs).post(0, 1);
      if (waits) {
        rank->wait_all(0, 1);
      }
      rank->copy(at_output(0), at_scratch(0), 2);
    }
    CHECK(pair.verify().rule == (waits ? VerifierRule::none : VerifierRule::ordered_accesses));
  }
}

// Of three ranks, the last one the root.
std::vector<Schedule> single_copies() {
  ScheduleParams params;
  params.rank_count = 3;
  params.root = Rank{2};
  params.element_count = 4;
  params.chunk_element_count = 4;
  params.slot_element_count = 4;
  return schedules_of_all_ranks(make_single_copy_broadcast, params);
}

TEST_CASE("what another rank has is read only once that rank has told of it", "[verifier]") {
  std::vector<Schedule> schedules = single_copies();
  REQUIRE(verify_schedules(schedules, 1).ok());
  REQUIRE(schedules[1].ops.front().kind == OpKind::wait);
  schedules[1].ops.erase(schedules[1].ops.begin());
  const VerifierReport report = verify_schedules(schedules, 1);
  CHECK(report.rule == VerifierRule::ordered_accesses);
  CHECK_THAT(report.status.message(), Catch::Contains("reads what rank 2 first tells of"));
}

TEST_CASE("a rank keeps what others read until they have said that they are done", "[verifier]") {
  std::vector<Schedule> schedules = single_copies();
  SECTION("it does not wait") {
    REQUIRE(schedules[2].ops.back().kind == OpKind::wait_all);
    schedules[2].ops.pop_back();
  }
  SECTION("one says so too early") {
    REQUIRE(schedules[0].ops.back().kind == OpKind::post);
    std::swap(schedules[0].ops[1], schedules[0].ops[2]);
  }
  const VerifierReport report = verify_schedules(schedules, 1);
  CHECK(report.rule == VerifierRule::ordered_accesses);
  CHECK_THAT(report.status.message(), Catch::Contains("gives back to its user"));
}

TEST_CASE("a reduction of slots is the same as binary ones in its order", "[verifier]") {
  ScheduleParams params = params_of(3, 1, 1);
  const std::vector<Rank> all = {Rank{0}, Rank{1}, Rank{2}};
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < 3; ++rank) {
    params.rank = Rank{rank};
    ScheduleBuilder builder(CollectiveKind::allreduce, params);
    builder.slot(1, all).copy(at_slot(params.rank, 0), at_input(0), 1).post(2, 1).wait_all(2, 1);
    if (rank == 1) {
      builder.copy(at_output(0), at_slot(Rank{0}, 0), 1)
          .reduce(at_output(0), at_input(0), 1)
          .reduce(at_output(0), at_slot(Rank{2}, 0), 1);
    } else {
      builder.reduce_slots(at_output(0), at_input(0), 0, 1);
    }
    schedules.push_back(builder.take());
  }
  const VerifierReport report = verify_schedules(schedules, 1);
  INFO(report.status.message());
  CHECK(report.ok());
  schedules[1].ops[4].flags = kReverseOperands;
  CHECK(verify_schedules(schedules, 1).rule == VerifierRule::same_tree);
}

TEST_CASE("whoever waits for all waits for each", "[verifier]") {
  std::vector<Schedule> schedules;
  ScheduleParams params = params_of(3, 0, 1);
  for (int rank = 0; rank < 3; ++rank) {
    params.rank = Rank{rank};
    ScheduleBuilder builder(CollectiveKind::barrier, params);
    builder.slot(0, {Rank{0}, Rank{1}, Rank{2}}).post(0, 1).wait_all(0, 1);
    schedules.push_back(builder.take());
  }
  CHECK(verify_schedules(schedules, 1).ok());
  schedules[2].ops.erase(schedules[2].ops.begin());
  const VerifierReport report = verify_schedules(schedules, 1);
  CHECK(report.rule == VerifierRule::no_deadlock);
  CHECK(contains(report, "rank 0 waits at op 1 'wait_all f0 1' for the flags of all"));
}

TEST_CASE("schedules of different collectives are not verified together", "[verifier]") {
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params_of(3, 4, 2));
  SECTION("root") { schedules[2].root = Rank{1}; }
  SECTION("rank") { schedules[2].rank = Rank{1}; }
  SECTION("count") { schedules[2].element_count = 3; }
  SECTION("kind") { schedules[2].kind = CollectiveKind::allreduce; }
  SECTION("chunk") { schedules[2].chunk_element_count = 3; }
  SECTION("scaling") { schedules[2].postscale = true; }
  const VerifierReport report = verify_schedules(schedules, 2);
  CHECK(report.rule == VerifierRule::same_collective);
  CHECK(report.rank == Rank{2});
}

TEST_CASE("senseless calls of the verifier are refused", "[verifier]") {
  const std::vector<Schedule> none;
  CHECK_FALSE(verify_schedules(none, 1).ok());
  const std::vector<Schedule> one = schedules_of_all_ranks(make_tree_broadcast, params_of(1, 4, 2));
  CHECK(verify_schedules(one, 1).ok());
  CHECK_FALSE(verify_schedules(one, 0).ok());
}

TEST_CASE("every rule has a name", "[verifier]") {
  for (int rule = 0; rule <= static_cast<int>(VerifierRule::same_tree); ++rule) {
    CHECK(verifier_rule_name(static_cast<VerifierRule>(rule)) != "unknown");
  }
}

}  // namespace
}  // namespace hvd
