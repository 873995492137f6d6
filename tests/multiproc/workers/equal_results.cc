// equal_results: every dtype with every reduction at sizes 0, 1, odd and above 1 MiB, broadcasts
// and uneven allgathers, submitted in an order of each rank's own. All ranks compare checksums of
// all results; integers, minima and maxima are also computed here and must match to the bit. Prints
// `equal <count of results> bits <checksum of all>` on rank 0; ends with 1 and a text where
// anything differs. Arguments, both optional: a seed of the orders; on how many hosts the ranks
// think to be.

#include <stdio.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "tests/multiproc/workers/hvd_values.h"

namespace hvd_worker {
namespace {

constexpr std::uint64_t kSeed = 20240607;

void must(hvd_status_t status, const std::string& what) {
  if (status != HVD_OK) {
    (void)fprintf(stderr, "rank %d: %s: %s\n", hvd_rank(), what.c_str(), hvd_last_error());
    std::exit(1);
  }
}

enum class Kind { allreduce, broadcast, allgather };

struct Case {
  Kind kind = Kind::allreduce;
  Named dtype{};
  Named op{};
  std::size_t count = 0;
  int root = 0;
  bool in_place = false;
  std::string name = {};
  std::vector<unsigned char> input = {};
  std::vector<unsigned char> output = {};
  int64_t shape = 0;
  hvd_handle_t handle = 0;
};

bool supported(const Named& dtype, const Named& op) {
  const bool is_floating = dtype.value == HVD_FLOAT16 || dtype.value == HVD_BFLOAT16 ||
                           dtype.value == HVD_FLOAT32 || dtype.value == HVD_FLOAT64;
  if (op.value == HVD_ADASUM && !is_floating) {
    return false;
  }
  switch (dtype.value) {
    case HVD_UINT16:
    case HVD_INT16:
      return false;
    case HVD_UINT8:
    case HVD_INT8:
    case HVD_BOOL:
      return op.value == HVD_SUM || op.value == HVD_MAX;
    default:
      return true;
  }
}

// What `rank` gives to case number `index`: everybody can compute it.
std::vector<unsigned char> input_of(const Case& item, std::size_t index, int rank) {
  std::size_t count = item.count;
  if (item.kind == Kind::allgather) {
    count = static_cast<std::size_t>(item.count + static_cast<std::size_t>(rank) * 3) %
            (item.count + 2);
  }
  std::vector<unsigned char> bytes(count * item.dtype.bytes);
  Random random(kSeed + index * 1000 + static_cast<std::uint64_t>(rank));
  fill_random(bytes.data(), item.dtype.value, count, random);
  return bytes;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  const auto add = [&](Case item) {
    item.name = "case " + std::to_string(cases.size());
    item.in_place = cases.size() % 3 == 0;
    cases.push_back(std::move(item));
  };
  for (const Named& dtype : kDTypes) {
    const std::size_t big = (std::size_t{1} << 20) / dtype.bytes + 3;
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1021}, big}) {
      for (const Named& op : kOps) {
        if (supported(dtype, op)) {
          add({.kind = Kind::allreduce, .dtype = dtype, .op = op, .count = count});
        }
      }
      add({.kind = Kind::broadcast,
           .dtype = dtype,
           .count = count,
           .root = static_cast<int>(cases.size()) % hvd_size()});
      add({.kind = Kind::allgather, .dtype = dtype, .count = count});
    }
  }
  return cases;
}

