#include "core/stages/coordinator.h"

#include "tests/catch.h"
#include "tests/core/stages/small_job.h"

namespace hvd {
namespace {

using test::request_of;
using test::shape_of;
using test::SmallJob;

TEST_CASE("an operation that all ranks submit is run and ends everywhere", "[coordinator]") {
  SmallJob job(3);
  std::vector<OperationPtr> operations;
  for (int r = 0; r < 3; ++r) {
    operations.push_back(job.submit(r, request_of("x")));
    if (r < 2) {
      job.run();
      CHECK_FALSE(operations[0]->done);
    }
  }
  job.run();
  for (int r = 0; r < 3; ++r) {
    CHECK(operations[static_cast<std::size_t>(r)]->done);
    CHECK(operations[static_cast<std::size_t>(r)]->status.ok());
    CHECK(job.started(r).size() == 1);
  }
  CHECK(job.at(1).counters().work_items == 1);
  CHECK(job.at(1).counters().control_messages_sent == 1);
}

TEST_CASE("a job of one rank needs nobody", "[coordinator]") {
  SmallJob job(1);
  const OperationPtr operation = job.submit(0, request_of("x"));
  job.run();
  CHECK(operation->done);
  CHECK(job.at(0).counters().control_messages_sent == 0);
  job.begin_leave(0);
  CHECK(job.may_leave(0));
}

TEST_CASE("tensors that are ready together are run as one item", "[coordinator]") {
  Config config;
  config.fusion_bytes_max = 1000;
  SmallJob job(2, config);
  for (int r = 0; r < 2; ++r) {
    job.submit(r, request_of(r == 0 ? "a" : "b"));
    job.submit(r, request_of(r == 0 ? "b" : "a"));
  }
  job.step(1);
  job.run();
  REQUIRE(job.started(0).size() == 1);
  CHECK(job.started(0)[0].segments.size() == 2);
  CHECK(job.started(0)[0].label == job.started(1)[0].label);
  CHECK(job.started(0)[0].choice == 12);
}

TEST_CASE("a mismatch is one operation's error on every rank and the job lives on",
          "[coordinator]") {
  SmallJob job(2);
  const OperationPtr a = job.submit(0, request_of("x"));
  const OperationPtr b = job.submit(1, request_of("x", CollectiveKind::allreduce, shape_of({9})));
  job.run();
  CHECK(a->status.code() == StatusCode::mismatch);
  CHECK(b->status.code() == StatusCode::mismatch);
  CHECK(a->status.message() == b->status.message());
  const OperationPtr again = job.submit(0, request_of("x"));
  job.submit(1, request_of("x"));
  job.run();
  CHECK(again->status.ok());
  CHECK(again->done);
}

TEST_CASE("the data plane's own limits are told to the caller", "[coordinator]") {
  SmallJob job(1);
  CHECK(job.at(0).submit(request_of("unwelcome")).status().code() == StatusCode::unsupported);
  CHECK_FALSE(job.at(0).has_submissions());
}

TEST_CASE("the setting's deadline counts where the call has none", "[coordinator]") {
  Config config;
  config.deadline_seconds = 2;
  SmallJob job(2, config);
  const OperationPtr operation = job.submit(0, request_of("x"));
  job.run();
  job.clock.advance(2 * kSecond);
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.code() == StatusCode::deadline_exceeded);
  CHECK(operation->status.culprit_rank() == 1);
}

TEST_CASE("a stall is warned of by the root", "[coordinator]") {
  SmallJob job(2);
  job.submit(1, request_of("x"));
  job.run();
  job.clock.advance(9 * kSecond);
  job.run();
  CHECK(job.warnings.empty());
  job.clock.advance(kSecond);
  job.run();
  REQUIRE(job.warnings.size() == 1);
  CHECK_THAT(job.warnings[0], Catch::Contains("rank 0 (host host-a, pid 100) did not submit it"));
}

TEST_CASE("a rank's death fails everything everywhere with one cause", "[coordinator]") {
  SmallJob job(4);
  const OperationPtr waiting = job.submit(1, request_of("x"));
  job.hold_items = true;
  std::vector<OperationPtr> running;
  running.reserve(4);
  for (int r = 0; r < 4; ++r) {
    running.push_back(job.submit(r, request_of("y")));
  }
  job.run();
  job.clock.advance(kSecond / 2);
  job.lose(3, "connection reset by peer");
  job.run();
  for (int r = 0; r < 3; ++r) {
    const Status& status = running[static_cast<std::size_t>(r)]->status;
    CHECK(running[static_cast<std::size_t>(r)]->done);
    CHECK(status.code() == StatusCode::aborted);
    CHECK(status.culprit_rank() == 3);
    CHECK_THAT(status.message(),
               Catch::Contains("rank 3 (host host-d, pid 103) died: connection "
                               "reset by peer, 0.5 s after it was last heard of. its own "
                               "output, or the report of its launcher, says why"));
    CHECK(job.at(r).submit(request_of("z")).status().culprit_rank() == 3);
  }
  CHECK(waiting->status.culprit_rank() == 3);
  CHECK(waiting->status.tensor() == "x");
}

TEST_CASE("who gave a tensor in place is told that a death left it undefined", "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  std::array<float, 4> memory{};
  auto* const bytes = reinterpret_cast<std::byte*>(memory.data());
  const auto submit_all = [&](const Request& request) {
    std::vector<OperationPtr> operations;
    operations.reserve(3);
    for (int r = 0; r < 3; ++r) {
      operations.push_back(job.submit(r, request));
    }
    return operations;
  };
  Request in_place = request_of("in_place");
  in_place.input.data = bytes;
  in_place.input.shape = shape_of({4});
  in_place.output = bytes;
  Request apart = in_place;
  apart.name = "apart";
  apart.input.shape = shape_of({2});
  apart.output = bytes + 8;
  Request shared = in_place;
  shared.name = "shared";
  shared.kind = CollectiveKind::broadcast;
  const auto undefined = submit_all(in_place);
  const auto kept = submit_all(apart);
  const auto sent = submit_all(shared);
  job.run();
  const OperationPtr waiting = job.submit(0, request_of("waiting"));
  job.lose(2, "connection reset by peer");
  job.run();
  const std::string told = "given in place, is undefined now: rank 2";
  CHECK_THAT(undefined[0]->status.message(), Catch::Contains(told));
  CHECK_THAT(undefined[1]->status.message(), Catch::Contains(told));
  CHECK_THAT(kept[0]->status.message(), !Catch::Contains("undefined"));
  CHECK_THAT(sent[0]->status.message(), !Catch::Contains("undefined"));  // the root's was read
  CHECK_THAT(sent[1]->status.message(), Catch::Contains(told));
  CHECK_THAT(waiting->status.message(), !Catch::Contains("undefined"));  // it had not begun
}

TEST_CASE("a death that the data plane finds first is told as each operation's failure",
          "[coordinator]") {
  SmallJob job(2);
  job.hold_items = true;
  const OperationPtr running = job.submit(0, request_of("x"));
  (void)job.submit(1, request_of("x"));
  job.run();
  REQUIRE(job.started(0).size() == 1);
  const OperationPtr waiting = job.submit(0, request_of("y"));
  job.fail_item(0, job.started(0)[0].id,
                error(StatusCode::aborted, "rank 1 (host host-b, pid 101) died").blame_rank(1));
  job.run();
  CHECK(running->status.message() ==
        "allreduce 'x' cannot complete, and its tensor, which was given in place, is undefined "
        "now: rank 1 (host host-b, pid 101) died");
  CHECK(waiting->status.message() ==
        "allreduce 'y' cannot complete: rank 1 (host host-b, pid 101) died");
  for (const OperationPtr& operation : {running, waiting}) {
    CHECK(operation->status.culprit_rank() == 1);
    CHECK(operation->status.tensor() == operation->request.name);
  }
}

TEST_CASE("an answer that was decided before a goodbye came reaches the rank that leaves",
          "[coordinator]") {
  SmallJob job(3);
  const OperationPtr leaver = job.submit(2, request_of("x"));
  const OperationPtr stayer = job.submit(1, request_of("x"));
  job.submit(0, request_of("x"));
  job.step(2);
  job.step(1);
  job.begin_leave(2);  // its goodbye lies behind everyone's x in the root's inbox: one pass
  CHECK_FALSE(job.may_leave(2));
  job.run();
  CHECK(leaver->done);
  CHECK(leaver->status.ok());
  CHECK(stayer->done);
  CHECK(stayer->status.ok());
  CHECK(job.may_leave(2));
}

TEST_CASE("the root decides nothing after its goodbye", "[coordinator]") {
  SmallJob job(2);
  job.hold_items = true;
  job.submit(0, request_of("running"));
  job.submit(1, request_of("running"));
  job.run();
  const OperationPtr at_root = job.submit(0, request_of("x"));
  job.step(0);
  const OperationPtr at_peer = job.submit(1, request_of("x"));
  job.begin_leave(0);
  job.step(1);  // x crosses the goodbye
  job.run();
  CHECK(at_peer->done);
  CHECK(at_peer->status.code() == StatusCode::peer_ended);
  job.hold_items = false;
  job.run();
  CHECK(job.may_leave(0));
  job.finish_leave(0);
  CHECK(at_root->status.code() == StatusCode::precondition);
  job.run();
  CHECK(job.at(1).submit(request_of("y")).status().code() == StatusCode::peer_ended);
}

TEST_CASE("what was complete when the root left is still run everywhere", "[coordinator]") {
  SmallJob job(2);
  const OperationPtr at_peer = job.submit(1, request_of("x"));
  job.run();
  const OperationPtr at_root = job.submit(0, request_of("x"));  // not yet looked at
  job.begin_leave(0);
  CHECK_FALSE(job.may_leave(0));
  job.run();
  CHECK(at_root->status.ok());
  CHECK(at_root->done);
  CHECK(at_peer->done);
  CHECK(at_peer->status.ok());
  CHECK(job.may_leave(0));
}

TEST_CASE("a normal end is no death and the others live on", "[coordinator]") {
  SmallJob job(2);
  job.begin_leave(1);
  REQUIRE(job.may_leave(1));
  job.finish_leave(1);
  job.run();
  const OperationPtr operation = job.submit(0, request_of("x"));
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.code() == StatusCode::peer_ended);
  CHECK(operation->status.culprit_rank() == 1);
}

