// HVD_DETERMINISTIC: a tensor's result is the same whatever it was fused with.
#include <cstring>
#include <vector>

#include "tests/backends/engine/engine_world.h"

namespace hvd {
namespace {

struct Setup {
  bool deterministic;
  int rank_count;
  const char* wire;
};

constexpr std::size_t kCount = 4'001;

void fill(std::vector<std::byte>& memory, Random& random) {
  for (std::size_t at = 0; at < memory.size(); at += sizeof(float)) {
    const auto value = static_cast<float>(random.unit() * 2 - 1);
    std::memcpy(memory.data() + at, &value, sizeof(value));
  }
}

// The result of one tensor, the same in each call, with others before and behind it.
std::vector<std::byte> result_among(const Setup& setup, std::size_t before, std::size_t behind) {
  Config config = EngineWorld::default_config();
  config.deterministic = setup.deterministic;
  config.wire_dtype = setup.wire;
  std::vector<int> hosts;
  hosts.reserve(static_cast<std::size_t>(setup.rank_count));
  for (int rank = 0; rank < setup.rank_count; ++rank) {
    hosts.push_back(rank);
  }
  EngineWorld world(setup.rank_count, config, LoopbackWorld::kGeometry, hosts);
  const WorkItem item = world.item_of({.kind = CollectiveKind::allreduce,
                                       .dtype = DType::float32,
                                       .element_count = before + kCount + behind});
  std::vector<RankTensors> ranks(static_cast<std::size_t>(setup.rank_count));
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    Random random(900 + rank);
    for (const std::size_t count : {before, kCount, behind}) {
      ranks[rank].add(DType::float32, count, false);
    }
    fill(ranks[rank].tensors()[1].input, random);
    fill(ranks[rank].tensors()[0].input, random);
    fill(ranks[rank].tensors()[2].input, random);
    WorkItem own = item;
    own.segments = ranks[rank].segments();
    world.planes[rank]->start(std::move(own));
  }
  Random turns(5);
  REQUIRE(world.run(turns));
  REQUIRE(world.all_completed_ok(1));
  for (RankTensors& rank : ranks) {
    REQUIRE(rank.outputs() == ranks.front().outputs());
  }
  return ranks.front().tensors()[1].output;
}

bool depends_on_company(const Setup& setup) {
  const std::vector<std::byte> alone = result_among(setup, 0, 0);
  return result_among(setup, 1, 0) != alone || result_among(setup, 100'003, 7) != alone ||
         result_among(setup, 3'000, 50'000) != alone;
}

TEST_CASE("with HVD_DETERMINISTIC a tensor's bits do not depend on what it is fused with",
          "[engine]") {
  for (const int rank_count : {2, 3, 4, 5, 6, 7, 8}) {
    for (const char* wire : {"none", "bf16"}) {
      INFO("p " << rank_count << " wire " << wire);
      CHECK_FALSE(depends_on_company({true, rank_count, wire}));
    }
  }
}

TEST_CASE("without HVD_DETERMINISTIC they may", "[engine]") {
  CHECK(depends_on_company({false, 5, "none"}));
}

}  // namespace
}  // namespace hvd