void submit(Case& item, std::size_t index) {
  item.input = input_of(item, index, hvd_rank());
  item.shape = static_cast<int64_t>(item.input.size() / item.dtype.bytes);
  hvd_tensor_t input{item.input.data(), &item.shape, 1, item.dtype.value, HVD_CPU};
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = item.op.value;
  options.root_rank = item.root;
  if (item.kind == Kind::broadcast) {
    must(hvd_broadcast_async(item.name.c_str(), &input, &options, &item.handle), item.name);
  } else if (item.kind == Kind::allgather) {
    must(hvd_allgather_async(item.name.c_str(), &input, nullptr, &options, &item.handle),
         item.name);
  } else {
    item.output.resize(item.input.size());
    hvd_tensor_t output = input;
    output.data = item.in_place ? item.input.data() : item.output.data();
    must(hvd_allreduce_async(item.name.c_str(), &input, &output, &options, &item.handle),
         item.name);
  }
}

// ---- what the result has to be -----------------------------------------------------------------

template <typename T>
bool reduced_right(const Case& item, std::size_t index, const T* result) {
  std::vector<std::vector<unsigned char>> inputs;
  inputs.reserve(static_cast<std::size_t>(hvd_size()));
  for (int rank = 0; rank < hvd_size(); ++rank) {
    inputs.push_back(input_of(item, index, rank));
  }
  for (std::size_t i = 0; i < item.count; ++i) {
    T expected{};
    double magnitude = 0;
    for (int rank = 0; rank < hvd_size(); ++rank) {
      const T mine = reinterpret_cast<const T*>(inputs[static_cast<std::size_t>(rank)].data())[i];
      magnitude += std::abs(static_cast<double>(mine));
      if (rank == 0) {
        expected = mine;
      } else if (item.op.value == HVD_MIN) {
        expected = std::min(expected, mine);
      } else if (item.op.value == HVD_MAX) {
        expected = std::max(expected, mine);
      } else if constexpr (std::is_floating_point_v<T>) {
        expected = item.op.value == HVD_PRODUCT ? expected * mine : expected + mine;
      } else {  // wraps
        using U = std::make_unsigned_t<T>;
        expected = static_cast<T>(item.op.value == HVD_PRODUCT
                                      ? static_cast<U>(expected) * static_cast<U>(mine)
                                      : static_cast<U>(expected) + static_cast<U>(mine));
      }
    }
    if constexpr (std::is_floating_point_v<T>) {
      if (item.op.value == HVD_AVERAGE) {
        expected /= static_cast<T>(hvd_size());
      }
      const double slack = magnitude * 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
      const bool exact = item.op.value == HVD_MIN || item.op.value == HVD_MAX;
      const double off = std::abs(static_cast<double>(expected) - static_cast<double>(result[i]));
      if (exact ? expected != result[i] : !(off <= slack)) {
        return false;
      }
    } else if (item.op.value != HVD_AVERAGE && expected != result[i]) {
      return false;
    }
  }
  return true;
}

bool gathered_right(const Case& item, std::size_t index, const void* data, std::size_t bytes) {
  std::vector<unsigned char> expected;
  for (int rank = 0; rank < hvd_size(); ++rank) {
    const std::vector<unsigned char> part = input_of(item, index, rank);
    expected.insert(expected.end(), part.begin(), part.end());
  }
  return bytes == expected.size() && (bytes == 0 || std::memcmp(data, expected.data(), bytes) == 0);
}

bool right(const Case& item, std::size_t index, const void* data, std::size_t bytes) {
  if (item.kind == Kind::allgather) {
    return gathered_right(item, index, data, bytes);
  }
  if (item.kind == Kind::broadcast) {
    const std::vector<unsigned char> expected = input_of(item, index, item.root);
    return expected.empty() || std::memcmp(data, expected.data(), expected.size()) == 0;
  }
  if (item.op.value == HVD_ADASUM) {
    return true;  // engine tests know the values
  }
  switch (item.dtype.value) {
    case HVD_FLOAT64:
      return reduced_right(item, index, static_cast<const double*>(data));
    case HVD_FLOAT32:
      return reduced_right(item, index, static_cast<const float*>(data));
    case HVD_INT64:
      return reduced_right(item, index, static_cast<const std::int64_t*>(data));
    case HVD_INT32:
      return reduced_right(item, index, static_cast<const std::int32_t*>(data));
    case HVD_INT8:
      return reduced_right(item, index, static_cast<const std::int8_t*>(data));
    case HVD_UINT8:
      return reduced_right(item, index, static_cast<const std::uint8_t*>(data));
    default:
      return true;  // halves and bool: kernel tests; here only that all ranks have the same bits
  }
}

