// grouped_results: groups of every kind through hvd.h: mixed dtypes, sizes from 0 to 256 KiB, in
// and out of place, in the arena and beside it, with outputs given and made, submitted in an order
// of each rank's own. Elements are small whole numbers, so every result is known exactly. Prints
// `grouped <tensors> tensors in <work items> items` on rank 0; ends with 1 and a text where
// anything differs.

#include <stdio.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/multiproc/workers/hvd_values.h"

namespace hvd_worker {
namespace {

constexpr std::uint64_t kSeed = 20250311;
constexpr std::array<Named, 6> kWhole = {{{"uint8", HVD_UINT8, 1},
                                          {"int16", HVD_INT16, 2},
                                          {"int32", HVD_INT32, 4},
                                          {"int64", HVD_INT64, 8},
                                          {"float32", HVD_FLOAT32, 4},
                                          {"float64", HVD_FLOAT64, 8}}};

[[noreturn]] void fail(const std::string& what) {
  (void)fprintf(stderr, "rank %d: %s\n", hvd_rank(), what.c_str());
  std::exit(1);
}

void must(hvd_status_t status, const std::string& what) {
  if (status != HVD_OK) {
    fail(what + ": " + hvd_last_error());
  }
}

std::int64_t even_share(std::int64_t rows, int rank) {
  return rows / hvd_size() + (rank < rows % hvd_size() ? 1 : 0);
}

void put(void* data, std::int32_t dtype, std::size_t i, std::int64_t value) {
  const auto store = [&](auto element) {
    std::memcpy(static_cast<char*>(data) + i * sizeof element, &element, sizeof element);
  };
  switch (dtype) {
    case HVD_UINT8:
      return store(static_cast<std::uint8_t>(value));
    case HVD_INT16:
      return store(static_cast<std::int16_t>(value));
    case HVD_INT32:
      return store(static_cast<std::int32_t>(value));
    case HVD_INT64:
      return store(value);
    case HVD_FLOAT32:
      return store(static_cast<float>(value));
    default:
      return store(static_cast<double>(value));
  }
}

// Memory of one tensor, in the arena if asked.
class Block {
 public:
  Block(std::size_t bytes, bool in_arena) : own_(in_arena ? 0 : bytes) {
    if (in_arena) {
      must(hvd_alloc(bytes, &memory_), "hvd_alloc");
    } else {
      memory_ = own_.data();
    }
    in_arena_ = in_arena;
  }
  Block(Block&& other) noexcept
      : own_(std::move(other.own_)), memory_(other.memory_), in_arena_(other.in_arena_) {
    other.in_arena_ = false;
  }
  Block& operator=(Block&&) = delete;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    if (in_arena_) {
      must(hvd_free(memory_), "hvd_free");
    }
  }
  void* get() { return memory_; }

 private:
  std::vector<unsigned char> own_;
  void* memory_ = nullptr;
  bool in_arena_ = false;
};

enum class Kind { allreduce, allgather, reduce_scatter };
constexpr std::array<const char*, 3> kKindNames = {"allreduce", "allgather", "reduce_scatter"};

struct Tensor {
  Named dtype{};
  std::int64_t rows = 0;  // that this rank gives
  std::int64_t width = 1;
  std::uint64_t seed = 0;
};

// Element i of what a rank gives: 0 to 6.
std::int64_t element(const Tensor& tensor, int rank, std::int64_t i) {
  return static_cast<std::int64_t>(
      Random(tensor.seed + static_cast<std::uint64_t>(rank) * 7919 + static_cast<std::uint64_t>(i))
          .below(7));
}

struct Group {
  Kind kind = Kind::allreduce;
  Named op{};
  bool in_place = false;
  bool in_arena = false;
  bool gives_outputs = true;  // else the runtime makes them
  std::string name = {};
  std::vector<Tensor> tensors = {};
  std::vector<Block> inputs = {};
  std::vector<Block> outputs = {};
  std::vector<std::array<std::int64_t, 2>> shapes = {};
  hvd_handle_t handle = 0;
};

std::int64_t rows_given(const Group& group, const Tensor& tensor, int rank) {
  return group.kind == Kind::allgather && tensor.rows > 0 ? tensor.rows + std::int64_t{3} * rank
                                                          : tensor.rows;
}

std::int64_t rows_of_result(const Group& group, const Tensor& tensor) {
  if (group.kind == Kind::reduce_scatter) {
    return even_share(tensor.rows, hvd_rank());
  }
  if (group.kind == Kind::allreduce) {
    return tensor.rows;
  }
  std::int64_t sum = 0;
  for (int rank = 0; rank < hvd_size(); ++rank) {
    sum += rows_given(group, tensor, rank);
  }
  return sum;
}

std::vector<Tensor> mixed_tensors(std::uint64_t seed) {
  std::vector<Tensor> tensors;
  for (const Named& dtype : kWhole) {
    const auto big = static_cast<std::int64_t>((std::size_t{1} << 18) / dtype.bytes / 3 + 3);
    for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1021}, big}) {
      tensors.push_back({dtype, rows, 3, kSeed + 1'000'003 * (seed * 100 + tensors.size())});
    }
  }
  return tensors;
}

