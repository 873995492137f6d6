#include "bindings/c/last_error.h"

namespace hvd {
namespace {

static_assert(HVD_ERROR_INVALID_ARGUMENT == static_cast<int>(StatusCode::invalid_argument));
static_assert(HVD_ERROR_PRECONDITION == static_cast<int>(StatusCode::precondition));
static_assert(HVD_ERROR_MISMATCH == static_cast<int>(StatusCode::mismatch));
static_assert(HVD_ERROR_ABORTED == static_cast<int>(StatusCode::aborted));
static_assert(HVD_ERROR_DEADLINE == static_cast<int>(StatusCode::deadline_exceeded));
static_assert(HVD_ERROR_PEER_ENDED == static_cast<int>(StatusCode::peer_ended));
static_assert(HVD_ERROR_UNSUPPORTED == static_cast<int>(StatusCode::unsupported));
static_assert(HVD_ERROR_RESOURCE == static_cast<int>(StatusCode::resource));
static_assert(HVD_ERROR_INTERRUPTED == static_cast<int>(StatusCode::interrupted));
static_assert(HVD_ERROR_NOT_FOUND == static_cast<int>(StatusCode::not_found));
static_assert(HVD_ERROR_PERMISSION == static_cast<int>(StatusCode::permission_denied));
static_assert(HVD_ERROR_INTERNAL == static_cast<int>(StatusCode::internal));

Status& slot() {
  thread_local Status last;
  return last;
}

}  // namespace

hvd_status_t report(const Status& status) {
  if (!status.ok()) {
    slot() = status;
  }
  return static_cast<hvd_status_t>(status.code());
}

const Status& last_error() { return slot(); }

}  // namespace hvd
