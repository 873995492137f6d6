#include "core/stages/handle_table.h"

#include "core/base/thread.h"
#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::operation_of;
using test::request_of;

TEST_CASE("a handle leads to its operation until it is released", "[handle_table]") {
  HandleTable table;
  const OperationPtr x = operation_of(request_of("x"));
  const OperationPtr y = operation_of(request_of("y"));
  const HandleId first = table.add(x);
  const HandleId second = table.add(y);
  CHECK(first != 0);
  CHECK(second != first);
  CHECK(table.find(first) == x);
  CHECK(x->handle == first);
  CHECK(table.release(first));
  CHECK(table.find(first) == nullptr);
  CHECK_FALSE(table.release(first));
  CHECK(table.find(second) == y);
  CHECK(table.add(x) != first);  // a handle is never given out twice
  CHECK(table.find(0) == nullptr);
}

TEST_CASE("handles count on from where their table begins", "[handle_table]") {
  HandleTable table(1000);
  CHECK(table.add(operation_of(request_of("x"))) == 1001);
  CHECK(table.find(1) == nullptr);  // of an earlier table
}

TEST_CASE("a completed operation carries its outcome and wakes its waiter", "[handle_table]") {
  HandleTable table;
  const OperationPtr operation = operation_of(request_of("x"));
  Thread completes("completes", [&] {
    table.complete(*operation, error(StatusCode::mismatch, "shapes differ"));
  });
  while (!operation->done) {
    table.sleep_until_done(*operation, kNever, table.notices());
  }
  CHECK(operation->status.code() == StatusCode::mismatch);
  table.sleep_until_done(*operation, kNever, table.notices());  // returns at once
}

TEST_CASE("a sleep for which notice was given before it began does not begin", "[handle_table]") {
  HandleTable table;
  const OperationPtr operation = operation_of(request_of("x"));
  const std::uint64_t notices = table.notices();
  table.notify();
  table.sleep_until_done(*operation, kNever, notices);
  CHECK_FALSE(operation->done);
}

TEST_CASE("a sleep ends at its time and when everyone is woken", "[handle_table]") {
  HandleTable table;
  const OperationPtr operation = operation_of(request_of("x"));
  const SteadyClock clock;
  table.sleep_until_done(*operation, clock.now() + kMillisecond, table.notices());
  CHECK_FALSE(operation->done);
  std::atomic<bool> woken{false};
  Thread sleeps("sleeps", [&] {
    table.sleep_until_done(*operation, kNever, table.notices());
    woken = true;
  });
  while (!woken) {
    table.notify();
    yield_thread();
  }
  CHECK_FALSE(operation->done);
}

}  // namespace
}  // namespace hvd
