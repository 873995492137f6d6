#include "collectives/generators/bruck_alltoall.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "collectives/generators/exchange.h"

namespace hvd {
namespace {

// Block d is what this rank holds for the rank that is d further on than where it comes from: at
// first its own part for rank + d. It makes one hop for each bit of d, the longest first, and then
// is where it belongs. The longest first because blocks that travel together then still lie
// together: of the input one stretch goes, and each later round joins twice as many.
class BruckAlltoall {
 public:
  explicit BruckAlltoall(const ScheduleParams& params)
      : params_(params),
        rank_count_(params.rank_count),
        part_(params.counts.front()),
        builder_(CollectiveKind::alltoall, params) {}

  Schedule make() {
    for (int d = 0; d < rank_count_; ++d) {
      at_.push_back(at_input(part_of(d)));
    }
    const auto hop_most = std::bit_floor(static_cast<unsigned>(rank_count_ - 1));
    // The first places of scratch are for the chunk that is put together.
    std::uint64_t used = std::min(params_.chunk_element_count, part_ * blocks_with(1).size());
    for (unsigned hop = hop_most; hop > 0; hop /= 2) {
      used = exchange(hop, used);
    }
    builder_.scratch(used);
    for (int d = 0; d < rank_count_; ++d) {
      deliver(at_[static_cast<std::size_t>(d)], part_of(-d));
    }
    return builder_.take();
  }

 private:
  struct Run {
    Place place;
    std::uint64_t count = 0;
  };

  std::uint64_t part_of(int distance) const {
    const int rank = (params_.rank.value + distance + rank_count_) % rank_count_;
    return part_ * static_cast<std::uint64_t>(rank);
  }

  std::vector<std::size_t> blocks_with(unsigned hop) const {
    std::vector<std::size_t> blocks;
    for (unsigned d = 1; d < static_cast<unsigned>(rank_count_); ++d) {
      if ((d & hop) != 0) {
        blocks.push_back(d);
      }
    }
    return blocks;
  }

  std::vector<Run> runs_of(const std::vector<std::size_t>& blocks) const {
    std::vector<Run> runs;
    for (const std::size_t d : blocks) {
      const Place place = at_[d];
      const bool goes_on = !runs.empty() && runs.back().place.buffer == place.buffer &&
                           runs.back().place.offset + runs.back().count == place.offset;
      if (goes_on) {
        runs.back().count += part_;
      } else {
        runs.push_back({place, part_});
      }
    }
    return runs;
  }

  // Blocks that have this bit go that far, into scratch from `used` on. Returns its new end.
  std::uint64_t exchange(unsigned hop, std::uint64_t used) {
    const std::vector<std::size_t> blocks = blocks_with(hop);
    const std::vector<Run> runs = runs_of(blocks);
    const Block all{0, part_ * blocks.size()};
    const int distance = static_cast<int>(hop);
    const Rank to{(params_.rank.value + distance) % rank_count_};
    const Rank from{(params_.rank.value + rank_count_ - distance) % rank_count_};
    exchange_in_turn(
        chunk_count_of(all, params_.chunk_element_count),
        static_cast<std::uint64_t>(params_.send_ahead),
        [&](std::uint64_t turn) {
          send(to, runs, chunk_of(all, params_.chunk_element_count, turn));
        },
        [&](std::uint64_t turn) {
          const Block chunk = chunk_of(all, params_.chunk_element_count, turn);
          if (chunk.count > 0) {
            builder_.recv(from, at_scratch(used + chunk.offset), chunk.count);
          }
        });
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      at_[blocks[i]] = at_scratch(used + i * part_);
    }
    return used + all.count;
  }

  // A chunk of all runs one behind the other; put together first if it is of several.
  void send(Rank to, const std::vector<Run>& runs, Block chunk) {
    if (chunk.count == 0) {
      return;
    }
    std::uint64_t begin = 0;  // of the run
    std::uint64_t done = 0;
    for (const Run& run : runs) {
      const std::uint64_t skipped = std::max(begin, chunk.offset + done) - begin;
      begin += run.count;
      if (skipped >= run.count || done == chunk.count) {
        continue;
      }
      const std::uint64_t count = std::min(run.count - skipped, chunk.count - done);
      const Place place{run.place.buffer, run.place.offset + skipped, {}};
      if (count == chunk.count) {
        builder_.send(to, place, count);
        return;
      }
      builder_.copy(at_scratch(done), place, count);
      done += count;
    }
    builder_.send(to, at_scratch(0), chunk.count);
  }

  void deliver(Place block, std::uint64_t output_offset) {
    const Block all{0, part_};
    const std::uint64_t chunk_count = chunk_count_of(all, params_.chunk_element_count);
    for (std::uint64_t k = 0; k < chunk_count; ++k) {
      const Block chunk = chunk_of(all, params_.chunk_element_count, k);
      builder_.copy(at_output(output_offset + chunk.offset),
                    {block.buffer, block.offset + chunk.offset, {}}, chunk.count);
    }
  }

  const ScheduleParams& params_;
  const int rank_count_;
  const std::uint64_t part_;
  ScheduleBuilder builder_;
  std::vector<Place> at_;  // of each block, now
};

}  // namespace

Schedule make_bruck_alltoall(const ScheduleParams& params) { return BruckAlltoall(params).make(); }

}  // namespace hvd