std::int64_t finish(Case& item, std::size_t index) {
  must(hvd_wait(item.handle, -1), item.name);
  const void* data =
      item.kind == Kind::broadcast || item.in_place ? item.input.data() : item.output.data();
  std::size_t bytes = item.input.size();
  if (item.kind == Kind::allgather) {
    void* gathered = nullptr;
    const int64_t* shape = nullptr;
    int32_t ndim = 0;
    must(hvd_result(item.handle, &gathered, &shape, &ndim), item.name);
    data = gathered;
    bytes = static_cast<std::size_t>(shape[0]) * item.dtype.bytes;
  }
  // One rank computes it, as all must have the same bits.
  const bool mine =
      index % static_cast<std::size_t>(hvd_size()) == static_cast<std::size_t>(hvd_rank());
  if (mine && !right(item, index, data, bytes)) {
    (void)fprintf(stderr, "rank %d: %s is wrong: kind %d dtype %s op %s count %zu\n", hvd_rank(),
                  item.name.c_str(), static_cast<int>(item.kind), item.dtype.name, item.op.name,
                  item.count);
    std::exit(1);
  }
  const auto sum = static_cast<std::int64_t>(checksum(data, bytes));
  must(hvd_release(item.handle), item.name);
  item.input = {};
  item.output = {};
  return sum;
}

void compare(const std::vector<Case>& cases, std::vector<std::int64_t>& sums) {
  const int64_t shape[2] = {1, static_cast<int64_t>(sums.size())};
  hvd_tensor_t mine{sums.data(), shape, 2, HVD_INT64, HVD_CPU};
  hvd_handle_t handle = 0;
  must(hvd_allgather_async("checksums", &mine, nullptr, nullptr, &handle), "checksums");
  must(hvd_wait(handle, -1), "checksums");
  void* data = nullptr;
  const int64_t* gathered = nullptr;
  int32_t ndim = 0;
  must(hvd_result(handle, &data, &gathered, &ndim), "checksums");
  const auto* all = static_cast<const std::int64_t*>(data);
  for (int rank = 1; rank < hvd_size(); ++rank) {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (all[static_cast<std::size_t>(rank) * sums.size() + i] != all[i]) {
        (void)fprintf(stderr, "rank %d and rank 0 differ in %s: kind %d dtype %s op %s count %zu\n",
                      rank, cases[i].name.c_str(), static_cast<int>(cases[i].kind),
                      cases[i].dtype.name, cases[i].op.name, cases[i].count);
        std::exit(1);
      }
    }
  }
}

int main_of(std::uint64_t order_seed) {
  must(hvd_init(nullptr), "init");
  std::vector<Case> cases = all_cases();
  std::vector<std::size_t> order(cases.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  Random random(kSeed + order_seed + 77 * static_cast<std::uint64_t>(hvd_rank()));
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(i)]);
  }
  for (const std::size_t index : order) {
    submit(cases[index], index);
  }
  std::vector<std::int64_t> sums;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    sums.push_back(finish(cases[i], i));
  }
  compare(cases, sums);
  must(hvd_barrier("compared", nullptr), "barrier");
  if (hvd_rank() == 0) {
    const std::uint64_t bits = checksum(sums.data(), sums.size() * sizeof(sums[0]));
    (void)printf("equal %zu bits %016llx\n", cases.size(), static_cast<unsigned long long>(bits));
  }
  return 0;
}

}  // namespace
}  // namespace hvd_worker

int main(int argc, char** argv) {
  return hvd_worker::main_of(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0);
}
