// The C API's functions of the arena's memory.
#include <memory>

#include "backends/bootstrap/memory_limit.h"
#include "bindings/c/hvd.h"
#include "bindings/c/last_error.h"
#include "bindings/c/process.h"
#include "bindings/c/process_arena.h"

namespace hvd {
namespace {

Status allocate(size_t bytes, void** memory) {
  if (memory == nullptr) {
    return error(StatusCode::invalid_argument, "hvd_alloc: memory is NULL");
  }
  HVD_TRY(check_not_forked(), "hvd_alloc");
  HVD_ASSIGN(const std::shared_ptr<Arena> arena, process_arena(), "hvd_alloc");
  HVD_TRY(check_memory_room(bytes, cgroup_folders_of_process(), "fewer or smaller tensors"),
          "hvd_alloc");
  HVD_ASSIGN(std::byte* const block, arena->allocate(bytes), "hvd_alloc");
  *memory = block;
  return ok_status();
}

Status release_memory(const void* memory) {
  if (memory == nullptr) {
    return ok_status();
  }
  HVD_TRY(check_not_forked(), "hvd_free");
  HVD_ASSIGN(const std::shared_ptr<Arena> arena, process_arena(), "hvd_free");
  return arena->release(static_cast<const std::byte*>(memory)).in_context("hvd_free");
}

}  // namespace
}  // namespace hvd

extern "C" {

hvd_status_t hvd_alloc(size_t bytes, void** memory) {
  return hvd::report(hvd::allocate(bytes, memory));
}
hvd_status_t hvd_free(void* memory) { return hvd::report(hvd::release_memory(memory)); }

}  // extern "C"
