#include "core/stages/mismatch.h"

#include <functional>

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::shape_of;

struct Difference {
  const char* property;
  CollectiveKind kind;
  std::function<void(ReadyEntry&)> make;
  const char* one;
  const char* two;
};

TEST_CASE("each property that ranks must agree on is found and both sides are named",
          "[mismatch]") {
  const std::vector<Difference> all = {
      {"operation", CollectiveKind::allreduce,
       [](ReadyEntry& e) { e.kind = CollectiveKind::broadcast; }, "allreduce on ranks 0 2",
       "broadcast on rank 1"},
      {"dtype", CollectiveKind::allreduce, [](ReadyEntry& e) { e.dtype = DType::int64; },
       "float32 on ranks 0 2", "int64 on rank 1"},
      {"shape", CollectiveKind::allreduce,
       [](ReadyEntry& e) {
         e.shape = shape_of({2, 4});
       },
       "[2 3] on ranks 0 2", "[2 4] on rank 1"},
      {"reduction", CollectiveKind::allreduce, [](ReadyEntry& e) { e.op = ReduceOp::max; },
       "sum on ranks 0 2", "max on rank 1"},
      {"scale", CollectiveKind::allreduce, [](ReadyEntry& e) { e.prescale = 2; }, "prescale 1 ",
       "prescale 2 "},
      {"root rank", CollectiveKind::broadcast, [](ReadyEntry& e) { e.root = Rank(2); },
       "0 on ranks 0 2", "2 on rank 1"},
      {"shape", CollectiveKind::allgather,
       [](ReadyEntry& e) {
         e.shape = shape_of({9, 4});
       },
       "[any 3] on ranks 0 2", "[any 4] on rank 1"},
  };
  for (const Difference& difference : all) {
    INFO(difference.property);
    const ReadyEntry usual = entry_of("grad/fc", difference.kind);
    ReadyEntry other = usual;
    difference.make(other);
    CHECK_FALSE(same_operation(usual, other));
    CHECK_FALSE(same_operation(other, usual));
    const std::string text = mismatch_text({{Rank(0), usual}, {Rank(1), other}, {Rank(2), usual}});
    CHECK_THAT(text, Catch::Contains("'grad/fc'"));
    CHECK_THAT(text, Catch::Contains(std::string(difference.property) + " differs"));
    CHECK_THAT(text, Catch::Contains(difference.one));
    CHECK_THAT(text, Catch::Contains(difference.two));
  }
}

TEST_CASE("what an operation does not use may differ", "[mismatch]") {
  ReadyEntry a = entry_of("x", CollectiveKind::barrier);
  ReadyEntry b = a;
  b.dtype = DType::int8;
  b.shape = shape_of({7});
  b.op = ReduceOp::max;
  b.root = Rank(3);
  b.deadline = 9;
  CHECK(same_operation(a, b));
  a = entry_of("x", CollectiveKind::allgather, shape_of({1, 3}));
  b = entry_of("x", CollectiveKind::allgather, shape_of({5, 3}));
  b.op = ReduceOp::max;
  CHECK(same_operation(a, b));
  a = entry_of("x", CollectiveKind::broadcast);
  b = a;
  b.op = ReduceOp::max;
  b.prescale = 3;
  CHECK(same_operation(a, b));
}

TEST_CASE("scales that print alike are still told apart", "[mismatch]") {
  const ReadyEntry a = entry_of("x");
  ReadyEntry b = a;
  b.prescale = 1.0 + 1e-12;
  CHECK_FALSE(same_operation(a, b));
  CHECK_THAT(mismatch_text({{Rank(0), a}, {Rank(1), b}}), Catch::Contains("scale"));
}

TEST_CASE("a thousand ranks that all say something else make a text that fits into an answer",
          "[mismatch]") {
  std::vector<RankEntry> entries;
  for (int r = 0; r < 1000; ++r) {
    const std::int64_t size = (std::int64_t{1} << 40) + r;
    entries.push_back({Rank(r), entry_of(std::string(1024, 'n'), CollectiveKind::allreduce,
                                         shape_of({1, 1, 1, 1, 1, 1, 1, size}))});
  }
  const std::string text = mismatch_text(entries);
  CHECK(text.size() < 4096);
  CHECK_THAT(text, Catch::Contains("and 99"));
  const AnswerMessage answer{1, {{StatusCode::mismatch, text, Rank(), 0, {"n"}, {}}}};
  CHECK(decode(encode(answer), 1000).ok());
}

}  // namespace
}  // namespace hvd
