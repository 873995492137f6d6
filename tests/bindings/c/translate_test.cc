#include "bindings/c/translate.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

const std::array<std::int64_t, 2> kShape = {2, 3};
std::array<float, 6> memory;

hvd_tensor_t good_tensor() { return {memory.data(), kShape.data(), 2, HVD_FLOAT32, HVD_CPU}; }

TEST_CASE("a good tensor keeps its memory, dtype and shape", "[translate]") {
  const hvd_tensor_t tensor = good_tensor();
  const Result<TensorRef> ref = tensor_from_c(&tensor, "f", "input");
  REQUIRE(ref.ok());
  CHECK(static_cast<void*>(ref->data) == memory.data());
  CHECK(ref->shape.text() == "[2 3]");
  CHECK(ref->byte_count() == 24);
}

TEST_CASE("a bad tensor is refused with the name of function and argument", "[translate]") {
  hvd_tensor_t tensor = good_tensor();
  SECTION("dtype") { tensor.dtype = 99; }
  SECTION("device") { tensor.device = 1; }
  SECTION("too many dimensions") { tensor.ndim = 9; }
  SECTION("negative dimension count") { tensor.ndim = -1; }
  SECTION("no shape") { tensor.shape = nullptr; }
  const Status status = tensor_from_c(&tensor, "hvd_f", "input").status();
  CHECK(status.message().find("hvd_f: input") == 0);
  CHECK_FALSE(tensor_from_c(nullptr, "hvd_f", "input").ok());
}

TEST_CASE("an output of another shape or dtype than its input's result is refused with both",
          "[translate]") {
  const hvd_tensor_t tensor = good_tensor();
  const Result<TensorRef> input = tensor_from_c(&tensor, "hvd_f", "input");
  REQUIRE(input.ok());
  const Result<std::byte*> same = output_from_c(&tensor, "hvd_f", "output", *input, input->shape);
  REQUIRE(same.ok());
  CHECK(static_cast<void*>(*same) == memory.data());
  hvd_tensor_t other = good_tensor();
  SECTION("shape") { other.ndim = 1; }
  SECTION("dtype") { other.dtype = HVD_INT32; }
  SECTION("none") { other.shape = nullptr; }
  const Status status = output_from_c(&other, "hvd_f", "outputs[3]", *input, input->shape).status();
  CHECK(status.message().find("hvd_f: outputs[3]") == 0);
}

TEST_CASE("rows go to an output that has some", "[translate]") {
  hvd_tensor_t tensor = good_tensor();
  CHECK(rows_output_from_c(&tensor, "hvd_f", "output").ok());
  tensor.ndim = 0;
  CHECK(rows_output_from_c(&tensor, "hvd_f", "output")
            .status()
            .message()
            .find("hvd_f: output is 0-dimensional") == 0);
}

TEST_CASE("options that are not given keep their defaults", "[translate]") {
  Request request;
  bool wait_at_once = true;
  REQUIRE(options_from_c(nullptr, "f", request, wait_at_once).ok());
  CHECK(request.prescale == 1.0);
  CHECK(request.deadline == 0);
  CHECK(request.op == ReduceOp::average);
  CHECK_FALSE(wait_at_once);
}

TEST_CASE("an older caller's shorter struct is understood", "[translate]") {
  hvd_options_t options{};
  options.struct_size = offsetof(hvd_options_t, prescale);
  options.op = HVD_MAX;
  options.prescale = 7;  // beyond struct_size: memory that the caller does not have
  Request request;
  bool wait_at_once = true;
  REQUIRE(options_from_c(&options, "f", request, wait_at_once).ok());
  CHECK(request.op == ReduceOp::max);
  CHECK(request.prescale == 1.0);
}

TEST_CASE("a newer caller's member that we do not know is refused unless it is zero",
          "[translate]") {
  struct Newer {
    hvd_options_t known;
    std::int64_t unknown;
  };
  Newer newer{};
  newer.known.struct_size = sizeof newer;
  Request request;
  bool wait_at_once = true;
  CHECK(options_from_c(&newer.known, "f", request, wait_at_once).ok());
  newer.unknown = 1;
  CHECK(options_from_c(&newer.known, "f", request, wait_at_once).code() == StatusCode::unsupported);
}

TEST_CASE("options out of range are refused", "[translate]") {
  hvd_options_t options{};
  options.struct_size = sizeof options;
  SECTION("op") { options.op = 17; }
  SECTION("deadline") { options.deadline_seconds = -1; }
  SECTION("struct size") { options.struct_size = 0; }
  Request request;
  bool wait_at_once = true;
  CHECK(options_from_c(&options, "f", request, wait_at_once).code() ==
        StatusCode::invalid_argument);
}

}  // namespace
}  // namespace hvd
