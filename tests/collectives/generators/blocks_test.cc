#include "collectives/generators/blocks.h"

#include <rapidcheck.h>

#include <numeric>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("even blocks follow one another, cover the vector and differ by at most one",
          "[blocks]") {
  CHECK(rc::check([] {
    const auto n = *rc::gen::inRange<std::uint64_t>(0, 1000);
    const int p = *rc::gen::inRange(1, 40);
    std::uint64_t end = 0;
    for (const Block& block : even_blocks(n, p)) {
      RC_ASSERT(block.offset == end);
      RC_ASSERT(block.count == n / static_cast<std::uint64_t>(p) ||
                block.count == n / static_cast<std::uint64_t>(p) + 1);
      end += block.count;
    }
    RC_ASSERT(end == n);
  }));
}

TEST_CASE("chunks follow one another, cover their block and none is empty or too long",
          "[blocks]") {
  CHECK(rc::check([] {
    const Block block{*rc::gen::inRange<std::uint64_t>(0, 100),
                      *rc::gen::inRange<std::uint64_t>(0, 300)};
    const auto most = *rc::gen::inRange<std::uint64_t>(1, 50);
    const std::uint64_t count = chunk_count_of(block, most);
    std::uint64_t end = block.offset;
    for (std::uint64_t k = 0; k < count; ++k) {
      const Block chunk = chunk_of(block, most, k);
      RC_ASSERT(chunk.offset == end);
      RC_ASSERT(chunk.count > 0 && chunk.count <= most);
      end += chunk.count;
    }
    RC_ASSERT(end == block.offset + block.count);
    RC_ASSERT(chunk_of(block, most, count).count == 0);
  }));
}

TEST_CASE("aligned shares cover the vector, and long ones begin on cache lines", "[blocks]") {
  CHECK(rc::check([] {
    const auto n = *rc::gen::inRange<std::uint64_t>(0, 3000);
    const int p = *rc::gen::inRange(1, 40);
    std::uint64_t end = 0;
    for (int i = 0; i < p; ++i) {
      const Block share = aligned_share(n, p, i);
      RC_ASSERT(share.offset == end);
      RC_ASSERT(n <= kShareAlignment * static_cast<std::uint64_t>(p) || share.count == 0 ||
                share.offset % kShareAlignment == 0);
      end += share.count;
    }
    RC_ASSERT(end == n);
  }));
}

TEST_CASE("blocks of counts lie one behind the other", "[blocks]") {
  const std::vector<std::uint64_t> counts = {3, 0, 2};
  const std::vector<Block> blocks = blocks_of_counts(counts);
  CHECK(blocks[1].offset == 3);
  CHECK(blocks[1].count == 0);
  CHECK(blocks[2].offset == 3);
  CHECK(blocks[2].count == 2);
}

TEST_CASE("the input is copied only where it must be", "[blocks]") {
  ScheduleParams params;
  params.element_count = 5;
  params.chunk_element_count = 2;
  const auto op_count = [&](unsigned flags) {
    ScheduleBuilder builder(CollectiveKind::allreduce, params);
    copy_input_to_output(builder, params, flags);
    return builder.take().ops.size();
  };
  CHECK(op_count(0) == 3);
  params.in_place = true;
  CHECK(op_count(0) == 0);
  CHECK(op_count(kScalePre) == 3);
}

}  // namespace
}  // namespace hvd
