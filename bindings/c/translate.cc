#include "bindings/c/translate.h"

#include <algorithm>

namespace hvd {

// hvd.h's numbers are cast to core's.
static_assert(HVD_BFLOAT16 == static_cast<int>(DType::bfloat16));
static_assert(HVD_UINT32 == static_cast<int>(DType::uint32));
static_assert(HVD_FLOAT8_E5M2 == static_cast<int>(DType::float8_e5m2));
static_assert(HVD_COMPLEX128 + 1 == kDTypeCount);
static_assert(HVD_PRODUCT == static_cast<int>(ReduceOp::product));
static_assert(HVD_BIT_AND == static_cast<int>(ReduceOp::bit_and));
static_assert(HVD_LOGICAL_XOR == static_cast<int>(ReduceOp::logical_xor));
static_assert(HVD_PREMULTIPLIED_SUM + 1 == kReduceOpCount);

Result<TensorRef> tensor_from_c(const hvd_tensor_t* tensor, const char* function,
                                const char* argument) {
  const auto wrong = [&](const auto&... what) {
    return error(StatusCode::invalid_argument, function, ": ", argument, " ", what...);
  };
  if (tensor == nullptr) {
    return wrong("is NULL");
  }
  if (!valid_dtype(tensor->dtype)) {
    return wrong("has dtype ", tensor->dtype, ", which is not one of hvd_dtype_t (0 to ",
                 kDTypeCount - 1, ")");
  }
  if (tensor->device != HVD_CPU) {
    return error(StatusCode::unsupported, function, ": ", argument, " is on device ",
                 tensor->device, "; this version handles host memory (HVD_CPU) only");
  }
  if (tensor->ndim < 0 || tensor->ndim > kDimensionCountMax) {
    return wrong("has ", tensor->ndim, " dimensions; 0 to ", kDimensionCountMax, " are allowed");
  }
  if (tensor->ndim > 0 && tensor->shape == nullptr) {
    return wrong("has ", tensor->ndim, " dimensions and no shape: the pointer is NULL");
  }
  TensorRef ref;
  ref.data = static_cast<std::byte*>(tensor->data);
  ref.dtype = static_cast<DType>(tensor->dtype);
  ref.shape = Shape({tensor->shape, static_cast<std::size_t>(tensor->ndim)});
  return ref;
}

Result<std::byte*> output_from_c(const hvd_tensor_t* output, const char* function,
                                 const char* argument, const TensorRef& input,
                                 const Shape& expected) {
  HVD_ASSIGN(const TensorRef given, tensor_from_c(output, function, argument));
  if (!(given.shape == expected) || given.dtype != input.dtype) {
    return error(StatusCode::invalid_argument, function, ": ", argument, " is ",
                 dtype_name(given.dtype), " ", given.shape.text(), " but must be ",
                 dtype_name(input.dtype), " ", expected.text(), ", for its input is ",
                 dtype_name(input.dtype), " ", input.shape.text());
  }
  return given.data;
}

Result<TensorRef> rows_output_from_c(const hvd_tensor_t* output, const char* function,
                                     const char* argument) {
  HVD_ASSIGN(TensorRef given, tensor_from_c(output, function, argument));
  if (given.shape.dimension_count() == 0) {
    return error(StatusCode::invalid_argument, function, ": ", argument,
                 " is 0-dimensional and has no rows. reshape it to one element");
  }
  return given;
}

Status copy_sized(const void* theirs, std::size_t their_size, void* ours, std::size_t our_size,
                  const char* what) {
  if (their_size < sizeof(std::size_t)) {
    return error(StatusCode::invalid_argument, what, ": struct_size is ", their_size,
                 "; set it to sizeof the struct");
  }
  const auto* bytes = static_cast<const unsigned char*>(theirs);
  if (their_size > our_size &&
      std::any_of(bytes + our_size, bytes + their_size, [](unsigned char b) { return b != 0; })) {
    return error(StatusCode::unsupported, what, ": struct_size is ", their_size,
                 " and members that this version of hvd does not know are set; it knows ", our_size,
                 " bytes. the program was built for a newer hvd");
  }
  std::memset(ours, 0, our_size);
  std::memcpy(ours, theirs, std::min(their_size, our_size));
  return ok_status();
}

Status options_from_c(const hvd_options_t* options, const char* function, Request& request,
                      bool& wait_at_once) {
  hvd_options_t known{};
  if (options != nullptr) {
    HVD_TRY(copy_sized(options, options->struct_size, &known, sizeof known, "hvd_options_t"),
            function);
  }
  if (!valid_reduce_op(known.op)) {
    return error(StatusCode::invalid_argument, function, ": op ", known.op,
                 " is not one of hvd_op_t");
  }
  if (!(known.deadline_seconds >= 0 && known.deadline_seconds <= 1e9)) {
    return error(StatusCode::invalid_argument, function, ": deadline_seconds is ",
                 known.deadline_seconds, "; 0 to 1e9 are allowed");
  }
  request.op = static_cast<ReduceOp>(known.op);
  request.root = Rank(known.root_rank);
  request.prescale = known.prescale == 0 ? 1.0 : known.prescale;
  request.postscale = known.postscale == 0 ? 1.0 : known.postscale;
  request.deadline = nanos_from_seconds(known.deadline_seconds);
  wait_at_once = known.wait_at_once != 0;
  return ok_status();
}

}  // namespace hvd
