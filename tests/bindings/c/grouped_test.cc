// Groups through the C API with one rank; several ranks are in tests/multiproc.
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "bindings/c/hvd.h"
#include "tests/catch.h"

namespace {

struct Job {
  Job() { REQUIRE(hvd_init(nullptr) == HVD_OK); }
  ~Job() { hvd_shutdown(); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
};

// Tensors of `rows` rows of two elements each, filled with 1, 2, 3, ...
struct Tensors {
  explicit Tensors(const std::vector<int64_t>& row_counts, float factor = 1) {
    for (const int64_t rows : row_counts) {
      values.emplace_back(static_cast<std::size_t>(2 * rows),
                          factor * static_cast<float>(values.size() + 1));
      shapes.push_back({rows, 2});
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      list.push_back({values[i].data(), shapes[i].data(), 2, HVD_FLOAT32, HVD_CPU});
    }
  }
  std::vector<std::vector<float>> values;
  std::vector<std::array<int64_t, 2>> shapes;
  std::vector<hvd_tensor_t> list;
};

hvd_options_t sum_of() {
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = HVD_SUM;
  return options;
}

std::string text_of(hvd_status_t status, hvd_status_t wanted = HVD_ERROR_INVALID_ARGUMENT) {
  CHECK(status == wanted);
  return hvd_last_error();
}

TEST_CASE("a group of one rank gives what it put in", "[grouped]") {
  const Job job;
  const Tensors in({3, 0, 2});
  Tensors out({3, 0, 2}, 0);
  const hvd_options_t options = sum_of();
  SECTION("allreduce") {
    REQUIRE(hvd_grouped_allreduce("g", 3, in.list.data(), out.list.data(), &options) == HVD_OK);
  }
  SECTION("allgather") {
    REQUIRE(hvd_grouped_allgather("g", 3, in.list.data(), out.list.data(), nullptr) == HVD_OK);
  }
  SECTION("reduce-scatter") {
    REQUIRE(hvd_grouped_reduce_scatter("g", 3, in.list.data(), out.list.data(), &options) ==
            HVD_OK);
  }
  CHECK(out.values == in.values);
}

TEST_CASE("options hold for every tensor of a group, also in place", "[grouped]") {
  const Job job;
  const Tensors x({1, 2});
  hvd_options_t options = sum_of();
  options.prescale = 3;
  REQUIRE(hvd_grouped_allreduce(nullptr, 2, x.list.data(), x.list.data(), &options) == HVD_OK);
  CHECK(x.values[0] == std::vector<float>(2, 3));
  CHECK(x.values[1] == std::vector<float>(4, 6));
}

TEST_CASE("a group is one operation with one handle and one name", "[grouped]") {
  const Job job;
  const Tensors in({1, 2});
  const Tensors out({1, 2}, 0);
  const hvd_options_t options = sum_of();
  hvd_handle_t handle = 0;
  REQUIRE(hvd_grouped_allreduce_async("g", 2, in.list.data(), out.list.data(), &options, &handle) ==
          HVD_OK);
  REQUIRE(hvd_wait(handle, 10) == HVD_OK);
  int done = 0;
  CHECK(hvd_poll(handle, &done) == HVD_OK);
  CHECK(done == 1);
  CHECK(hvd_release(handle) == HVD_OK);
  CHECK(hvd_wait(handle, 0) == HVD_ERROR_NOT_FOUND);
  CHECK(out.values == in.values);
}

struct Result {
  void* data = nullptr;
  const int64_t* shape = nullptr;
  int32_t ndim = 0;
};

hvd_status_t get(hvd_handle_t handle, int32_t index, Result& result) {
  return hvd_grouped_result(handle, index, &result.data, &result.shape, &result.ndim);
}

TEST_CASE("results that the runtime makes are read tensor by tensor", "[grouped]") {
  const Job job;
  const Tensors in({3, 1});
  hvd_handle_t handle = 0;
  REQUIRE(hvd_grouped_allgather_async("g", 2, in.list.data(), nullptr, nullptr, &handle) == HVD_OK);
  REQUIRE(hvd_wait(handle, 10) == HVD_OK);
  Result result;
  for (int32_t i = 0; i < 2; ++i) {
    const auto index = static_cast<std::size_t>(i);
    REQUIRE(get(handle, i, result) == HVD_OK);
    REQUIRE(result.ndim == 2);
    CHECK(result.shape[0] == in.shapes[index][0]);
    const std::vector<float>& wanted = in.values[index];
    CHECK(std::memcmp(result.data, wanted.data(), wanted.size() * sizeof(float)) == 0);
  }
  CHECK_THAT(text_of(get(handle, 2, result)),
             Catch::Contains("index is 2") && Catch::Contains("'g' has tensors 0 to 1"));
  CHECK_THAT(text_of(get(handle, -1, result)), Catch::Contains("index is -1"));
  CHECK_THAT(text_of(hvd_grouped_result(handle, 0, nullptr, nullptr, nullptr)),
             Catch::Contains("is NULL"));
  CHECK_THAT(text_of(hvd_result(handle, &result.data, &result.shape, &result.ndim)),
             Catch::Contains("hvd_grouped_result"));
  CHECK(hvd_release(handle) == HVD_OK);
}

TEST_CASE("only groups have grouped results, and only of allgathers", "[grouped]") {
  const Job job;
  const Tensors x({2, 2});
  const hvd_options_t options = sum_of();
  hvd_handle_t handle = 0;
  Result result;
  REQUIRE(hvd_allgather_async("a", &x.list[0], nullptr, nullptr, &handle) == HVD_OK);
  REQUIRE(hvd_wait(handle, 10) == HVD_OK);
  CHECK_THAT(text_of(get(handle, 0, result)), Catch::Contains("is no group; use hvd_result"));
  REQUIRE(hvd_grouped_allreduce_async("b", 2, x.list.data(), x.list.data(), &options, &handle) ==
          HVD_OK);
  REQUIRE(hvd_wait(handle, 10) == HVD_OK);
  CHECK_THAT(text_of(get(handle, 1, result)),
             Catch::Contains("'b_2of2' writes to the caller's memory"));
}

TEST_CASE("an output of other rows than come fails the group and leaves its results readable",
          "[grouped]") {
  const Job job;
  const Tensors in({2, 3});
  const Tensors out({2, 1}, 0);
  hvd_handle_t handle = 0;
  REQUIRE(hvd_grouped_allgather_async("g", 2, in.list.data(), out.list.data(), nullptr, &handle) ==
          HVD_OK);
  CHECK_THAT(text_of(hvd_wait(handle, 10), HVD_ERROR_MISMATCH),
             Catch::Contains("'g_2of2': output is float32 [1 2], but what came is float32 [3 2]") &&
                 Catch::Contains("give an output of what comes"));
  CHECK(std::string(hvd_last_error_tensor()) == "g_2of2");
  CHECK(out.values[0] == in.values[0]);
  CHECK(out.values[1] == std::vector<float>(2, 0));
  Result result;
  REQUIRE(get(handle, 1, result) == HVD_OK);
  CHECK(result.shape[0] == 3);
  CHECK(static_cast<const float*>(result.data)[5] == 2);
  REQUIRE(get(handle, 0, result) == HVD_OK);
  CHECK(result.data == out.values[0].data());
}

TEST_CASE("a mistake is told at the call with its argument and place", "[grouped]") {
  const Job job;
  Tensors in({2, 2, 2});
  Tensors out({2, 2, 2}, 0);
  const hvd_options_t options = sum_of();
  hvd_handle_t handle = 0;
  const auto refused = [&](int32_t count = 3) {
    return text_of(hvd_grouped_allreduce("g", count, in.list.data(), out.list.data(), &options));
  };
  CHECK_THAT(refused(0), Catch::Contains("count is 0; a group has 1 to 65536 tensors"));
  CHECK_THAT(refused(-1), Catch::Contains("count is -1"));
  CHECK_THAT(refused(65537), Catch::Contains("count is 65537"));
  CHECK_THAT(text_of(hvd_grouped_allreduce("g", 1, nullptr, out.list.data(), &options)),
             Catch::Contains("inputs is NULL"));
  CHECK_THAT(text_of(hvd_grouped_allreduce("g", 1, in.list.data(), nullptr, &options)),
             Catch::Contains("outputs is NULL"));
  CHECK_THAT(text_of(hvd_grouped_allgather("g", 1, in.list.data(), nullptr, nullptr)),
             Catch::Contains("hvd_grouped_allgather_async"));
  CHECK_THAT(text_of(hvd_grouped_allreduce_async("g", 3, in.list.data(), out.list.data(), &options,
                                                 nullptr)),
             Catch::Contains("handle is NULL"));
  in.list[1].dtype = 99;
  CHECK_THAT(refused(), Catch::Contains("inputs[1] has dtype 99"));
  in.list[1].dtype = HVD_INT32;
  CHECK_THAT(refused(), Catch::Contains("outputs[1] is float32 [2 2] but must be int32 [2 2]"));
  in.list[1].dtype = HVD_FLOAT32;
  out.list[2].ndim = 1;
  CHECK_THAT(refused(), Catch::Contains("outputs[2] is float32 [2] but must be float32 [2 2]"));
  out.list[2].ndim = 2;
  out.list[2].data = nullptr;
  CHECK_THAT(refused(), Catch::Contains("'g_3of3'"));
  out.list[2].data = out.list[0].data;
  CHECK_THAT(refused(), Catch::Contains("tensors 1 and 3 of 3 share memory that is written"));
  in.list[0].ndim = 0;
  CHECK_THAT(text_of(hvd_grouped_reduce_scatter("g", 3, in.list.data(), out.list.data(), &options)),
             Catch::Contains("'g_1of3'") && Catch::Contains("0-dimensional"));
  CHECK(handle == 0);
}

TEST_CASE("a refused unnamed group uses no number up", "[grouped]") {
  const Job job;
  Tensors x({2, 2});
  hvd_handle_t handle = 0;
  x.list[1].data = nullptr;
  CHECK_THAT(
      text_of(hvd_grouped_allgather_async(nullptr, 2, x.list.data(), nullptr, nullptr, &handle)),
      Catch::Contains("'allgather.noname_2of2'"));
  x.list[1].data = x.values[1].data();
  REQUIRE(hvd_grouped_allgather_async(nullptr, 2, x.list.data(), nullptr, nullptr, &handle) ==
          HVD_OK);
  REQUIRE(hvd_wait(handle, 10) == HVD_OK);
  Result result;
  CHECK_THAT(text_of(hvd_result(handle, &result.data, &result.shape, &result.ndim)),
             Catch::Contains("'allgather.noname.0'"));
}

TEST_CASE("before hvd_init a group says how to start", "[grouped]") {
  const Tensors x({1});
  CHECK_THAT(text_of(hvd_grouped_allreduce("g", 1, x.list.data(), x.list.data(), nullptr),
                     HVD_ERROR_PRECONDITION),
             Catch::Contains("hvd_init"));
}

}  // namespace
