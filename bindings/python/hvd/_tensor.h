// bindings/python/hvd/_tensor.h: tensors as libhvd wants them, of buffers and of addresses.
// Not here: who keeps their memory alive (_borrowed.h). Threads: with the GIL held.
// Limits: 8 dimensions, host memory. Read next: _core.cc.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "bindings/c/hvd.h"

namespace hvd_core {

namespace py = pybind11;

inline constexpr int kDimensionCountMax = 8;

struct Tensor {
  std::array<int64_t, kDimensionCountMax> shape{};
  hvd_tensor_t c{};
};

inline void check_dimension_count(py::ssize_t count) {
  if (count <= kDimensionCountMax) {
    return;
  }
  throw py::value_error("a tensor of " + std::to_string(count) + " dimensions is not supported; " +
                        "at most " + std::to_string(kDimensionCountMax) + " are");
}

// `tensor` must not move afterwards.
inline void describe(Tensor& tensor, uintptr_t address, int dtype, const py::tuple& shape) {
  check_dimension_count(static_cast<py::ssize_t>(shape.size()));
  for (size_t i = 0; i < shape.size(); ++i) {
    tensor.shape[i] = shape[i].cast<int64_t>();
  }
  tensor.c = {reinterpret_cast<void*>(address), tensor.shape.data(),
              static_cast<int32_t>(shape.size()), dtype, HVD_CPU};
}

// Format characters of the struct module, native byte order; -1 if hvd has no such dtype.
inline int dtype_of(const Py_buffer& view) {
  const char* format = view.format == nullptr ? "B" : view.format;
  if (*format == '@' || *format == '=' || *format == '<') {
    ++format;
  }
  if (std::strcmp(format, "Zf") == 0) {
    return HVD_COMPLEX64;
  }
  if (std::strcmp(format, "Zd") == 0) {
    return HVD_COMPLEX128;
  }
  if (format[0] == '\0' || format[1] != '\0') {
    return -1;
  }
  switch (*format) {
    case '?':
      return HVD_BOOL;
    case 'B':
      return HVD_UINT8;
    case 'b':
      return HVD_INT8;
    case 'H':
      return HVD_UINT16;
    case 'h':
      return HVD_INT16;
    case 'i':
    case 'l':
    case 'q':
      return view.itemsize == 8 ? HVD_INT64 : HVD_INT32;
    case 'I':
    case 'L':
    case 'Q':
      return view.itemsize == 8 ? HVD_UINT64 : HVD_UINT32;
    case 'e':
      return HVD_FLOAT16;
    case 'f':
      return HVD_FLOAT32;
    case 'd':
      return HVD_FLOAT64;
    default:
      return -1;
  }
}

inline void describe(Tensor& tensor, py::handle object, const Py_buffer& view) {
  check_dimension_count(view.ndim);
  const int dtype = dtype_of(view);
  if (dtype < 0) {
    const py::object name = py::getattr(object, "dtype", py::str(view.format));
    throw py::value_error("Tensor type " + std::string(py::str(name)) + " is not supported");
  }
  for (int i = 0; i < view.ndim; ++i) {
    tensor.shape[static_cast<size_t>(i)] = view.shape[i];
  }
  tensor.c = {view.buf, tensor.shape.data(), view.ndim, dtype, HVD_CPU};
}

}  // namespace hvd_core
