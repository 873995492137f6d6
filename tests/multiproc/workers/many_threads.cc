// many_threads: four threads of each rank submit hundreds of named operations each, out of order
// and all in flight at once, while the main thread calls unnamed ones that match by the order of
// calls. Prints `threads done <count>` on rank 0; ends with 1 and a text where a result is wrong.

#include <stdio.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/multiproc/workers/hvd_values.h"

namespace hvd_worker {
namespace {

constexpr int kThreads = 4;
constexpr int kEach = 600;
constexpr int kUnnamed = 100;

std::atomic<int> finished{0};

void must(hvd_status_t status, const char* what) {
  if (status != HVD_OK) {
    (void)fprintf(stderr, "rank %d: %s: %s\n", hvd_rank(), what, hvd_last_error());
    std::_Exit(1);
  }
}

struct Item {
  int number = 0;
  std::int64_t value = 0;
  std::int64_t shape = 1;
  hvd_handle_t handle = 0;
};

void check(std::int64_t found, std::int64_t expected, const char* what) {
  if (found != expected) {
    (void)fprintf(stderr, "rank %d: %s is %lld, not %lld\n", hvd_rank(), what,
                  static_cast<long long>(found), static_cast<long long>(expected));
    std::_Exit(1);
  }
  finished.fetch_add(1);
}

// The sum over ranks of (number + rank).
std::int64_t sum_of(std::int64_t number) {
  return number * hvd_size() + static_cast<std::int64_t>(hvd_size()) * (hvd_size() - 1) / 2;
}

hvd_options_t sum_options() {
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = HVD_SUM;
  return options;
}

void run_thread(int thread) {
  std::vector<Item> items(kEach);
  for (int i = 0; i < kEach; ++i) {
    items[static_cast<std::size_t>(i)].number = thread * kEach + i;
  }
  Random random(static_cast<std::uint64_t>(thread * 100 + hvd_rank()));
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(i)]);
  }
  const hvd_options_t options = sum_options();
  for (Item& item : items) {
    item.value = item.number + hvd_rank();
    const std::string name = "thread item " + std::to_string(item.number);
    const hvd_tensor_t tensor{&item.value, &item.shape, 1, HVD_INT64, HVD_CPU};
    must(hvd_allreduce_async(name.c_str(), &tensor, &tensor, &options, &item.handle), "submit");
  }
  for (Item& item : items) {
    must(hvd_wait(item.handle, -1), "wait");
    must(hvd_release(item.handle), "release");
    check(item.value, sum_of(item.number), "a named sum");
  }
}

void run_unnamed() {
  const hvd_options_t options = sum_options();
  for (int i = 0; i < kUnnamed; ++i) {
    std::int64_t value = 10000 + i + hvd_rank();
    const std::int64_t shape = 1;
    const hvd_tensor_t tensor{&value, &shape, 1, HVD_INT64, HVD_CPU};
    must(hvd_allreduce(nullptr, &tensor, &tensor, &options), "unnamed");
    check(value, sum_of(10000 + i), "an unnamed sum");
  }
}

int main_of() {
  must(hvd_init(nullptr), "init");
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([thread] { run_thread(thread); });
  }
  run_unnamed();
  for (std::thread& thread : threads) {
    thread.join();
  }
  must(hvd_barrier(nullptr, nullptr), "barrier");
  if (hvd_rank() == 0) {
    (void)printf("threads done %d\n", finished.load());
  }
  return 0;
}

}  // namespace
}  // namespace hvd_worker

int main() { return hvd_worker::main_of(); }
