// The C API's functions that submit an operation.
#include "bindings/c/call.h"
#include "bindings/c/hvd.h"
#include "bindings/c/last_error.h"

using hvd::CollectiveKind;

extern "C" {

hvd_status_t hvd_allreduce_async(const char* name, const hvd_tensor_t* input,
                                 const hvd_tensor_t* output, const hvd_options_t* options,
                                 hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_allreduce_async", CollectiveKind::allreduce, name, input, output, options}, handle));
}
hvd_status_t hvd_allreduce(const char* name, const hvd_tensor_t* input, const hvd_tensor_t* output,
                           const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_allreduce", CollectiveKind::allreduce, name, input, output, options}));
}
hvd_status_t hvd_allgather_async(const char* name, const hvd_tensor_t* input,
                                 const hvd_tensor_t* output, const hvd_options_t* options,
                                 hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_allgather_async", CollectiveKind::allgather, name, input, output, options}, handle));
}
hvd_status_t hvd_allgather(const char* name, const hvd_tensor_t* input, const hvd_tensor_t* output,
                           const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_allgather", CollectiveKind::allgather, name, input, output, options}));
}
hvd_status_t hvd_broadcast_async(const char* name, const hvd_tensor_t* tensor,
                                 const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_broadcast_async", CollectiveKind::broadcast, name, tensor, nullptr, options}, handle));
}
hvd_status_t hvd_broadcast(const char* name, const hvd_tensor_t* tensor,
                           const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_broadcast", CollectiveKind::broadcast, name, tensor, nullptr, options}));
}
hvd_status_t hvd_barrier_async(const char* name, const hvd_options_t* options,
                               hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_barrier_async", CollectiveKind::barrier, name, nullptr, nullptr, options}, handle));
}
hvd_status_t hvd_barrier(const char* name, const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_barrier", CollectiveKind::barrier, name, nullptr, nullptr, options}));
}

hvd_status_t hvd_reduce_async(const char* name, const hvd_tensor_t* input,
                              const hvd_tensor_t* output, const hvd_options_t* options,
                              hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_reduce_async", CollectiveKind::reduce, name, input, output, options}, handle));
}
hvd_status_t hvd_reduce(const char* name, const hvd_tensor_t* input, const hvd_tensor_t* output,
                        const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_reduce", CollectiveKind::reduce, name, input, output, options}));
}
hvd_status_t hvd_reduce_scatter_async(const char* name, const hvd_tensor_t* input,
                                      const int64_t* row_counts, const hvd_tensor_t* output,
                                      const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async({"hvd_reduce_scatter_async", CollectiveKind::reduce_scatter,
                                        name, input, output, options, row_counts},
                                       handle));
}
hvd_status_t hvd_reduce_scatter(const char* name, const hvd_tensor_t* input,
                                const int64_t* row_counts, const hvd_tensor_t* output,
                                const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking({"hvd_reduce_scatter", CollectiveKind::reduce_scatter,
                                           name, input, output, options, row_counts}));
}
hvd_status_t hvd_alltoall_async(const char* name, const hvd_tensor_t* input, const int64_t* splits,
                                const hvd_tensor_t* output, const hvd_options_t* options,
                                hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_alltoall_async", CollectiveKind::alltoall, name, input, output, options, splits},
      handle));
}
hvd_status_t hvd_alltoall(const char* name, const hvd_tensor_t* input, const int64_t* splits,
                          const hvd_tensor_t* output, const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_alltoall", CollectiveKind::alltoall, name, input, output, options, splits}));
}
hvd_status_t hvd_gather_async(const char* name, const hvd_tensor_t* input,
                              const hvd_tensor_t* output, const hvd_options_t* options,
                              hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_gather_async", CollectiveKind::gather, name, input, output, options}, handle));
}
hvd_status_t hvd_gather(const char* name, const hvd_tensor_t* input, const hvd_tensor_t* output,
                        const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_gather", CollectiveKind::gather, name, input, output, options}));
}
hvd_status_t hvd_scatter_async(const char* name, const hvd_tensor_t* input,
                               const int64_t* row_counts, const hvd_tensor_t* output,
                               const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async(
      {"hvd_scatter_async", CollectiveKind::scatter, name, input, output, options, row_counts},
      handle));
}
hvd_status_t hvd_scatter(const char* name, const hvd_tensor_t* input, const int64_t* row_counts,
                         const hvd_tensor_t* output, const hvd_options_t* options) {
  return hvd::report(hvd::submit_blocking(
      {"hvd_scatter", CollectiveKind::scatter, name, input, output, options, row_counts}));
}

hvd_status_t hvd_send_async(const hvd_tensor_t* tensor, int32_t destination_rank, int32_t tag,
                            const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(
      hvd::submit_async({"hvd_send_async", CollectiveKind::send, nullptr, tensor, nullptr, options,
                         nullptr, hvd::Rank(destination_rank), tag},
                        handle));
}
hvd_status_t hvd_send(const hvd_tensor_t* tensor, int32_t destination_rank, int32_t tag,
                      const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_send", CollectiveKind::send, nullptr, tensor, nullptr, options,
                            nullptr, hvd::Rank(destination_rank), tag}));
}
hvd_status_t hvd_recv_async(const hvd_tensor_t* tensor, int32_t source_rank, int32_t tag,
                            const hvd_options_t* options, hvd_handle_t* handle) {
  return hvd::report(hvd::submit_async({"hvd_recv_async", CollectiveKind::recv, nullptr, tensor,
                                        nullptr, options, nullptr, hvd::Rank(source_rank), tag},
                                       handle));
}
hvd_status_t hvd_recv(const hvd_tensor_t* tensor, int32_t source_rank, int32_t tag,
                      const hvd_options_t* options) {
  return hvd::report(
      hvd::submit_blocking({"hvd_recv", CollectiveKind::recv, nullptr, tensor, nullptr, options,
                            nullptr, hvd::Rank(source_rank), tag}));
}

}  // extern "C"
