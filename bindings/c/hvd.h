/* hvd.h: the C API of hvd, version 0: collective communication by name.
 *
 * Ranks are processes. Each calls hvd_init once, then submits operations on named tensors from any
 * thread, in any order; an operation runs as soon as every rank has submitted its name. Results are
 * bitwise equal on all ranks.
 *
 * Every function may be called from any thread. Functions that can fail return hvd_status_t; the
 * text of the calling thread's last failure is hvd_last_error(). Sizes are in elements unless the
 * name says bytes, times are in seconds.
 *
 * Memory that is passed in is borrowed until the operation's handle is done: it must neither move
 * nor be written meanwhile. After fork() the child must not use hvd: every call there fails with
 * HVD_ERROR_PRECONDITION. exec() is harmless. */
#ifndef HVD_H
#define HVD_H

#include <stddef.h>
#include <stdint.h>

#include "hvd_types.h" /* status codes, dtypes, reductions, tensors, options */

#if defined(__GNUC__)
#define HVD_API __attribute__((visibility("default")))
#else
#define HVD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HVD_VERSION_MAJOR 0
#define HVD_VERSION_MINOR 1
#define HVD_VERSION_PATCH 0

/* ---- life ---------------------------------------------------------------------------------- */

/* Joins the job; blocks until all ranks have come (HVD_START_TIMEOUT_SECONDS, 30). options may be
 * NULL. A second call without hvd_shutdown does nothing and returns HVD_OK. */
HVD_API hvd_status_t hvd_init(const hvd_init_options_t* options);
/* Fails what is pending, says goodbye, frees everything. Does not wait for other ranks. hvd_init
 * may follow. Also registered with atexit by hvd_init. */
HVD_API hvd_status_t hvd_shutdown(void);
HVD_API int hvd_is_initialized(void);

/* -1 before hvd_init. */
HVD_API int hvd_rank(void);
HVD_API int hvd_size(void);
HVD_API int hvd_local_rank(void); /* among the ranks of this host */
HVD_API int hvd_local_size(void);
HVD_API int hvd_cross_rank(void); /* among the ranks with this local rank, one per host */
HVD_API int hvd_cross_size(void);

/* "0.1.0" */
HVD_API const char* hvd_version(void);

/* ---- operations ---------------------------------------------------------------------------- */
/* The _async forms return at once; *handle is written only on HVD_OK. name must not be pending on
 * this rank (HVD_ERROR_INVALID_ARGUMENT; the first operation stays valid). name NULL: a name made
 * of the operation and a per-process counter that hvd_shutdown resets, so that unnamed operations
 * match by the order of their calls. The blocking forms wait and release the handle. */

/* output has input's shape and dtype; output->data equals input->data, or the two do not overlap.
 */
HVD_API hvd_status_t hvd_allreduce_async(const char* name, const hvd_tensor_t* input,
                                         const hvd_tensor_t* output, const hvd_options_t* options,
                                         hvd_handle_t* handle);
HVD_API hvd_status_t hvd_allreduce(const char* name, const hvd_tensor_t* input,
                                   const hvd_tensor_t* output, const hvd_options_t* options);
/* Concatenates along the first dimension, which may differ between ranks. ndim >= 1.
 *
 * The output of hvd_allgather, hvd_alltoall, hvd_gather and hvd_scatter may be NULL in the _async
 * forms: the result then comes in memory of the runtime, which goes with the handle and is used
 * again. Else it is written to output, whose dtype and shape are the result's, and which does not
 * overlap input; but the input of an allgather may lie in output where its rows are to be.
 * hvd_result gives either. Where a first dimension that other ranks decide makes output the wrong
 * one, the operation ends on this rank with HVD_ERROR_MISMATCH, output is as it was, hvd_result
 * gives what came, and the other ranks have their results. */
HVD_API hvd_status_t hvd_allgather_async(const char* name, const hvd_tensor_t* input,
                                         const hvd_tensor_t* output, const hvd_options_t* options,
                                         hvd_handle_t* handle);
HVD_API hvd_status_t hvd_allgather(const char* name, const hvd_tensor_t* input,
                                   const hvd_tensor_t* output, const hvd_options_t* options);
/* In place: the root's tensor is read, the others' are written. */
HVD_API hvd_status_t hvd_broadcast_async(const char* name, const hvd_tensor_t* tensor,
                                         const hvd_options_t* options, hvd_handle_t* handle);
HVD_API hvd_status_t hvd_broadcast(const char* name, const hvd_tensor_t* tensor,
                                   const hvd_options_t* options);
/* As hvd_allreduce, but only root_rank gets the result; on the others output may be NULL and is not
 * looked at. */
HVD_API hvd_status_t hvd_reduce_async(const char* name, const hvd_tensor_t* input,
                                      const hvd_tensor_t* output, const hvd_options_t* options,
                                      hvd_handle_t* handle);
HVD_API hvd_status_t hvd_reduce(const char* name, const hvd_tensor_t* input,
                                const hvd_tensor_t* output, const hvd_options_t* options);
