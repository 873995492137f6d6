// bindings/c/translate.h: from the C API's structs to core's Request, checked.
// Not here: what a rank may ask for (core/stages/submit_queue.h).
// Threads: pure functions.  Limits: 8 dimensions, host memory.
// Read next: hvd.h.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

#include "bindings/c/hvd.h"
#include "core/base/status.h"
#include "core/vocabulary/request.h"

namespace hvd {

// `function` and `argument` name what the caller got wrong.
Result<TensorRef> tensor_from_c(const hvd_tensor_t* tensor, const char* function,
                                const char* argument);

// Where a result goes that is like `input`, but of `expected` shape.
Result<std::byte*> output_from_c(const hvd_tensor_t* output, const char* function,
                                 const char* argument, const TensorRef& input,
                                 const Shape& expected);

// Where a result goes whose first dimension all ranks decide together.
Result<TensorRef> rows_output_from_c(const hvd_tensor_t* output, const char* function,
                                     const char* argument);

// Members that are not given keep their defaults. `wait_at_once` is about the call, not the
// request.
Status options_from_c(const hvd_options_t* options, const char* function, Request& request,
                      bool& wait_at_once);

// A struct of the caller's version as one of ours: members that it does not have are zero. Members
// that we do not have must be zero.
Status copy_sized(const void* theirs, std::size_t their_size, void* ours, std::size_t our_size,
                  const char* what);

}  // namespace hvd