std::vector<Group> all_groups() {
  std::vector<Group> groups;
  const auto add = [&](Group group) {
    group.name = "group " + std::to_string(groups.size());
    if (group.tensors.empty()) {
      group.tensors = mixed_tensors(groups.size());
    }
    groups.push_back(std::move(group));
  };
  const Named sum{"sum", HVD_SUM, 0};
  const Named max{"max", HVD_MAX, 0};
  for (const bool in_place : {false, true}) {
    for (const bool in_arena : {false, true}) {
      add({.op = in_arena ? max : sum, .in_place = in_place, .in_arena = in_arena});
    }
  }
  add({.kind = Kind::allgather});
  add({.kind = Kind::allgather, .gives_outputs = false});
  add({.kind = Kind::reduce_scatter, .op = sum});
  add({.kind = Kind::reduce_scatter, .op = max});
  std::vector<Tensor> many(1000, {kWhole[4], 2, 3});
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].seed = kSeed + 1000 * i;
  }
  add({.op = sum, .tensors = many});
  add({.op = sum, .tensors = {{kWhole[5], 7, 1, kSeed}}});
  return groups;
}

void submit(Group& group) {
  const std::size_t count = group.tensors.size();
  std::vector<hvd_tensor_t> inputs;
  std::vector<hvd_tensor_t> outputs;
  group.shapes.resize(2 * count);
  for (std::size_t t = 0; t < count; ++t) {
    const Tensor& tensor = group.tensors[t];
    const std::int64_t rows = rows_given(group, tensor, hvd_rank());
    // Every second tensor only: ranks of one host then disagree about none of them.
    const bool in_arena = group.in_arena && t % 2 == 0;
    const std::size_t row_bytes = static_cast<std::size_t>(tensor.width) * tensor.dtype.bytes;
    group.inputs.emplace_back(static_cast<std::size_t>(rows) * row_bytes, in_arena);
    for (std::int64_t i = 0; i < rows * tensor.width; ++i) {
      put(group.inputs[t].get(), tensor.dtype.value, static_cast<std::size_t>(i),
          element(tensor, hvd_rank(), i));
    }
    group.shapes[2 * t] = {rows, tensor.width};
    inputs.push_back(
        {group.inputs[t].get(), group.shapes[2 * t].data(), 2, tensor.dtype.value, HVD_CPU});
    const std::int64_t result_rows = rows_of_result(group, tensor);
    group.shapes[2 * t + 1] = {result_rows, tensor.width};
    group.outputs.emplace_back(
        group.in_place ? 0 : static_cast<std::size_t>(result_rows) * row_bytes, in_arena);
    outputs.push_back({group.in_place ? group.inputs[t].get() : group.outputs[t].get(),
                       group.shapes[2 * t + 1].data(), 2, tensor.dtype.value, HVD_CPU});
  }
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = group.op.value;
  const auto call = group.kind == Kind::allreduce   ? hvd_grouped_allreduce_async
                    : group.kind == Kind::allgather ? hvd_grouped_allgather_async
                                                    : hvd_grouped_reduce_scatter_async;
  must(call(group.name.c_str(), static_cast<std::int32_t>(count), inputs.data(),
            group.gives_outputs ? outputs.data() : nullptr, &options, &group.handle),
       group.name);
}

// Element i of the result on this rank.
std::int64_t expected(const Group& group, const Tensor& tensor, std::int64_t i) {
  if (group.kind == Kind::allgather) {
    for (int rank = 0;; ++rank) {
      const std::int64_t own = rows_given(group, tensor, rank) * tensor.width;
      if (i < own) {
        return element(tensor, rank, i);
      }
      i -= own;
    }
  }
  if (group.kind == Kind::reduce_scatter) {
    for (int rank = 0; rank < hvd_rank(); ++rank) {
      i += even_share(tensor.rows, rank) * tensor.width;
    }
  }
  std::int64_t result = 0;
  for (int rank = 0; rank < hvd_size(); ++rank) {
    const std::int64_t mine = element(tensor, rank, i);
    result = group.op.value == HVD_MAX ? std::max(result, mine) : result + mine;
  }
  return result;
}

