// The whole road of a tensor in one process, with real threads: what TSan looks at.
#include <array>
#include <atomic>
#include <latch>

#include "core/base/random.h"
#include "tests/backends/loopback/loopback_job.h"
#include "tests/catch.h"

namespace hvd {
namespace {

Request sum_of(const std::string& name, std::vector<float>& values) {
  Request request;
  request.kind = CollectiveKind::allreduce;
  request.name = name;
  request.op = ReduceOp::sum;
  const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(values.size())};
  request.input = {reinterpret_cast<std::byte*>(values.data()), DType::float32, Shape(shape)};
  request.output = request.input.data;
  return request;
}

TEST_CASE("a blocking allreduce gives every rank the sum, again and again", "[job]") {
  const int rank_count = GENERATE(1, 2, 3, 4);
  std::atomic<int> wrong{0};
  LoopbackJob job(rank_count);
  job.run([&](LoopbackRank& rank, Rank self) {
    for (int round = 0; round < 50; ++round) {
      std::vector<float> values(static_cast<std::size_t>(round * 37),
                                static_cast<float>(self.value));
      const Status status = rank.run(sum_of("x", values));
      const int rank_sum = rank_count * (rank_count - 1) / 2;
      const auto expected = static_cast<float>(rank_sum);
      for (const float value : values) {
        wrong += value != expected ? 1 : 0;
      }
      wrong += status.ok() ? 0 : 1;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("tensors that ranks submit in different orders match by name", "[job]") {
  constexpr int kRounds = 10;
  constexpr std::size_t kNames = 40;
  std::atomic<int> wrong{0};
  LoopbackJob job(4);
  job.run([&](LoopbackRank& rank, Rank self) {
    Random random(static_cast<std::uint64_t>(self.value) + 1);
    for (int round = 0; round < kRounds; ++round) {
      std::vector<std::vector<float>> values;
      std::vector<std::size_t> order;
      for (std::size_t n = 0; n < kNames; ++n) {
        values.emplace_back(n * 11, static_cast<float>(n + self.index()));
        order.insert(order.begin() + static_cast<std::ptrdiff_t>(random.below(n + 1)), n);
      }
      std::vector<OperationPtr> operations(kNames);
      for (const std::size_t n : order) {
        operations[n] = rank.submit(sum_of(str("tensor ", n), values[n])).value();
      }
      for (std::size_t n = 0; n < kNames; ++n) {
        wrong += rank.wait(operations[n]).ok() ? 0 : 1;
        for (const float value : values[n]) {
          wrong += value != static_cast<float>(4 * n + 6) ? 1 : 0;
        }
      }
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("several threads of a rank submit and wait at once", "[job]") {
  std::atomic<int> wrong{0};
  LoopbackJob job(2);
  job.run([&](LoopbackRank& rank, Rank) {
    std::vector<Thread> users;
    users.reserve(3);
    for (int user = 0; user < 3; ++user) {
      users.emplace_back("user", [&rank, &wrong, user] {
        for (int round = 0; round < 40; ++round) {
          std::vector<float> values(100, 1.0F);
          const Status status = rank.run(sum_of(str("user ", user), values));
          wrong += status.ok() && values[99] == 2.0F ? 0 : 1;
        }
      });
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a shape that differs is an error on every rank and the next operation works", "[job]") {
  std::atomic<int> mismatches{0};
  std::atomic<int> wrong{0};
  LoopbackJob job(3);
  job.run([&](LoopbackRank& rank, Rank self) {
    std::vector<float> values(self.value == 1 ? 5 : 4, 1.0F);
    const Status status = rank.run(sum_of("x", values));
    mismatches += status.code() == StatusCode::mismatch ? 1 : 0;
    std::vector<float> again(4, 1.0F);
    wrong += rank.run(sum_of("x", again)).ok() && again[0] == 3.0F ? 0 : 1;
  });
  CHECK(mismatches == 3);
  CHECK(wrong == 0);
}

TEST_CASE("a rank that dies is an error with its name on all others", "[job]") {
  std::atomic<int> told{0};
  std::atomic<int> wrong{0};
  std::latch all_finished(3);  // else the death may interrupt the others' first operation
  LoopbackJob job(3);
  job.run([&](LoopbackRank& rank, Rank self) {
    std::vector<float> values(4, 1.0F);
    wrong += rank.run(sum_of("before", values)).ok() ? 0 : 1;
    all_finished.arrive_and_wait();
    if (self == Rank(2)) {
      job.world().kill(self);
      return;
    }
    const Status status = rank.run(sum_of("after", values));
    told += status.code() == StatusCode::aborted && status.culprit_rank() == 2 ? 1 : 0;
  });
  CHECK(told == 2);
  CHECK(wrong == 0);
}

TEST_CASE("whoever needs a rank that ended learns that it ended normally", "[job]") {
  std::atomic<int> told{0};
  std::atomic<int> wrong{0};
  const int leaver = GENERATE(0, 2);
  LoopbackJob job(3);
  job.run([&](LoopbackRank& rank, Rank self) {
    std::vector<float> values(4, 1.0F);
    wrong += rank.run(sum_of("before", values)).ok() ? 0 : 1;
    if (self == Rank(leaver)) {
      return;
    }
    const Status status = rank.run(sum_of("after", values));
    const bool named = status.message().find("ended normally") != std::string::npos;
    told += status.code() == StatusCode::peer_ended && named ? 1 : 0;
  });
  CHECK(told == 2);
  CHECK(wrong == 0);
}

TEST_CASE("a deadline that passes names the rank that did not come, and the job lives on",
          "[job]") {
  std::atomic<int> told{0};
  std::atomic<int> wrong{0};
  LoopbackJob job(3);
  job.run([&](LoopbackRank& rank, Rank self) {
    std::vector<float> values(4, 1.0F);
    if (self != Rank(1)) {
      Request request = sum_of("lonely", values);
      request.deadline = kSecond;  // long enough for ranks 0 and 2 to submit on a busy machine
      const Status status = rank.run(std::move(request));
      told += status.code() == StatusCode::deadline_exceeded && status.culprit_rank() == 1 ? 1 : 0;
    }
    std::vector<float> next(4, 1.0F);
    wrong += rank.run(sum_of("next", next)).ok() && next[0] == 3.0F ? 0 : 1;
    if (self == Rank(1)) {
      const Status late = rank.run(sum_of("lonely", values));
      told += late.code() == StatusCode::deadline_exceeded ? 1 : 0;
    }
    wrong += rank.run(sum_of("last", next)).ok() ? 0 : 1;  // rank 0 stays until rank 1 was told
  });
  CHECK(told == 3);
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace hvd
