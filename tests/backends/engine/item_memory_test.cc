#include "backends/engine/item_memory.h"

#include "collectives/schedule_builder.h"
#include "tests/catch.h"

namespace hvd {
namespace {

using Floats = std::vector<float>;
std::byte* bytes_of(Floats& values) { return reinterpret_cast<std::byte*>(values.data()); }

TEST_CASE("an item is in place if some tensor with elements is its own output", "[engine]") {
  Floats values(6);
  Floats other(6);
  WorkItem item;
  item.kind = CollectiveKind::allreduce;
  item.segments = {{bytes_of(values), bytes_of(other), 6}};
  CHECK_FALSE(runs_in_place(item, kRoot));
  item.segments.push_back({bytes_of(values), bytes_of(values), 0});
  CHECK_FALSE(runs_in_place(item, kRoot));
  item.segments.back().element_count = 1;
  CHECK(runs_in_place(item, kRoot));
}

TEST_CASE("an allgather is in place if its input lies in its own part of the output", "[engine]") {
  Floats values(6);
  WorkItem item;
  item.kind = CollectiveKind::allgather;
  item.dtype = DType::float32;
  item.counts = {2, 3, 1};
  item.segments = {{bytes_of(values), bytes_of(values), 0}};
  CHECK(runs_in_place(item, Rank{0}));
  CHECK_FALSE(runs_in_place(item, Rank{1}));
  item.segments.front().input += 2 * sizeof(float);
  CHECK(runs_in_place(item, Rank{1}));
}

TEST_CASE("the sides of an item have the elements that its counts say", "[engine]") {
  Floats input(9);
  Floats output(9);
  WorkItem item;
  item.dtype = DType::float32;
  item.counts = {2, 3, 1};
  item.root = Rank{1};
  item.segments = {{bytes_of(input), bytes_of(output), 0}};
  Schedule schedule;
  schedule.rank = Rank{1};
  std::size_t in = 0;
  std::size_t out = 0;
  SECTION("allgather") { item.kind = CollectiveKind::allgather, in = 3, out = 6; }
  SECTION("reduce-scatter") { item.kind = CollectiveKind::reduce_scatter, in = 6, out = 3; }
  SECTION("gather") { item.kind = CollectiveKind::gather, in = 3, out = 6; }
  SECTION("scatter") { item.kind = CollectiveKind::scatter, in = 6, out = 3; }
  SECTION("alltoall") {
    item.kind = CollectiveKind::alltoall;
    item.send_counts = {4, 0, 4};
    in = 8, out = 6;
  }
  ItemMemory memory;
  REQUIRE(memory.bind(item, schedule).ok());
  CHECK(memory.at(BufferKind::input, 0, in).run() == in);
  CHECK(memory.at(BufferKind::output, 0, out).run() == out);
}

TEST_CASE("all sources are combined from left to right, the own one in its place", "[engine]") {
  Floats own = {1, 2, 3};
  Floats first = {10, 20, 30};
  Floats last = {100, 200, 300};
  Floats slot(3);
  WorkItem item;
  item.kind = CollectiveKind::allreduce;
  item.dtype = DType::float32;
  item.op = ReduceOp::sum;
  item.postscale = 0.5;
  item.segments = {{bytes_of(own), bytes_of(own), 3}};
  Schedule schedule;
  schedule.rank = Rank{1};
  schedule.in_place = true;
  ItemMemory memory;
  REQUIRE(memory.bind(item, schedule).ok());
  std::vector<const std::byte*> sources = {bytes_of(first), nullptr, bytes_of(last)};
  memory.combine_all(memory.at(BufferKind::output, 0, 3), bytes_of(slot),
                     memory.at(BufferKind::input, 0, 3), sources, 1, 3, kScalePost);
  CHECK(own == Floats{55.5, 111, 166.5});
  CHECK(slot == own);
}

TEST_CASE("scratch that cannot be had is an error with the limits and the setting", "[engine]") {
  Floats values(6);
  WorkItem item;
  item.kind = CollectiveKind::allreduce;
  item.dtype = DType::float32;
  item.label = "grad/fc";
  item.segments = {{bytes_of(values), bytes_of(values), 6}};
  Schedule schedule;
  schedule.in_place = true;
  schedule.scratch_element_count = std::uint64_t{1} << 58;  // 2^60 bytes
  ItemMemory memory;
  const Status status = memory.bind(item, schedule);
  CHECK(status.code() == StatusCode::resource);
  CHECK_THAT(status.message(),
             Catch::Contains("allreduce 'grad/fc': taking 1152921504606846976 bytes of scratch "
                             "memory") &&
                 Catch::Contains("RLIMIT_AS") && Catch::Contains("HVD_FUSION_BYTES_MAX"));
  schedule.scratch_element_count = 6;
  CHECK(memory.bind(item, schedule).ok());  // the next one is none the worse
}

}  // namespace
}  // namespace hvd
