#include "core/vocabulary/dtype.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("every dtype has a size and a name that leads back to it", "[dtype]") {
  constexpr std::array<std::size_t, kDTypeCount> sizes = {1, 1, 2, 2, 4, 8, 2, 4, 8,
                                                          1, 2, 4, 8, 1, 1, 8, 16};
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    CHECK(valid_dtype(i));
    CHECK(dtype_bytes(dtype) == sizes[static_cast<std::size_t>(i)]);
    CHECK(dtype_from_name(dtype_name(dtype)) == dtype);
  }
  CHECK_FALSE(valid_dtype(-1));
  CHECK_FALSE(valid_dtype(kDTypeCount));
  CHECK_FALSE(dtype_from_name("float128").has_value());
  CHECK(dtype_from_name("bool") == DType::boolean);
}

TEST_CASE("six dtypes are floating, two are complex, none is both", "[dtype]") {
  int floating_count = 0;
  int complex_count = 0;
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    floating_count += is_floating(dtype);
    complex_count += is_complex(dtype);
    CHECK_FALSE((is_floating(dtype) && is_complex(dtype)));
  }
  CHECK(floating_count == 6);
  CHECK(complex_count == 2);
  CHECK(is_floating(DType::float8_e5m2));
  CHECK(is_floating(DType::bfloat16));
  CHECK_FALSE(is_floating(DType::int32));
}

}  // namespace
}  // namespace hvd