/* Reduces, and each rank keeps its rows of the first dimension. row_counts: hvd_size() numbers, the
 * rows of each rank, equal on all ranks, whose sum is the first dimension; NULL: even parts, of
 * which the first ranks have one row more where the division leaves some. output has input's dtype
 * and shape but for the first dimension, which is this rank's rows, and does not overlap input. */
HVD_API hvd_status_t hvd_reduce_scatter_async(const char* name, const hvd_tensor_t* input,
                                              const int64_t* row_counts, const hvd_tensor_t* output,
                                              const hvd_options_t* options, hvd_handle_t* handle);
HVD_API hvd_status_t hvd_reduce_scatter(const char* name, const hvd_tensor_t* input,
                                        const int64_t* row_counts, const hvd_tensor_t* output,
                                        const hvd_options_t* options);
/* Sends splits[r] rows of the first dimension to each rank r, in rank order; rows behind the last
 * stay here. splits: hvd_size() numbers; NULL: even parts, into which the first dimension must
 * divide. Ranks may differ in their first dimension and splits. What came is in rank order; output
 * as in hvd_allgather. How many rows came from whom is read with hvd_received_splits. */
HVD_API hvd_status_t hvd_alltoall_async(const char* name, const hvd_tensor_t* input,
                                        const int64_t* splits, const hvd_tensor_t* output,
                                        const hvd_options_t* options, hvd_handle_t* handle);
HVD_API hvd_status_t hvd_alltoall(const char* name, const hvd_tensor_t* input,
                                  const int64_t* splits, const hvd_tensor_t* output,
                                  const hvd_options_t* options);
/* As hvd_allgather, but only root_rank has the result; on the others output is not looked at, and
 * hvd_result gives a tensor without rows. */
HVD_API hvd_status_t hvd_gather_async(const char* name, const hvd_tensor_t* input,
                                      const hvd_tensor_t* output, const hvd_options_t* options,
                                      hvd_handle_t* handle);
HVD_API hvd_status_t hvd_gather(const char* name, const hvd_tensor_t* input,
                                const hvd_tensor_t* output, const hvd_options_t* options);
/* Deals root_rank's rows out. Only root_rank's input and row_counts (as in hvd_reduce_scatter) are
 * looked at; on the others both may be NULL. output as in hvd_allgather; without one the dtype is
 * read with hvd_result_dtype. */
HVD_API hvd_status_t hvd_scatter_async(const char* name, const hvd_tensor_t* input,
                                       const int64_t* row_counts, const hvd_tensor_t* output,
                                       const hvd_options_t* options, hvd_handle_t* handle);
HVD_API hvd_status_t hvd_scatter(const char* name, const hvd_tensor_t* input,
                                 const int64_t* row_counts, const hvd_tensor_t* output,
                                 const hvd_options_t* options);
HVD_API hvd_status_t hvd_barrier_async(const char* name, const hvd_options_t* options,
                                       hvd_handle_t* handle);
HVD_API hvd_status_t hvd_barrier(const char* name, const hvd_options_t* options);

/* One rank to another. They match by the two ranks and the tag, any number, in the order of their
 * calls; both tensors have one dtype and shape, else both ranks get HVD_ERROR_MISMATCH. Rank 0
 * agrees to each message, so that one to nobody is warned about and gives up as other operations
 * do; that costs a way to rank 0 and back, and fails once rank 0 has shut down. Two ranks and a tag
 * that were used once take some 100 bytes until hvd_shutdown. */
HVD_API hvd_status_t hvd_send_async(const hvd_tensor_t* tensor, int32_t destination_rank,
                                    int32_t tag, const hvd_options_t* options,
                                    hvd_handle_t* handle);
HVD_API hvd_status_t hvd_send(const hvd_tensor_t* tensor, int32_t destination_rank, int32_t tag,
                              const hvd_options_t* options);
HVD_API hvd_status_t hvd_recv_async(const hvd_tensor_t* tensor, int32_t source_rank, int32_t tag,
                                    const hvd_options_t* options, hvd_handle_t* handle);
HVD_API hvd_status_t hvd_recv(const hvd_tensor_t* tensor, int32_t source_rank, int32_t tag,
                              const hvd_options_t* options);

/* ---- groups: many tensors as one operation -------------------------------------------------- */
/* A group has one name, which is pending as a whole, and is all or nothing: it starts once every
 * rank has submitted all of it, and is done when all its tensors are; where one cannot be, none is,
 * and the error's text says which: "x_2of3" is the second of group "x", as is "tensor 2 of 3".
 * Errors that ranks find together (HVD_ERROR_MISMATCH, HVD_ERROR_DEADLINE, HVD_ERROR_PEER_ENDED)
 * leave all outputs as they were, and later operations work.
 *
 * inputs and outputs: arrays of `count` tensors (1 to 65,536), read during the call only; a mistake
 * in one is told with its place, "inputs[1]". All ranks give equally many, in one order; the i-th
 * has one dtype on all ranks and a shape as the operation without "grouped" wants it. Dtypes may
 * differ within a group; options hold for all of it. Memory that one tensor writes is no other's.
 * An allreduce fuses those of one dtype, beyond HVD_FUSION_BYTES_MAX, and with no other operation.
 * Unnamed groups are counted together with the unnamed operations of their kind. */