TEST_CASE("a rank that dies after its goodbye with work running takes the job down",
          "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  const OperationPtr operation = job.submit(0, request_of("x"));
  job.submit(1, request_of("x"));
  job.submit(2, request_of("x"));
  job.run();
  job.begin_leave(2);
  job.run();
  job.lose(2, "connection reset by peer");
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.code() == StatusCode::aborted);
  CHECK(operation->status.culprit_rank() == 2);
}

TEST_CASE("a rank that leaves with work still running does not leave its peers waiting",
          "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  const OperationPtr operation = job.submit(1, request_of("x"));
  job.submit(0, request_of("x"));
  job.submit(2, request_of("x"));
  job.run();
  job.begin_leave(2);
  job.run();
  CHECK_FALSE(job.may_leave(2));
  job.finish_leave(2);  // its time was up
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.code() == StatusCode::aborted);
  CHECK(operation->status.culprit_rank() == 2);
}

TEST_CASE("a rank that is leaving hears of a death", "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  const OperationPtr operation = job.submit(2, request_of("x"));
  job.submit(0, request_of("x"));
  job.submit(1, request_of("x"));
  job.run();
  job.begin_leave(2);
  job.run();
  job.lose(1, "connection reset by peer");
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.culprit_rank() == 1);
  CHECK(job.may_leave(2));
}

