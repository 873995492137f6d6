#include "core/vocabulary/dtype.h"

#include <array>

namespace hvd {
namespace {

struct Row {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<Row, kDTypeCount> kRows = {{{"uint8", 1},
                                                 {"int8", 1},
                                                 {"uint16", 2},
                                                 {"int16", 2},
                                                 {"int32", 4},
                                                 {"int64", 8},
                                                 {"float16", 2},
                                                 {"float32", 4},
                                                 {"float64", 8},
                                                 {"bool", 1},
                                                 {"bfloat16", 2},
                                                 {"uint32", 4},
                                                 {"uint64", 8},
                                                 {"float8_e4m3", 1},
                                                 {"float8_e5m2", 1},
                                                 {"complex64", 8},
                                                 {"complex128", 16}}};

}  // namespace

std::size_t dtype_bytes(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].bytes; }

std::string_view dtype_name(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) {
      return static_cast<DType>(i);
    }
  }
  return std::nullopt;
}

}  // namespace hvd