void check(Group& group, std::size_t t) {
  const Tensor& tensor = group.tensors[t];
  const void* data = group.in_place ? group.inputs[t].get() : group.outputs[t].get();
  const std::int64_t count = rows_of_result(group, tensor) * tensor.width;
  if (group.kind == Kind::allgather) {
    void* gathered = nullptr;
    const int64_t* shape = nullptr;
    int32_t ndim = 0;
    must(hvd_grouped_result(group.handle, static_cast<int32_t>(t), &gathered, &shape, &ndim),
         group.name);
    if (ndim != 2 || shape[0] * shape[1] != count || (group.gives_outputs && gathered != data)) {
      fail(group.name + ", tensor " + std::to_string(t) + ": the result is not where it should be");
    }
    data = gathered;
  }
  std::array<unsigned char, 8> wanted{};
  for (std::int64_t i = 0; i < count; ++i) {
    put(wanted.data(), tensor.dtype.value, 0, expected(group, tensor, i));
    if (std::memcmp(
            static_cast<const char*>(data) + static_cast<std::size_t>(i) * tensor.dtype.bytes,
            wanted.data(), tensor.dtype.bytes) != 0) {
      fail(std::string(kKindNames[static_cast<std::size_t>(group.kind)]) + " '" + group.name +
           "', tensor " + std::to_string(t) + " (" + tensor.dtype.name + "), element " +
           std::to_string(i) + " is wrong");
    }
  }
}

long work_items() {
  std::string text(hvd_info(nullptr, 0) + 64, '\0');
  (void)hvd_info(text.data(), text.size());
  const std::string key = "\"work_items\":";
  return std::atol(text.c_str() + text.find(key) + key.size());
}

// Two that are refused everywhere, with one between them that is not: nothing is left of them.
void check_errors() {
  std::array<float, 4> values{1, 1, 1, 1};
  const std::int64_t one = 1;
  const std::int64_t odd = hvd_rank() == 0 ? 2 : 1;
  std::array<hvd_tensor_t, 2> tensors{{{values.data(), &one, 1, HVD_FLOAT32, HVD_CPU},
                                       {values.data() + 2, &odd, 1, HVD_FLOAT32, HVD_CPU}}};
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = HVD_SUM;
  const auto refused = [&](std::int32_t count, const char* words) {
    const hvd_status_t status =
        hvd_grouped_allreduce("odd", count, tensors.data(), tensors.data(), &options);
    const std::string text = hvd_last_error();
    if (status != HVD_ERROR_MISMATCH || text.find(words) == std::string::npos) {
      fail("a group that differs ended with " + std::to_string(status) + ": " + text);
    }
  };
  refused(2, "tensor 2 of 2: shape differs");
  must(hvd_grouped_allreduce("odd", 1, tensors.data(), tensors.data(), &options), "odd");
  refused(hvd_rank() == 0 ? 1 : 2, "number of tensors differs");
  if (values != std::array<float, 4>{static_cast<float>(hvd_size()), 1, 1, 1}) {
    fail("a refused group wrote to its memory");
  }
}

int main_of() {
  must(hvd_init(nullptr), "init");
  std::vector<Group> groups = all_groups();
  std::vector<std::size_t> order(groups.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  Random random(kSeed + static_cast<std::uint64_t>(hvd_rank()));
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(i)]);
  }
  for (const std::size_t index : order) {
    submit(groups[index]);
  }
  std::size_t tensor_count = 0;
  for (Group& group : groups) {
    must(hvd_wait(group.handle, -1), group.name);
    for (std::size_t t = 0; t < group.tensors.size(); ++t) {
      check(group, t);
    }
    tensor_count += group.tensors.size();
    must(hvd_release(group.handle), group.name);
  }
  const long items = work_items();
  if (hvd_size() > 1) {
    check_errors();
  }
  must(hvd_barrier("compared", nullptr), "barrier");
  if (hvd_rank() == 0) {
    (void)printf("grouped %zu tensors in %ld items\n", tensor_count, items);
  }
  return 0;
}

}  // namespace
}  // namespace hvd_worker

int main() { return hvd_worker::main_of(); }