TEST_CASE("heartbeats go on until a leaving rank has finished", "[coordinator]") {
  for (const int leaver : {0, 1}) {
    SmallJob job(2);
    job.hold_items = true;
    const OperationPtr operation = job.submit(1 - leaver, request_of("x"));
    job.submit(leaver, request_of("x"));
    job.run();
    job.begin_leave(leaver);
    job.run();
    for (int i = 0; i < 20; ++i) {
      job.clock.advance(10 * kSecond);
      job.run();
    }
    CHECK_FALSE(operation->done);  // work that takes 200 s is no reason to give up
    job.hold_items = false;
    job.run();
    CHECK(operation->done);
    CHECK(operation->status.ok());
  }
}

TEST_CASE("work that stands still after rank 0 has ended is given up in time", "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  const OperationPtr waiting = job.submit(1, request_of("x"));
  job.submit(0, request_of("x"));
  job.submit(2, request_of("x"));
  job.run();
  job.fail_item(0, 0, ok_status());  // rank 0 has done its part; rank 2 stops in the middle of its
  job.awaited = {{CollectiveKind::allreduce, "x", Rank(2)}};
  job.run();
  job.begin_leave(0);
  job.run();
  job.finish_leave(0);
  job.step(1);
  job.clock.advance(29 * kSecond);
  job.step(1);
  CHECK_FALSE(waiting->done);
  job.clock.advance(2 * kSecond);
  job.step(1);
  REQUIRE(waiting->done);
  CHECK(waiting->status.code() == StatusCode::aborted);
  CHECK_THAT(waiting->status.message(),
             Catch::Contains("allreduce 'x' waits for rank 2 (host host-c, pid 102), which has "
                             "stopped") &&
                 Catch::Contains("HVD_HEARTBEAT_SECONDS 30"));
}

