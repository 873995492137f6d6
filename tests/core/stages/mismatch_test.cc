#include "core/stages/mismatch.h"

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::shape_of;

struct Difference {
  const char* property;
  CollectiveKind kind;
  void (*make)(ReadyEntry&);
  const char* one;
  const char* two;
};

const Difference kDifferences[] = {
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
    {"shape", CollectiveKind::alltoall,
     [](ReadyEntry& e) {
       e.shape = shape_of({9, 4});
     },
     "[any 3] on ranks 0 2", "[any 4] on rank 1"},
    {"dtype", CollectiveKind::gather, [](ReadyEntry& e) { e.dtype = DType::int64; },
     "float32 on ranks 0 2", "int64 on rank 1"},
    {"root rank", CollectiveKind::gather, [](ReadyEntry& e) { e.root = Rank(2); }, "0 on ranks 0 2",
     "2 on rank 1"},
    {"root rank", CollectiveKind::scatter, [](ReadyEntry& e) { e.root = Rank(2); },
     "0 on ranks 0 2", "2 on rank 1"},
    {"root rank", CollectiveKind::reduce, [](ReadyEntry& e) { e.root = Rank(2); }, "0 on ranks 0 2",
     "2 on rank 1"},
    {"reduction", CollectiveKind::reduce, [](ReadyEntry& e) { e.op = ReduceOp::max; },
     "sum on ranks 0 2", "max on rank 1"},
    {"shape", CollectiveKind::reduce_scatter,
     [](ReadyEntry& e) {
       e.shape = shape_of({4, 3});
     },
     "[2 3] on ranks 0 2", "[4 3] on rank 1"},
    {"scale", CollectiveKind::reduce_scatter, [](ReadyEntry& e) { e.postscale = 2; },
     "postscale 1 on", "postscale 2 on"},
    {"row counts", CollectiveKind::reduce_scatter,
     [](ReadyEntry& e) {
       e.splits = {0, 1, 1};
     },
     "none on ranks 0 2", "[0 1 1] on rank 1"},
};

TEST_CASE("each property that ranks must agree on is found and both sides are named",
          "[mismatch]") {
  for (const Difference& difference : kDifferences) {
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
  a = entry_of("x", CollectiveKind::alltoall, shape_of({3, 3}));
  b = entry_of("x", CollectiveKind::alltoall, shape_of({7, 3}));
  b.splits = {1, 2, 4};
  CHECK(same_operation(a, b));
  a = entry_of("x", CollectiveKind::gather, shape_of({3, 3}));
  b = entry_of("x", CollectiveKind::gather, shape_of({7, 3}));
  CHECK(same_operation(a, b));
}

TEST_CASE("of a scatter only the root describes the tensor", "[mismatch]") {
  ReadyEntry root = entry_of("x", CollectiveKind::scatter);
  root.splits = {1, 1};
  root.dtype = DType::int64;
  const ReadyEntry other = entry_of("x", CollectiveKind::scatter, Shape());
  CHECK(same_operation(root, other));
}

TEST_CASE("a premultiplied sum's prescale is each rank's own", "[mismatch]") {
  ReadyEntry a = entry_of("x");
  a.op = ReduceOp::premultiplied_sum;
  ReadyEntry b = a;
  b.prescale = 3;
  CHECK(same_operation(a, b));
  b.postscale = 3;
  CHECK_FALSE(same_operation(a, b));
  CHECK_THAT(mismatch_text({{Rank(0), a}, {Rank(1), b}}),
             Catch::Contains("postscale 1 on rank 0, postscale 3 on rank 1"));
}

TEST_CASE("a send and a receive are one operation if they mean the same tensor", "[mismatch]") {
  const ReadyEntry send = entry_of("p2p 0>1 tag 0 #0", CollectiveKind::send);
  ReadyEntry recv = entry_of("p2p 0>1 tag 0 #0", CollectiveKind::recv);
  CHECK(same_operation(send, recv));
  CHECK_FALSE(same_operation(send, send));
  recv.shape = shape_of({3, 2});
  CHECK_FALSE(same_operation(send, recv));
  CHECK_THAT(mismatch_text({{Rank(0), send}, {Rank(1), recv}}),
             Catch::Contains("shape differs: [2 3] on rank 0, [3 2] on rank 1"));
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
  AnswerMessage answer{1, {{}}};
  answer.groups[0].code = StatusCode::mismatch;
  answer.groups[0].error_text = text;
  answer.groups[0].names = {"n"};
  CHECK(test::decoded(test::encoded(answer), 1000).ok());
}

TEST_CASE("groups must agree in their number of tensors and in each of them", "[mismatch]") {
  ReadyEntry usual = entry_of("g", CollectiveKind::allreduce, Shape());
  usual.members.resize(3, {DType::float32, false, shape_of({2, 3})});
  ReadyEntry shorter = usual;
  shorter.members.pop_back();
  ReadyEntry other = usual;
  other.members[1].shape = shape_of({4});
  ReadyEntry elsewhere = usual;
  elsewhere.members[2].within_reach = true;
  const ReadyEntry alone = entry_of("g");
  CHECK(same_operation(usual, elsewhere));
  for (const ReadyEntry& entry : {shorter, other, alone}) {
    CHECK_FALSE(same_operation(usual, entry));
    CHECK_FALSE(same_operation(entry, usual));
  }
  CHECK_THAT(mismatch_text({{Rank(0), usual}, {Rank(1), shorter}, {Rank(2), alone}}),
             Catch::Contains("allreduce 'g': number of tensors differs: a group of 3 tensors on "
                             "rank 0, a group of 2 tensors on rank 1, one tensor on rank 2"));
  CHECK_THAT(mismatch_text({{Rank(0), other}, {Rank(1), usual}}),
             Catch::Contains("allreduce 'g', tensor 2 of 3: shape differs: [4] on rank 0, [2 3] on "
                             "rank 1"));
}

TEST_CASE("the tensors of a grouped allgather may differ in rows only", "[mismatch]") {
  ReadyEntry usual = entry_of("g", CollectiveKind::allgather, Shape());
  usual.members.resize(2, {DType::float32, false, shape_of({2, 3})});
  ReadyEntry other = usual;
  other.members[1].shape = shape_of({5, 3});
  CHECK(same_operation(usual, other));
  other.members[1].shape = shape_of({2, 4});
  CHECK_FALSE(same_operation(usual, other));
}

}  // namespace
}  // namespace hvd
