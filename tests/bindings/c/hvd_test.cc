// The C API with one rank, which is a job of its own; several ranks are in tests/multiproc.
#include "bindings/c/hvd.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace {

struct Job {
  Job() { REQUIRE(hvd_init(nullptr) == HVD_OK); }
  ~Job() { hvd_shutdown(); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
};

struct Vector {
  explicit Vector(std::size_t count, float value = 1.0F)
      : values(count, value), shape{static_cast<int64_t>(count)} {}
  hvd_tensor_t tensor() { return {values.data(), shape.data(), 1, HVD_FLOAT32, HVD_CPU}; }
  std::vector<float> values;
  std::array<int64_t, 1> shape;
};

hvd_options_t options_of(hvd_op_t op) {
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = op;
  return options;
}

std::ptrdiff_t open_descriptor_count() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST_CASE("before hvd_init every call says how to start", "[hvd]") {
  Vector x(3);
  const hvd_tensor_t tensor = x.tensor();
  CHECK(hvd_rank() == -1);
  CHECK(hvd_is_initialized() == 0);
  CHECK(hvd_allreduce("x", &tensor, &tensor, nullptr) == HVD_ERROR_PRECONDITION);
  CHECK(std::string(hvd_last_error()).find("hvd_init") != std::string::npos);
}

TEST_CASE("one rank alone is a whole job", "[hvd]") {
  const Job job;
  CHECK(hvd_rank() == 0);
  CHECK(hvd_size() == 1);
  CHECK(hvd_local_size() == 1);
  CHECK(hvd_cross_size() == 1);
  Vector x(5, 3.0F);
  const hvd_tensor_t tensor = x.tensor();
  hvd_options_t options = options_of(HVD_SUM);
  options.prescale = 2.0;
  options.postscale = 0.5;
  REQUIRE(hvd_allreduce("x", &tensor, &tensor, &options) == HVD_OK);
  CHECK(x.values == std::vector<float>(5, 3.0F));
  CHECK(hvd_barrier(nullptr, nullptr) == HVD_OK);
  CHECK(hvd_broadcast("b", &tensor, nullptr) == HVD_OK);
}

TEST_CASE("out of place leaves the input alone", "[hvd]") {
  const Job job;
  Vector in(4, 2.0F);
  Vector out(4, 0.0F);
  const hvd_tensor_t input = in.tensor();
  const hvd_tensor_t output = out.tensor();
  hvd_options_t options = options_of(HVD_SUM);
  options.prescale = 3.0;
  REQUIRE(hvd_allreduce("x", &input, &output, &options) == HVD_OK);
  CHECK(in.values == std::vector<float>(4, 2.0F));
  CHECK(out.values == std::vector<float>(4, 6.0F));
}

TEST_CASE("an allgather's result is read from its handle and goes with it", "[hvd]") {
  const Job job;
  Vector x(3, 7.0F);
  const hvd_tensor_t tensor = x.tensor();
  hvd_handle_t handle = 0;
  REQUIRE(hvd_allgather_async("g", &tensor, nullptr, nullptr, &handle) == HVD_OK);
  REQUIRE(hvd_wait(handle, -1) == HVD_OK);
  void* data = nullptr;
  const int64_t* shape = nullptr;
  int32_t ndim = 0;
  REQUIRE(hvd_result(handle, &data, &shape, &ndim) == HVD_OK);
  CHECK(ndim == 1);
  CHECK(shape[0] == 3);
  CHECK(std::equal(x.values.begin(), x.values.end(), static_cast<const float*>(data)));
  CHECK(hvd_release(handle) == HVD_OK);
  CHECK(hvd_wait(handle, 0) == HVD_ERROR_NOT_FOUND);
}

TEST_CASE("memory of the arena outlives a job and is reduced like any other", "[hvd]") {
  constexpr std::size_t kCount = 20'000;
  void* memory = nullptr;
  REQUIRE(hvd_alloc(kCount * sizeof(float), &memory) == HVD_OK);
  auto* values = static_cast<float*>(memory);
  std::fill(values, values + kCount, 3.0F);
  const std::array<int64_t, 1> shape{kCount};
  const hvd_tensor_t tensor{memory, shape.data(), 1, HVD_FLOAT32, HVD_CPU};
  const hvd_options_t sum = options_of(HVD_SUM);
  for (int job_count = 0; job_count < 2; ++job_count) {
    Job job;
    CHECK(hvd_allreduce("x", &tensor, &tensor, &sum) == HVD_OK);
  }
  CHECK(std::all_of(values, values + kCount, [](float value) { return value == 3.0F; }));
  CHECK(hvd_free(memory) == HVD_OK);
  CHECK(hvd_free(memory) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK(hvd_free(nullptr) == HVD_OK);
  CHECK(hvd_alloc(1, nullptr) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK(hvd_alloc(SIZE_MAX, &memory) == HVD_ERROR_RESOURCE);
  CHECK(std::string(hvd_last_error()).find("HVD_ARENA_BYTES") != std::string::npos);
}

TEST_CASE("a forked child cannot give out memory of its parent's arena", "[hvd]") {
  void* memory = nullptr;
  REQUIRE(hvd_alloc(64, &memory) == HVD_OK);  // without any hvd_init
  const pid_t child = fork();
  if (child == 0) {
    void* other = nullptr;
    _exit((hvd_alloc(64, &other) == HVD_ERROR_PRECONDITION ? 0 : 1) +
          (hvd_free(memory) == HVD_ERROR_PRECONDITION ? 0 : 2));
  }
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  CHECK(WIFEXITED(state));
  CHECK(WEXITSTATUS(state) == 0);
  CHECK(hvd_free(memory) == HVD_OK);
}

TEST_CASE("mistakes are found at the call and name the tensor", "[hvd]") {
  const Job job;
  Vector x(3);
  Vector longer(4);
  const hvd_tensor_t tensor = x.tensor();
  const hvd_tensor_t other = longer.tensor();
  hvd_handle_t handle = 0;
  CHECK(hvd_allreduce("x", &tensor, &other, nullptr) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK(hvd_allreduce("x", nullptr, &other, nullptr) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK(hvd_allreduce("", &tensor, &tensor, nullptr) == HVD_ERROR_INVALID_ARGUMENT);
  hvd_options_t options = options_of(HVD_SUM);
  options.root_rank = 5;
  CHECK(hvd_broadcast("here", &tensor, &options) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK(std::string(hvd_last_error_tensor()) == "here");
  CHECK(hvd_allreduce_async("x", &tensor, &tensor, nullptr, nullptr) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK(hvd_poll(12345, nullptr) == HVD_ERROR_NOT_FOUND);
  CHECK(handle == 0);
}

TEST_CASE("init and shutdown leave nothing behind, however often", "[hvd]") {
  { const Job warm_up; }
  const auto before = open_descriptor_count();
  for (int i = 0; i < 50; ++i) {
    const Job job;
    CHECK(hvd_init(nullptr) == HVD_OK);  // a second init does nothing
  }
  CHECK(open_descriptor_count() == before);
  CHECK(hvd_shutdown() == HVD_OK);  // a second shutdown does nothing
}

TEST_CASE("a forked child is told that it cannot use hvd and holds none of its descriptors",
          "[hvd]") {
  { const Job warm_up; }
  const auto without = open_descriptor_count();
  const Job job;
  const pid_t child = fork();
  if (child == 0) {
    Vector x(1);
    const hvd_tensor_t tensor = x.tensor();
    const bool refused = hvd_allreduce("x", &tensor, &tensor, nullptr) == HVD_ERROR_PRECONDITION &&
                         hvd_init(nullptr) == HVD_ERROR_PRECONDITION;
    _exit((refused ? 0 : 1) + (open_descriptor_count() == without ? 0 : 2));
  }
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  CHECK(WIFEXITED(state));
  CHECK(WEXITSTATUS(state) == 0);
  Vector x(2);
  const hvd_tensor_t tensor = x.tensor();
  CHECK(hvd_allreduce("after", &tensor, &tensor, nullptr) == HVD_OK);
}

TEST_CASE("info and settings are texts of any length", "[hvd]") {
  const size_t needed = hvd_settings_text("markdown", nullptr, 0);
  std::string text(needed + 1, '\0');
  CHECK(hvd_settings_text("markdown", text.data(), text.size()) == needed);
  CHECK(text.find("HVD_DEADLINE_SECONDS") != std::string::npos);
  std::array<char, 8> small{};
  CHECK(hvd_info(small.data(), small.size()) > 8);
  CHECK(std::strlen(small.data()) == 7);
}

struct Result {
  void* data = nullptr;
  const int64_t* shape = nullptr;
  int32_t ndim = 0;
  const float* floats() const { return static_cast<const float*>(data); }
};

Result result_of(hvd_handle_t handle) {
  REQUIRE(hvd_wait(handle, 10) == HVD_OK);
  Result result;
  REQUIRE(hvd_result(handle, &result.data, &result.shape, &result.ndim) == HVD_OK);
  return result;
}

TEST_CASE("reductions of one rank give what it put in", "[hvd]") {
  const Job job;
  Vector x(3, 2.0F);
  Vector y(3, 0.0F);
  const hvd_tensor_t input = x.tensor();
  const hvd_tensor_t output = y.tensor();
  const hvd_options_t options = options_of(HVD_SUM);
  REQUIRE(hvd_reduce("a", &input, &output, &options) == HVD_OK);
  CHECK(y.values == x.values);
  std::fill(y.values.begin(), y.values.end(), 0.0F);
  REQUIRE(hvd_reduce_scatter("b", &input, nullptr, &output, &options) == HVD_OK);
  CHECK(y.values == x.values);
  const int64_t rows = 3;
  REQUIRE(hvd_reduce_scatter("c", &input, &rows, &output, &options) == HVD_OK);
}

TEST_CASE("one rank exchanges, gathers and scatters with itself", "[hvd]") {
  const Job job;
  Vector x(3, 2.0F);
  const hvd_tensor_t input = x.tensor();
  const int64_t splits = 2;
  std::array<hvd_handle_t, 3> handles{};
  REQUIRE(hvd_alltoall_async("a", &input, &splits, nullptr, nullptr, &handles[0]) == HVD_OK);
  REQUIRE(hvd_gather_async("b", &input, nullptr, nullptr, &handles[1]) == HVD_OK);
  REQUIRE(hvd_scatter_async("c", &input, nullptr, nullptr, nullptr, &handles[2]) == HVD_OK);
  for (const hvd_handle_t handle : handles) {
    const Result result = result_of(handle);
    CHECK(result.ndim == 1);
    CHECK(result.shape[0] == (handle == handles[0] ? 2 : 3));
    CHECK(result.floats()[1] == 2.0F);
    int32_t dtype = -1;
    CHECK(hvd_result_dtype(handle, &dtype) == HVD_OK);
    CHECK(dtype == HVD_FLOAT32);
  }
  const int64_t* received = nullptr;
  int32_t count = 0;
  REQUIRE(hvd_received_splits(handles[0], &received, &count) == HVD_OK);
  CHECK(count == 1);
  CHECK(received[0] == 2);
  CHECK(hvd_received_splits(handles[1], &received, &count) == HVD_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("the blocking forms write to the output and want one", "[hvd]") {
  const Job job;
  Vector x(3, 2.0F);
  Vector y(3, 0.0F);
  const hvd_tensor_t input = x.tensor();
  const hvd_tensor_t output = y.tensor();
  const auto filled = [&](hvd_status_t status) {
    CHECK(status == HVD_OK);
    const bool equal = y.values == x.values;
    std::fill(y.values.begin(), y.values.end(), 0.0F);
    return equal;
  };
  CHECK(filled(hvd_allgather("a", &input, &output, nullptr)));
  CHECK(filled(hvd_alltoall("b", &input, nullptr, &output, nullptr)));
  CHECK(filled(hvd_gather("c", &input, &output, nullptr)));
  CHECK(filled(hvd_scatter("d", &input, nullptr, &output, nullptr)));
  CHECK(hvd_allgather("a", &input, nullptr, nullptr) == HVD_ERROR_INVALID_ARGUMENT);
  CHECK_THAT(std::string(hvd_last_error()), Catch::Contains("output is NULL"));
}

TEST_CASE("an output of other rows than come is left alone, and the result is in the handle",
          "[hvd]") {
  const Job job;
  Vector x(3, 2.0F);
  Vector y(2, 0.0F);
  const hvd_tensor_t input = x.tensor();
  const hvd_tensor_t output = y.tensor();
  hvd_handle_t handle = 0;
  REQUIRE(hvd_allgather_async("a", &input, &output, nullptr, &handle) == HVD_OK);
  REQUIRE(hvd_wait(handle, 10) == HVD_ERROR_MISMATCH);
  CHECK_THAT(std::string(hvd_last_error()), Catch::Contains("output is float32 [2], but what came "
                                                            "is float32 [3]"));
  CHECK(y.values == std::vector<float>(2, 0.0F));
  Result result;
  REQUIRE(hvd_result(handle, &result.data, &result.shape, &result.ndim) == HVD_OK);
  CHECK(result.floats()[2] == 2.0F);
  CHECK(hvd_release(handle) == HVD_OK);
}

TEST_CASE("hvd_result gives the output that was given", "[hvd]") {
  const Job job;
  Vector x(3, 2.0F);
  Vector y(3, 0.0F);
  const hvd_tensor_t input = x.tensor();
  const hvd_tensor_t output = y.tensor();
  const int64_t splits = 3;
  hvd_handle_t handle = 0;
  REQUIRE(hvd_alltoall_async("a", &input, &splits, &output, nullptr, &handle) == HVD_OK);
  const Result result = result_of(handle);
  CHECK(result.data == y.values.data());
  CHECK(result.shape[0] == 3);
  const int64_t* received = nullptr;
  int32_t count = 0;
  REQUIRE(hvd_received_splits(handle, &received, &count) == HVD_OK);
  CHECK(received[0] == 3);
}

TEST_CASE("what is wrong with a call is named where it is made", "[hvd]") {
  const Job job;
  Vector x(3);
  Vector two(2);
  const hvd_tensor_t input = x.tensor();
  const hvd_tensor_t output = two.tensor();
  const int64_t splits = 4;
  hvd_handle_t handle = 0;
  const auto text = [](hvd_status_t status) {
    CHECK(status == HVD_ERROR_INVALID_ARGUMENT);
    return std::string(hvd_last_error());
  };
  CHECK_THAT(text(hvd_reduce_scatter("a", &input, nullptr, &output, nullptr)),
             Catch::Contains("output is float32 [2] but must be float32 [3]"));
  CHECK_THAT(text(hvd_reduce_scatter("a", &input, nullptr, &input, nullptr)),
             Catch::Contains("overlap"));
  const int64_t negative = -3;
  CHECK_THAT(text(hvd_reduce_scatter("a", &input, &negative, &output, nullptr)),
             Catch::Contains("splits (hvd.h: row_counts): -3 rows for rank 0"));
  CHECK_THAT(text(hvd_scatter_async("a", &input, &splits, nullptr, nullptr, &handle)),
             Catch::Contains("row_counts) is 4, but the first dimension is 3"));
  CHECK_THAT(text(hvd_alltoall_async("a", &input, &splits, nullptr, nullptr, &handle)),
             Catch::Contains("the sum of splits is 4"));
  CHECK_THAT(text(hvd_send(&input, 1, 0, nullptr)), Catch::Contains("destination rank 1"));
  CHECK_THAT(text(hvd_recv(&input, 0, 0, nullptr)), Catch::Contains("with itself"));
  CHECK_THAT(text(hvd_send(nullptr, 0, 0, nullptr)), Catch::Contains("tensor is NULL"));
  hvd_options_t options = options_of(HVD_LOGICAL_AND);
  options.root_rank = 1;
  CHECK_THAT(text(hvd_gather_async("a", &input, nullptr, &options, &handle)),
             Catch::Contains("root rank 1"));
  CHECK(hvd_allreduce("a", &input, &input, &options) == HVD_ERROR_UNSUPPORTED);
  CHECK_THAT(std::string(hvd_last_error()), Catch::Contains("logical and of float32"));
}

TEST_CASE("a caller that waits at once gets its result", "[hvd]") {
  const Job job;
  Vector x(3);
  const hvd_tensor_t tensor = x.tensor();
  hvd_options_t options = options_of(HVD_SUM);
  options.wait_at_once = 1;
  for (int i = 0; i < 100; ++i) {
    hvd_handle_t handle = 0;
    REQUIRE(hvd_allreduce_async("a", &tensor, &tensor, &options, &handle) == HVD_OK);
    REQUIRE(hvd_wait(handle, 10) == HVD_OK);
    REQUIRE(hvd_release(handle) == HVD_OK);
  }
}

}  // namespace
