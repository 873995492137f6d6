// bindings/c/last_error.h: the calling thread's last failure, behind hvd_last_error().
// Not here: how failures come about (core/base/status.h).
// Threads: each thread has its own.  Limits: the texts are valid until the thread's next call.
// Read next: hvd.h.
#pragma once

#include "bindings/c/hvd.h"
#include "core/base/status.h"

namespace hvd {

// Keeps the status for hvd_last_error and returns its code as the C API says it. An ok status
// leaves the last failure as it is.
hvd_status_t report(const Status& status);
const Status& last_error();

}  // namespace hvd