TEST_CASE("what is submitted at once is announced and answered in messages of bounded size",
          "[coordinator]") {
  constexpr int kNameCount = 5000;
  SmallJob job(2);
  std::vector<OperationPtr> operations;
  for (int n = 0; n < kNameCount; ++n) {
    const std::string name = str(n, std::string(1000, 'x'));
    operations.push_back(job.submit(0, request_of(name)));
    operations.push_back(job.submit(1, request_of(name)));
  }
  job.run();
  for (const OperationPtr& operation : operations) {
    REQUIRE((operation->done && operation->status.ok()));
  }
  CHECK(job.message_bytes_most < (std::size_t{2} << 20));
  CHECK(job.at(0).counters().control_messages_sent >= 4);
}

TEST_CASE("a peer that falls silent is named with the setting", "[coordinator]") {
  SmallJob job(2);
  const OperationPtr operation = job.submit(0, request_of("x"));
  job.run();
  for (int i = 0; i < 5 && !operation->done; ++i) {
    job.clock.advance(10 * kSecond);
    job.step(0);  // rank 1 is stopped
  }
  REQUIRE(operation->done);
  CHECK(operation->status.culprit_rank() == 1);
  CHECK_THAT(operation->status.message(), Catch::Contains("HVD_HEARTBEAT_SECONDS 30"));
  job.run();  // it goes on, and learns that it was given up
  CHECK(job.at(1).submit(request_of("x")).status().code() == StatusCode::aborted);
}

TEST_CASE("a rank that gave memory for other rows than come fails alone", "[coordinator]") {
  SmallJob job(2);
  std::array<std::byte, 96> memory{};
  const auto gathering = [&](std::int64_t rows) {
    Request request = request_of("g", CollectiveKind::allgather);
    request.output = memory.data();
    request.output_shape = shape_of({rows, 3});
    return request;
  };
  const OperationPtr good = job.submit(0, gathering(4));
  const OperationPtr bad = job.submit(1, gathering(5));
  const OperationPtr behind = job.submit(0, request_of("h"));
  job.submit(1, request_of("h"));
  job.run();
  REQUIRE((good->done && bad->done && behind->done));
  CHECK(good->status.ok());
  CHECK(bad->status.code() == StatusCode::mismatch);
  CHECK(bad->result != nullptr);
  CHECK(behind->status.ok());
  const OperationPtr later = job.submit(1, request_of("later"));
  job.submit(0, request_of("later"));
  job.run();
  CHECK(later->status.ok());
}

TEST_CASE("an item that fails on one rank ends the job on all", "[coordinator]") {
  SmallJob job(2);
  const OperationPtr at_root = job.submit(0, request_of("g", CollectiveKind::allgather));
  // More rows than memory: this rank's share is agreed, but nobody can hold the result.
  const OperationPtr at_peer = job.submit(
      1, request_of("g", CollectiveKind::allgather, shape_of({std::int64_t{1} << 50, 3})));
  const OperationPtr behind = job.submit(0, request_of("h"));
  job.submit(1, request_of("h"));
  job.run();
  for (const OperationPtr& operation : {at_root, at_peer, behind}) {
    REQUIRE(operation->done);
    CHECK(operation->status.code() == StatusCode::aborted);
  }
  CHECK_THAT(at_root->status.message(), Catch::Contains("no memory"));
}

