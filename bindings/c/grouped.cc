// The C API's functions that submit a group of tensors as one operation.
#include <stdio.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/c/call.h"
#include "bindings/c/hvd.h"
#include "bindings/c/last_error.h"
#include "bindings/c/process.h"
#include "bindings/c/runtime.h"
#include "bindings/c/translate.h"

namespace hvd {
namespace {

struct GroupCall {
  const char* function;
  CollectiveKind kind;
  const char* name;
  std::int32_t count;
  const hvd_tensor_t* inputs;
  const hvd_tensor_t* outputs;
  const hvd_options_t* options;
  bool blocks = false;
};

// "inputs[3]"
class ArgumentText {
 public:
  ArgumentText(const char* array, std::size_t index) {
    (void)snprintf(text_.data(), text_.size(), "%s[%zu]", array, index);
  }
  const char* get() const { return text_.data(); }

 private:
  std::array<char, 40> text_{};
};

Status check_arrays(const GroupCall& call) {
  const auto wrong = [&](const auto&... what) {
    return error(StatusCode::invalid_argument, call.function, ": ", what...);
  };
  if (call.count < 1 || static_cast<std::size_t>(call.count) > kGroupTensorsMax) {
    return wrong("count is ", call.count, "; a group has 1 to ", kGroupTensorsMax, " tensors");
  }
  if (call.inputs == nullptr) {
    return wrong("inputs is NULL");
  }
  if (call.outputs == nullptr && !makes_result(call.kind)) {
    return wrong("outputs is NULL");
  }
  if (call.outputs == nullptr && call.blocks) {
    return wrong("outputs is NULL; only ", call.function,
                 "_async gives results in memory of their own");
  }
  return ok_status();
}

Result<GroupTensor> tensor_at(const GroupCall& call, std::size_t index, const Runtime& runtime) {
  GroupTensor tensor;
  const ArgumentText input("inputs", index);
  HVD_ASSIGN(tensor.input, tensor_from_c(call.inputs + index, call.function, input.get()));
  if (call.outputs == nullptr) {
    return tensor;
  }
  const hvd_tensor_t* const given = call.outputs + index;
  const ArgumentText output("outputs", index);
  if (makes_result(call.kind)) {
    HVD_ASSIGN(const TensorRef ref, rows_output_from_c(given, call.function, output.get()));
    tensor.output = ref.data;
    tensor.output_shape = ref.shape;
    tensor.output_dtype = ref.dtype;
    return tensor;
  }
  Shape expected = tensor.input.shape;
  if (call.kind == CollectiveKind::reduce_scatter) {
    if (expected.dimension_count() == 0 || expected[0] < 0) {
      return tensor;  // has no rows: runtime.check_group says so
    }
    expected.set(0, even_share(expected[0], runtime.rank(), runtime.size()));
  }
  HVD_ASSIGN(tensor.output,
             output_from_c(given, call.function, output.get(), tensor.input, expected));
  return tensor;
}

struct AskedGroup {
  Request whole;
  std::vector<GroupTensor> tensors;
  bool wait_at_once = false;
};

Result<AskedGroup> ask(const GroupCall& call, Runtime& runtime) {
  HVD_TRY(check_arrays(call));
  AskedGroup asked;
  asked.whole.kind = call.kind;
  HVD_TRY(options_from_c(call.options, call.function, asked.whole, asked.wait_at_once));
  asked.tensors.reserve(static_cast<std::size_t>(call.count));
  for (std::size_t i = 0; i < static_cast<std::size_t>(call.count); ++i) {
    HVD_ASSIGN(const GroupTensor tensor, tensor_at(call, i, runtime));
    asked.tensors.push_back(tensor);
  }
  if (call.name != nullptr) {
    asked.whole.name = call.name;
    return asked;
  }
  // A call that is refused here must not use a number up: the other ranks' numbers go on.
  asked.whole.name = str(collective_name(call.kind), ".noname");
  HVD_TRY(runtime.check_group(*grouped_operation(asked.whole, asked.tensors)));
  runtime.name_unnamed(asked.whole);
  return asked;
}

Status submit_group_async(const GroupCall& call, hvd_handle_t* handle) {
  if (handle == nullptr) {
    return error(StatusCode::invalid_argument, call.function, ": handle is NULL");
  }
  HVD_ASSIGN(const std::shared_ptr<Runtime> runtime, current(), call.function);
  HVD_ASSIGN(AskedGroup asked, ask(call, *runtime));
  HVD_ASSIGN(const OperationPtr operation,
             runtime->submit_group(std::move(asked.whole), std::move(asked.tensors)));
  *handle = let_go(*runtime, *operation, asked.wait_at_once);
  return ok_status();
}

Status submit_group_blocking(GroupCall call) {
  call.blocks = true;
  HVD_ASSIGN(const std::shared_ptr<Runtime> runtime, current(), call.function);
  HVD_ASSIGN(AskedGroup asked, ask(call, *runtime));
  HVD_ASSIGN(const OperationPtr operation,
             runtime->submit_group(std::move(asked.whole), std::move(asked.tensors)));
  return see_through(*runtime, *operation);
}

}  // namespace
}  // namespace hvd

using hvd::CollectiveKind;

extern "C" {

hvd_status_t hvd_grouped_allreduce_async(const char* name, int32_t count,
                                         const hvd_tensor_t* inputs, const hvd_tensor_t* outputs,
                                         const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(
      hvd::submit_group_async({"hvd_grouped_allreduce_async", CollectiveKind::allreduce, name,
                               count, inputs, outputs, options},
                              handle));
}
hvd_status_t hvd_grouped_allreduce(const char* name, int32_t count, const hvd_tensor_t* inputs,
                                   const hvd_tensor_t* outputs, const hvd_options_t* options) {
  return hvd::report(hvd::submit_group_blocking(
      {"hvd_grouped_allreduce", CollectiveKind::allreduce, name, count, inputs, outputs, options}));
}
hvd_status_t hvd_grouped_allgather_async(const char* name, int32_t count,
                                         const hvd_tensor_t* inputs, const hvd_tensor_t* outputs,
                                         const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(
      hvd::submit_group_async({"hvd_grouped_allgather_async", CollectiveKind::allgather, name,
                               count, inputs, outputs, options},
                              handle));
}
hvd_status_t hvd_grouped_allgather(const char* name, int32_t count, const hvd_tensor_t* inputs,
                                   const hvd_tensor_t* outputs, const hvd_options_t* options) {
  return hvd::report(hvd::submit_group_blocking(
      {"hvd_grouped_allgather", CollectiveKind::allgather, name, count, inputs, outputs, options}));
}
hvd_status_t hvd_grouped_reduce_scatter_async(const char* name, int32_t count,
                                              const hvd_tensor_t* inputs,
                                              const hvd_tensor_t* outputs,
                                              const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(
      hvd::submit_group_async({"hvd_grouped_reduce_scatter_async", CollectiveKind::reduce_scatter,
                               name, count, inputs, outputs, options},
                              handle));
}
hvd_status_t hvd_grouped_reduce_scatter(const char* name, int32_t count, const hvd_tensor_t* inputs,
                                        const hvd_tensor_t* outputs, const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_group_blocking({"hvd_grouped_reduce_scatter", CollectiveKind::reduce_scatter,
                                  name, count, inputs, outputs, options}));
}

}  // extern "C"
