// bindings/c/call.h: one call of an operation as the C API got it, and how it is submitted.
// Not here: the C functions (operations.cc), structs of the C API (translate.h).
// Threads: any.  Limits: borrows all that it points to until it is submitted.
// Read next: operations.cc.
#pragma once

#include <cstdint>

#include "bindings/c/hvd.h"
#include "bindings/c/runtime.h"
#include "core/base/status.h"
#include "core/stages/operation.h"
#include "core/vocabulary/request.h"

namespace hvd {

struct Call {
  const char* function;
  CollectiveKind kind;
  const char* name = nullptr;
  const hvd_tensor_t* input = nullptr;
  const hvd_tensor_t* output = nullptr;
  const hvd_options_t* options = nullptr;
  const std::int64_t* splits = nullptr;
  Rank peer = {};
  std::int32_t tag = 0;
  bool blocks = false;
};

Status submit_async(const Call& call, hvd_handle_t* handle);
// Returns when the operation is done; there is no handle to release.
Status submit_blocking(Call call);

// The two ways on for what was submitted. `wait_at_once`: as in hvd_options_t.
hvd_handle_t let_go(Runtime& runtime, const Operation& operation, bool wait_at_once);
Status see_through(Runtime& runtime, const Operation& operation);

}  // namespace hvd
