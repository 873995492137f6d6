// tests/backends/engine/engine_world.h: the data planes of N ranks over loopback, stepped at
// random. Not here: what the tests compare. Threads: one, unless a test gives each rank its own.
// Limits: none. Read next: native_data_plane_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/engine/native_data_plane.h"
#include "backends/loopback/loopback_world.h"
#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {

// Tensors of one rank: for each its input and its output, which may be the same memory.
class RankTensors {
 public:
  struct Tensor {
    std::vector<std::byte> input;
    std::vector<std::byte> output;  // empty: in place
    std::size_t element_count = 0;
  };

  void add(DType dtype, std::size_t element_count, bool in_place) {
    const std::size_t bytes = element_count * dtype_bytes(dtype);
    tensors_.push_back({.input = std::vector<std::byte>(bytes),
                        .output = std::vector<std::byte>(in_place ? 0 : bytes, std::byte{0x5a}),
                        .element_count = element_count});
  }
  std::vector<Tensor>& tensors() { return tensors_; }

  std::vector<WorkSegment> segments() {
    std::vector<WorkSegment> segments;
    for (Tensor& tensor : tensors_) {
      segments.push_back({.input = tensor.input.data(),
                          .output = result_of(tensor).data(),
                          .element_count = tensor.element_count});
    }
    return segments;
  }
  // All inputs, or all outputs, one behind the other.
  std::vector<std::byte> inputs() const {
    std::vector<std::byte> all;
    for (const Tensor& tensor : tensors_) {
      all.insert(all.end(), tensor.input.begin(), tensor.input.end());
    }
    return all;
  }
  std::vector<std::byte> outputs() {
    std::vector<std::byte> all;
    for (Tensor& tensor : tensors_) {
      all.insert(all.end(), result_of(tensor).begin(), result_of(tensor).end());
    }
    return all;
  }

 private:
  static std::vector<std::byte>& result_of(Tensor& tensor) {
    return tensor.output.empty() ? tensor.input : tensor.output;
  }
  std::vector<Tensor> tensors_;
};

class EngineWorld {
 public:
  explicit EngineWorld(int rank_count, const Config& config = default_config(),
                       const RingGeometry& geometry = LoopbackWorld::kGeometry,
                       const std::vector<int>& host_of_rank = {})
      : world(rank_count, clock, geometry) {
    for (int rank = 0; rank < rank_count; ++rank) {
      transports.push_back(world.make_transport(Rank{rank}));
      auto plane =
          NativeDataPlane::create(Rank{rank}, rank_count, config, *transports.back(), host_of_rank);
      REQUIRE(plane.ok());
      planes.push_back(std::move(plane).value());
    }
  }
  static Config default_config() {
    Config config;
    config.algorithm = "auto";
    return config;
  }
  static Config forced(const std::string& algorithm) {
    Config config;
    config.algorithm = algorithm;
    return config;
  }
  int rank_count() const { return world.rank_count(); }

  // An item with the id and the choice that the root would give it; segments are the caller's.
  WorkItem item_of(const WorkShape& shape) {
    WorkItem item;
    item.id = item_count_++;
    item.kind = shape.kind;
    item.dtype = shape.dtype;
    item.op = shape.op;
    item.choice = planes.front()->choose(shape);
    item.label = "test tensor";
    return item;
  }
  // Steps ranks in random order until none is busy. False if all of them stand still before.
  bool run(Random& random) {
    int still = 0;  // steps in a row that moved nothing
    const auto rank_count = static_cast<std::uint64_t>(planes.size());
    while (busy()) {
      NativeDataPlane& plane = *planes[random.below(rank_count)];
      still = plane.progress() ? 0 : still + 1;
      if (still > 64 * static_cast<int>(rank_count) && !any_moves()) {
        return false;
      }
    }
    return true;
  }
  // Completions of a rank in order.
  std::vector<WorkCompletion> completions(Rank rank) {
    std::vector<WorkCompletion> all;
    WorkCompletion completion;
    while (planes[rank.index()]->take_completion(completion)) {
      all.push_back(completion);
    }
    return all;
  }
  bool all_completed_ok(std::size_t count) {
    for (int rank = 0; rank < rank_count(); ++rank) {
      const std::vector<WorkCompletion> done = completions(Rank{rank});
      if (done.size() != count) {
        return false;
      }
      for (const WorkCompletion& completion : done) {
        if (!completion.status.ok()) {
          return false;
        }
      }
    }
    return true;
  }

  SteadyClock clock;
  LoopbackWorld world;
  std::vector<std::unique_ptr<LoopbackTransport>> transports;
  std::vector<std::unique_ptr<NativeDataPlane>> planes;

 private:
  bool busy() const {
    for (const auto& plane : planes) {
      if (plane->busy()) {
        return true;
      }
    }
    return false;
  }
  bool any_moves() {
    for (const auto& plane : planes) {
      if (plane->progress()) {
        return true;
      }
    }
    return false;
  }
  std::uint64_t item_count_ = 0;
};

}  // namespace hvd
