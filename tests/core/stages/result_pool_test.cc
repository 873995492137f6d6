#include "core/stages/result_pool.h"

#include <cstring>

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST_CASE("memory that came back is given out again", "[result_pool]") {
  const auto pool = ResultPool::create();
  ResultPool::Bytes first = pool->take(kMiB);
  REQUIRE(first != nullptr);
  const std::byte* const where = first.get();
  first.reset();
  CHECK(pool->kept_bytes() == kMiB);
  const ResultPool::Bytes smaller = pool->take(kMiB - kMiB / 8);
  CHECK(smaller.get() == where);
  CHECK(pool->kept_bytes() == 0);
}

TEST_CASE("two results at a time have memory of their own", "[result_pool]") {
  const auto pool = ResultPool::create();
  const ResultPool::Bytes a = pool->take(kMiB);
  const ResultPool::Bytes b = pool->take(kMiB);
  CHECK(a.get() != b.get());
}

TEST_CASE("memory that is far too large waits for a result of its size", "[result_pool]") {
  const auto pool = ResultPool::create();
  pool->take(4 * kMiB).reset();
  const ResultPool::Bytes small = pool->take(kMiB);
  CHECK(pool->kept_bytes() == 4 * kMiB);
  REQUIRE(small != nullptr);
  std::memset(small.get(), 1, kMiB);
}

TEST_CASE("what nobody uses is bounded, and the longest unused goes first", "[result_pool]") {
  const auto pool = ResultPool::create();
  {
    std::vector<ResultPool::Bytes> many;
    for (std::size_t bytes = 0; bytes < ResultPool::kKeptBytesMax + 3 * kMiB; bytes += kMiB) {
      many.push_back(pool->take(kMiB));
    }
  }
  CHECK(pool->kept_bytes() == ResultPool::kKeptBytesMax);
  pool->take(ResultPool::kKeptBytesMax + kMiB).reset();  // more than it keeps at all
  CHECK(pool->kept_bytes() == 0);
}

TEST_CASE("a result outlives the runtime that made it", "[result_pool]") {
  auto pool = ResultPool::create();
  const ResultPool::Bytes result = pool->take(kMiB);
  pool.reset();
  std::memset(result.get(), 1, kMiB);
}

TEST_CASE("small results and none at all are memory too, and too large ones are not",
          "[result_pool]") {
  const auto pool = ResultPool::create();
  CHECK(pool->take(0) != nullptr);
  CHECK(pool->take(100) != nullptr);
  CHECK(pool->kept_bytes() == 0);
  CHECK(pool->take(SIZE_MAX) == nullptr);
  CHECK(pool->take(SIZE_MAX / 2) == nullptr);
}

}  // namespace
}  // namespace hvd
