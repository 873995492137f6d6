/* hvd_types.h: the values and structs of the C API of hvd; hvd.h includes it and has the functions.
 *
 * Numbers never change their meaning. Structs that may grow begin with struct_size. */
#ifndef HVD_TYPES_H
#define HVD_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hvd_status_t {
  HVD_OK = 0,
  HVD_ERROR_INVALID_ARGUMENT = 1, /* the caller's mistake, found at the call; nothing was started */
  HVD_ERROR_PRECONDITION = 2,     /* not initialized, shut down, or used in a forked child */
  HVD_ERROR_MISMATCH = 3,         /* ranks disagree about this operation; later ones work */
  HVD_ERROR_ABORTED = 4,          /* a rank died; only hvd_shutdown and hvd_init help */
  HVD_ERROR_DEADLINE = 5,         /* a rank did not submit in time */
  HVD_ERROR_PEER_ENDED = 6,       /* a rank that is still needed shut down */
  HVD_ERROR_UNSUPPORTED = 7,
  HVD_ERROR_RESOURCE = 8,    /* memory, descriptors or ports could not be had */
  HVD_ERROR_INTERRUPTED = 9, /* a signal arrived while waiting; call again */
  HVD_ERROR_NOT_FOUND = 10,  /* no such handle */
  HVD_ERROR_PERMISSION = 11, /* authentication failed */
  HVD_ERROR_INTERNAL = 12,   /* a bug of hvd */
  HVD_TIMED_OUT = 100        /* hvd_wait: not done yet, the operation goes on */
} hvd_status_t;

typedef enum hvd_dtype_t {
  HVD_UINT8 = 0,
  HVD_INT8 = 1,
  HVD_UINT16 = 2,
  HVD_INT16 = 3,
  HVD_INT32 = 4,
  HVD_INT64 = 5,
  HVD_FLOAT16 = 6,
  HVD_FLOAT32 = 7,
  HVD_FLOAT64 = 8,
  HVD_BOOL = 9,
  HVD_BFLOAT16 = 10,
  HVD_UINT32 = 11,
  HVD_UINT64 = 12,
  HVD_FLOAT8_E4M3 = 13, /* OCP: finite, NaN is 0x7f and 0xff */
  HVD_FLOAT8_E5M2 = 14,
  HVD_COMPLEX64 = 15, /* two fp32: real, imaginary */
  HVD_COMPLEX128 = 16
} hvd_dtype_t;

/* 0 to 5 are Horovod's numbers. HVD_AVERAGE of integers sums, divides and truncates. An operation
 * that a dtype does not have is HVD_ERROR_UNSUPPORTED at the call, with the dtypes that have it. */
typedef enum hvd_op_t {
  HVD_AVERAGE = 0,
  HVD_SUM = 1,
  HVD_ADASUM = 2, /* allreduce of real floating types, any number of ranks; never fused */
  HVD_MIN = 3,
  HVD_MAX = 4,
  HVD_PRODUCT = 5,
  HVD_BIT_AND = 6,
  HVD_BIT_OR = 7,
  HVD_BIT_XOR = 8,
  HVD_LOGICAL_AND = 9,
  HVD_LOGICAL_OR = 10,
  HVD_LOGICAL_XOR = 11,
  HVD_PREMULTIPLIED_SUM = 12 /* a sum to which every rank gives its own prescale */
} hvd_op_t;

typedef enum hvd_device_t { HVD_CPU = 0 } hvd_device_t;

/* A contiguous row-major tensor in host memory. ndim 0 is a scalar; at most 8 dimensions. */
typedef struct hvd_tensor_t {
  void* data; /* may be NULL only where a dimension is 0 */
  const int64_t* shape;
  int32_t ndim;
  int32_t dtype;  /* hvd_dtype_t */
  int32_t device; /* hvd_device_t */
} hvd_tensor_t;

/* Set struct_size to sizeof the struct; zero the rest. New members are added at the end. */
typedef struct hvd_init_options_t {
  size_t struct_size;
  /* Identity. size 0: taken from the environment (HVD_RANK, HVD_SIZE, ..., as hvdrun sets them);
   * if that names none either, a job of one rank. */
  int32_t rank;
  int32_t size;
  int32_t local_rank; /* -1 or local_size 0: found out from which ranks share memory */
  int32_t local_size;
  /* Where the ranks meet, "host:port"; NULL: HVD_RENDEZVOUS_ADDR and HVD_RENDEZVOUS_PORT. */
  const char* rendezvous;
} hvd_init_options_t;

/* Options of one operation. Set struct_size; zero means the default for every member. */
typedef struct hvd_options_t {
  size_t struct_size;
  int32_t op;              /* reductions: hvd_op_t; mind that 0 is HVD_AVERAGE */
  int32_t root_rank;       /* broadcast, reduce, gather, scatter: the one rank of the many */
  double prescale;         /* reductions: factor before the reduction; 0 means 1 */
  double postscale;        /* reductions: factor after it; 0 means 1 */
  double deadline_seconds; /* error on all ranks if some rank did not submit by then; 0:
                              HVD_DEADLINE_SECONDS */
  int32_t wait_at_once;    /* not 0: the caller goes on to hvd_wait for it, with nothing in between.
                              The background thread is not woken, which is what the blocking forms
                              do; without that wait the operation may stand still */
} hvd_options_t;

/* An operation under way. Valid until hvd_release or hvd_shutdown. 0 is never a handle. */
typedef uint64_t hvd_handle_t;

#ifdef __cplusplus
}
#endif
#endif
