// Items of nothing: no elements, and no memory either.
#include "collectives/selector.h"
#include "tests/backends/engine/engine_world.h"

namespace hvd {
namespace {

WorkItem empty_item(EngineWorld& world, CollectiveKind kind, DType dtype, ReduceOp op) {
  WorkItem item = world.item_of({.kind = kind, .dtype = dtype, .op = op});
  item.op = op;
  const bool scales = reduces(kind) && op == ReduceOp::sum && is_floating(dtype);
  item.prescale = scales ? 0.5 : 1.0;
  item.postscale = scales ? 3.0 : 1.0;
  if (kind != CollectiveKind::barrier) {
    item.segments = {{nullptr, nullptr, 0}};
  }
  if (has_counts(kind)) {
    item.counts.assign(static_cast<std::size_t>(world.rank_count()), 0);
  }
  if (kind == CollectiveKind::alltoall) {
    item.send_counts = item.counts;
  }
  return item;
}

// Under the sanitizers this also shows that no null pointer is copied from or added to.
TEST_CASE("every collective of no elements ends well without any memory", "[engine]") {
  const int rank_count = GENERATE(1, 2, 3, 5);
  const bool two_hosts = GENERATE(false, true);
  std::vector<int> host_of_rank;
  for (int rank = 0; two_hosts && rank < rank_count; ++rank) {
    host_of_rank.push_back(rank < 2 ? 0 : 2);
  }
  EngineWorld world(rank_count, EngineWorld::default_config(), LoopbackWorld::kGeometry,
                    host_of_rank);
  Random random(3);
  std::size_t item_count = 0;
  for (const CollectiveKind kind :
       {CollectiveKind::allreduce, CollectiveKind::broadcast, CollectiveKind::allgather,
        CollectiveKind::reduce_scatter, CollectiveKind::alltoall, CollectiveKind::reduce,
        CollectiveKind::gather, CollectiveKind::scatter, CollectiveKind::barrier}) {
    for (const DType dtype : {DType::float32, DType::bfloat16, DType::uint8}) {
      const WorkItem item = empty_item(world, kind, dtype, ReduceOp::sum);
      for (const auto& plane : world.planes) {
        plane->start(WorkItem(item));
      }
      ++item_count;
    }
  }
  const WorkItem adasum =
      empty_item(world, CollectiveKind::allreduce, DType::float32, ReduceOp::adasum);
  for (const auto& plane : world.planes) {
    plane->start(WorkItem(adasum));
  }
  REQUIRE(world.run(random));
  CHECK(world.all_completed_ok(item_count + 1));
}

TEST_CASE("a message of no elements needs no memory on either side", "[engine]") {
  EngineWorld world(2);
  Random random(4);
  WorkItem item = world.item_of({.kind = CollectiveKind::send, .dtype = DType::float32});
  item.segments = {{nullptr, nullptr, 0}};
  item.peer = Rank{1};
  world.planes[0]->start(WorkItem(item));
  item.kind = CollectiveKind::recv;
  item.peer = Rank{0};
  world.planes[1]->start(WorkItem(item));
  REQUIRE(world.run(random));
  CHECK(world.all_completed_ok(1));
}

}  // namespace
}  // namespace hvd