TEST_CASE("what one rank's data plane cannot finish fails on all ranks", "[coordinator]") {
  for (const int broken : {0, 1}) {
    SmallJob job(3);
    job.hold_items = true;
    std::vector<OperationPtr> operations;
    operations.reserve(3);
    for (int r = 0; r < 3; ++r) {
      operations.push_back(job.submit(r, request_of("x")));
    }
    job.run();
    job.fail_item(broken, 0, error(StatusCode::resource, "no descriptors").blame_rank(broken));
    job.run();
    for (int r = 0; r < 3; ++r) {
      const Status& status = operations[static_cast<std::size_t>(r)]->status;
      REQUIRE(operations[static_cast<std::size_t>(r)]->done);
      CHECK(status.code() == (r == broken ? StatusCode::resource : StatusCode::aborted));
      CHECK(status.culprit_rank() == broken);
      CHECK_THAT(status.message(), Catch::Contains("no descriptors"));
      CHECK(job.at(r).submit(request_of("y")).status().code() == StatusCode::aborted);
    }
  }
}

TEST_CASE("a broken answer fails every operation that it named", "[coordinator]") {
  SmallJob job(2);
  const OperationPtr a = job.submit(1, request_of("a"));
  const OperationPtr b = job.submit(1, request_of("b"));
  job.run();
  AnsweredGroup good;
  good.names = {"a"};
  AnsweredGroup broken;
  broken.names = {"b", "unknown"};
  job.deliver(0, 1, AnswerMessage{1, {good, broken}});
  job.run();
  CHECK(a->done);
  CHECK(a->status.code() == StatusCode::aborted);
  CHECK(b->done);
  CHECK(b->status.code() == StatusCode::aborted);
}

TEST_CASE("a message that does not parse ends the job and blames its sender", "[coordinator]") {
  SmallJob job(3);
  const OperationPtr operation = job.submit(1, request_of("x"));
  job.run();
  job.deliver_raw(2, 0, Bytes{std::byte{1}, std::byte{99}});
  job.run();
  REQUIRE(operation->done);
  CHECK(operation->status.code() == StatusCode::aborted);
  CHECK(operation->status.culprit_rank() == 2);
}

TEST_CASE("work that stands still is warned of, with whom it waits for", "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  job.awaited = {{CollectiveKind::allreduce, "x", Rank(2)}};
  for (int r = 0; r < 3; ++r) {
    job.submit(r, request_of("x"));
  }
  job.run();
  job.clock.advance(9 * kSecond);
  job.step(1);
  CHECK(job.warnings.empty());
  job.clock.advance(kSecond);
  job.step(1);
  REQUIRE(job.warnings.size() == 1);
  CHECK(job.warnings[0].find(
            "work that all ranks have begun has stood still for 10 s: allreduce 'x' waits for rank "
            "2 (host host-c, pid 102). limit: HVD_STALL_WARNING_SECONDS 10") != std::string::npos);
  job.step(1);
  job.clock.advance(9 * kSecond);
  job.step(1);
  CHECK(job.warnings.size() == 1);  // again after twice the time
  job.clock.advance(kSecond);
  job.step(1);
  CHECK(job.warnings.size() == 2);
}

TEST_CASE("what others may still touch after an abort ends a second later, with a warning",
          "[coordinator]") {
  SmallJob job(3);
  job.hold_items = true;
  job.hold_aborted = true;
  job.awaited = {{CollectiveKind::allreduce, "x", Rank(2)}};
  std::vector<OperationPtr> operations;
  operations.reserve(3);
  for (int r = 0; r < 3; ++r) {
    operations.push_back(job.submit(r, request_of("x")));
  }
  job.run();
  job.fail_item(0, 0, error(StatusCode::aborted, "a failure"));
  job.run();
  CHECK(operations[0]->done);  // it holds nothing of others
  CHECK_FALSE(operations[1]->done);
  CHECK_FALSE(job.may_leave(1));
  job.clock.advance(kSecond);
  CHECK(job.warnings.empty());
  job.step(1);
  REQUIRE(operations[1]->done);
  CHECK(operations[1]->status.code() == StatusCode::aborted);
  CHECK_THAT(operations[1]->status.message(), Catch::Contains("a failure"));
  REQUIRE(job.warnings.size() == 1);
  CHECK_THAT(job.warnings[0],
             Catch::Contains("within 1 s that they stopped: allreduce 'x' waits for rank 2 (host "
                             "host-c, pid 102)"));
  CHECK(job.may_leave(1));
}

}  // namespace
}  // namespace hvd