HVD_API hvd_status_t hvd_grouped_allreduce_async(const char* name, int32_t count,
                                                 const hvd_tensor_t* inputs,
                                                 const hvd_tensor_t* outputs,
                                                 const hvd_options_t* options,
                                                 hvd_handle_t* handle);
HVD_API hvd_status_t hvd_grouped_allreduce(const char* name, int32_t count,
                                           const hvd_tensor_t* inputs, const hvd_tensor_t* outputs,
                                           const hvd_options_t* options);
/* outputs NULL, _async only: the results come in memory of the runtime; hvd_grouped_result gives
 * them. If an output turns out to be the wrong one (see hvd_allgather), the group ends on this rank
 * with HVD_ERROR_MISMATCH once all results are there, and hvd_grouped_result gives what came. */
HVD_API hvd_status_t hvd_grouped_allgather_async(const char* name, int32_t count,
                                                 const hvd_tensor_t* inputs,
                                                 const hvd_tensor_t* outputs,
                                                 const hvd_options_t* options,
                                                 hvd_handle_t* handle);
HVD_API hvd_status_t hvd_grouped_allgather(const char* name, int32_t count,
                                           const hvd_tensor_t* inputs, const hvd_tensor_t* outputs,
                                           const hvd_options_t* options);
/* Rows are dealt out evenly: the first ranks have one more where the division leaves some. */
HVD_API hvd_status_t hvd_grouped_reduce_scatter_async(const char* name, int32_t count,
                                                      const hvd_tensor_t* inputs,
                                                      const hvd_tensor_t* outputs,
                                                      const hvd_options_t* options,
                                                      hvd_handle_t* handle);
HVD_API hvd_status_t hvd_grouped_reduce_scatter(const char* name, int32_t count,
                                                const hvd_tensor_t* inputs,
                                                const hvd_tensor_t* outputs,
                                                const hvd_options_t* options);
/* hvd_result of the tensor at `index` (from 0) of an allgather's group that is done. */
HVD_API hvd_status_t hvd_grouped_result(hvd_handle_t handle, int32_t index, void** data,
                                        const int64_t** shape, int32_t* ndim);

/* ---- handles ------------------------------------------------------------------------------- */

/* *done becomes 1 once hvd_wait would return at once. */
HVD_API hvd_status_t hvd_poll(hvd_handle_t handle, int* done);
/* Waits and drives progress. timeout_seconds < 0: for ever. Returns the operation's own status, or
 * HVD_TIMED_OUT or HVD_ERROR_INTERRUPTED, after which the operation goes on. */
HVD_API hvd_status_t hvd_wait(hvd_handle_t handle, double timeout_seconds);
/* The output of an allgather, alltoall, gather or scatter that is done. *shape belongs to the
 * handle, and so does *data where it is not the output that was given. */
HVD_API hvd_status_t hvd_result(hvd_handle_t handle, void** data, const int64_t** shape,
                                int32_t* ndim);
/* Its hvd_dtype_t, which of a scatter only the root knew. */
HVD_API hvd_status_t hvd_result_dtype(hvd_handle_t handle, int32_t* dtype);
/* Of an alltoall that is done: how many rows came from each rank. *splits belongs to the handle. */
HVD_API hvd_status_t hvd_received_splits(hvd_handle_t handle, const int64_t** splits,
                                         int32_t* count);
/* Forgets the handle. Of an operation that is not done only the handle goes: its memory stays
 * borrowed until it is done. */
HVD_API hvd_status_t hvd_release(hvd_handle_t handle);

/* ---- memory that is reduced where it lies ---------------------------------------------------- */

/* Memory for tensors that the other ranks of this host reach: an allreduce whose tensors lie there
 * on all ranks copies nothing (on one host, without a prescale factor), which takes about half the
 * time. *memory is 128-byte aligned; pages are backed when they are touched first, so fill it once
 * before the first step. HVD_ERROR_RESOURCE: HVD_ARENA_BYTES are given out. May be called before
 * hvd_init; the memory outlives hvd_shutdown. A forked child shares it with its parent. */
HVD_API hvd_status_t hvd_alloc(size_t bytes, void** memory);
/* Gives it back; not while an operation uses it. NULL does nothing. */
HVD_API hvd_status_t hvd_free(void* memory);

/* ---- errors and information ---------------------------------------------------------------- */

/* Text of this thread's last failed call; "" if none failed. Valid until the thread's next call. */
HVD_API const char* hvd_last_error(void);
/* The tensor and the rank that the last failure is about; "" and -1 if there is none. */
HVD_API const char* hvd_last_error_tensor(void);
HVD_API int hvd_last_error_rank(void);

/* A JSON object: version, identity and where it came from, transports and why, settings that differ
 * from their defaults, counters. Copies at most `capacity` bytes with the final NUL; returns the
 * bytes needed without it. */
HVD_API size_t hvd_info(char* buffer, size_t capacity);
/* Markdown (format "markdown") or text (any other) of all settings; same rule. */
HVD_API size_t hvd_settings_text(const char* format, char* buffer, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
