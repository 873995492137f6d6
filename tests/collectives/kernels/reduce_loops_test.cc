// Every instruction set against one element at a time, bit for bit; so all of them are equal.
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "collectives/kernels/kernel_table.h"
#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"
#include "tests/collectives/kernels/naive_reduction.h"

namespace hvd {
namespace {

constexpr std::size_t kMarginBytes = 128;
constexpr std::byte kMargin{0x5a};

ReduceKernel kernel_of(const KernelTable& table, DType dtype, ReduceOp op) {
  return table.reduce[static_cast<std::size_t>(dtype)][static_cast<std::size_t>(op)];
}

// Memory that begins `misaligned` bytes after a line, with untouched bytes around.
class Placed {
 public:
  Placed(std::size_t bytes, std::size_t misaligned)
      : memory_(bytes + 3 * kMarginBytes, kMargin), bytes_(bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    begin_ = kMarginBytes + (0 - address) % 64 + misaligned % 64;
  }
  std::byte* data() { return memory_.data() + begin_; }
  std::span<const std::byte> bytes() const { return {memory_.data() + begin_, bytes_}; }
  bool margins_untouched() const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if ((i < begin_ || i >= begin_ + bytes_) && memory_[i] != kMargin) {
        return false;
      }
    }
    return true;
  }

 private:
  std::vector<std::byte> memory_;
  std::size_t bytes_;
  std::size_t begin_ = 0;
};

struct Case {
  std::size_t count = 0;
  std::size_t source_count = 2;
  std::size_t misaligned = 0;
  int dst_is_source = -1;
  bool second = false;
  bool stream = false;
  bool stream_second = false;
};

std::string fault_of(const KernelTable& table, DType dtype, ReduceOp op, const Case& test,
                     const std::vector<std::byte>& values) {
  const std::size_t bytes = test.count * dtype_bytes(dtype);
  std::vector<Placed> memory;
  std::vector<const std::byte*> sources;
  for (std::size_t s = 0; s < test.source_count; ++s) {
    memory.emplace_back(bytes, test.misaligned * (s + 1) + 7 * s);
    std::memcpy(memory.back().data(), values.data() + s * bytes, bytes);
  }
  sources.reserve(memory.size());
  for (Placed& placed : memory) {
    sources.push_back(placed.data());
  }
  std::vector<std::byte> expected(bytes);
  naive_reduce(expected.data(), sources, test.count, dtype, op);
  memory.emplace_back(bytes, test.misaligned);
  memory.emplace_back(bytes, test.misaligned + (test.stream_second ? 0 : 5));
  Placed& dst = memory[test.dst_is_source < 0 ? test.source_count
                                              : static_cast<std::size_t>(test.dst_is_source)];
  Placed& second = memory.back();
  kernel_of(table, dtype, op)(
      {.dst = {.at = dst.data(), .stream = test.stream},
       .dst2 = {.at = test.second ? second.data() : nullptr, .stream = test.stream_second},
       .sources = sources.data(),
       .source_count = sources.size(),
       .count = test.count});
  std::string fault = difference(dst.bytes(), expected, dtype, op);
  if (fault.empty() && test.second) {
    fault = difference(second.bytes(), expected, dtype, op);
  }
  if (fault.empty() && !(dst.margins_untouched() && second.margins_untouched())) {
    fault = str(dtype_name(dtype), " ", reduce_op_name(op), " wrote beside its destination");
  }
  return fault.empty() ? ""
                       : str(instruction_set_name(table.instruction_set), ", count ", test.count,
                             ", sources ", test.source_count, ", misaligned ", test.misaligned,
                             ", dst is source ", test.dst_is_source, ": ", fault);
}

TEST_CASE("a reduction of 1 to 6 sources has the bits of one element at a time", "[reduce_loops]") {
  Random random(21);
  for_each_reduction([&](DType dtype, ReduceOp op) {
    const std::vector<std::byte> values = mixed_values(dtype, 6 * std::size_t{1200}, random);
    for (const KernelTable* table : every_set()) {
      for (std::size_t source_count = 1; source_count <= 6; ++source_count) {
        REQUIRE(fault_of(*table, dtype, op, {.count = 1111, .source_count = source_count},
                         values) == "");
      }
    }
  });
}

TEST_CASE("any count up to 70 works, with dst one of the sources, and nothing else is written",
          "[reduce_loops]") {
  Random random(22);
  for_each_reduction([&](DType dtype, ReduceOp op) {
    const std::vector<std::byte> values = mixed_values(dtype, 3 * std::size_t{70}, random);
    for (const KernelTable* table : every_set()) {
      for (std::size_t count = 0; count <= 70; ++count) {
        const int over = static_cast<int>(count % 4) - 1;
        REQUIRE(fault_of(*table, dtype, op,
                         {.count = count,
                          .source_count = 3,
                          .misaligned = count * 3,
                          .dst_is_source = over,
                          .second = count % 2 == 0,
                          .stream_second = count % 3 == 0},
                         values) == "");
      }
    }
  });
}

TEST_CASE("any alignment of two destinations works, streamed or not", "[reduce_loops]") {
  Random random(23);
  for_each_reduction([&](DType dtype, ReduceOp op) {
    const std::size_t count = 3000 / dtype_bytes(dtype);
    const std::vector<std::byte> values = mixed_values(dtype, 2 * count, random);
    // Each kind sees every alignment by some set; sums, which have loops of their own, by all.
    const std::size_t step = op == ReduceOp::sum ? 1 : 5;
    for (const KernelTable* table : every_set()) {
      for (std::size_t misaligned = random.below(step); misaligned < 64; misaligned += step) {
        REQUIRE(fault_of(*table, dtype, op,
                         {.count = count,
                          .misaligned = misaligned,
                          .second = misaligned % 4 != 1,
                          .stream = misaligned % 4 == 1,
                          .stream_second = misaligned % 4 != 2},
                         values) == "");
      }
    }
  });
}

TEST_CASE("all pairs of 8-bit numbers reduce to the bits of one element at a time",
          "[reduce_loops]") {
  std::vector<std::byte> values(2 * std::size_t{65536});
  for (std::size_t i = 0; i < 65536; ++i) {
    values[i] = static_cast<std::byte>(i / 256);
    values[65536 + i] = static_cast<std::byte>(i % 256);
  }
  for_each_reduction([&](DType dtype, ReduceOp op) {
    if (dtype_bytes(dtype) == 1) {
      for (const KernelTable* table : every_set()) {
        REQUIRE(fault_of(*table, dtype, op, {.count = 65536}, values) == "");
      }
    }
  });
}

TEST_CASE("every 16-bit number with others reduces to the bits of one element at a time",
          "[reduce_loops]") {
  Random random(24);
  std::vector<std::uint16_t> values(2 * std::size_t{65536});
  std::iota(values.begin(), values.begin() + 65536, std::uint16_t{0});
  for_each_reduction([&](DType dtype, ReduceOp op) {
    if (dtype_bytes(dtype) != 2) {
      return;
    }
    for (int round = 0; round < 4; ++round) {
      const std::vector<std::byte> partners = mixed_values(dtype, 65536, random);
      std::memcpy(values.data() + 65536, partners.data(), partners.size());
      std::vector<std::byte> bytes(4 * std::size_t{65536});
      std::memcpy(bytes.data(), values.data(), bytes.size());
      for (const KernelTable* table : every_set()) {
        REQUIRE(fault_of(*table, dtype, op, {.count = 65536}, bytes) == "");
      }
    }
  });
}

}  // namespace
}  // namespace hvd
