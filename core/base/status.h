// core/base/status.h: Status and Result<T>, the only way a failure travels below Python.
// Not here: aborting on our own bugs (check.h).
// Threads: values; a Status may be copied and read from any thread.  Limits: none.
// Read next: check.h, then docs/decisions/0002-error-codes.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/str.h"

namespace hvd {

// The numbers are part of the C ABI (hvd_status_t in bindings/c/hvd.h repeats them).
enum class StatusCode : std::uint8_t {
  ok = 0,
  invalid_argument = 1,    // the caller's mistake, found at the call
  precondition = 2,        // not initialized, shut down already, used after fork, ...
  mismatch = 3,            // ranks disagree about one operation; the job lives on
  aborted = 4,             // a rank died; the runtime is unusable until shutdown and init
  deadline_exceeded = 5,   // somebody did not come in time
  peer_ended = 6,          // a rank that is still needed said goodbye
  unsupported = 7,         // understood, but not available here
  resource = 8,            // memory, descriptors, ports: could not be had
  interrupted = 9,         // a signal arrived; call again
  not_found = 10,          // unknown handle, file, key
  permission_denied = 11,  // authentication failed
  internal = 12,           // a bug of hvd
};

[[nodiscard]] std::string_view status_code_name(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message);

  bool ok() const { return detail_ == nullptr; }
  StatusCode code() const { return ok() ? StatusCode::ok : detail_->code; }
  // What, where in the run, who, since when, which setting, next step (style.md example 14).
  const std::string& message() const;
  // The tensor that the failure is about; empty if none.
  const std::string& tensor() const;
  // The rank that caused the failure; -1 if none is known.
  int culprit_rank() const { return ok() ? -1 : detail_->culprit_rank; }

  // Copies with one property more.
  Status about_tensor(std::string tensor) const;
  Status blame_rank(int rank) const;
  // Prefixes the message with where it happened: "<where>: <message>".
  Status in_context(std::string_view where) const;

 private:
  struct Detail {
    StatusCode code;
    std::string message;
    std::string tensor;
    int culprit_rank = -1;
  };
  explicit Status(std::shared_ptr<const Detail> detail) : detail_(std::move(detail)) {}
  std::shared_ptr<const Detail> detail_;  // null means ok: success costs no allocation
};

inline Status ok_status() { return Status(); }

template <typename... Values>
Status error(StatusCode code, const Values&... values) {
  return Status(code, str(values...));
}

// A value or the reason why there is none. C++20 has no std::expected.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }  // a value: it outlives the result
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

// Returns the failure of `expression` to the caller, prefixed with the context values if any.
// Copies nothing: a Status that lives is referred to, one that is made here lives as long as
// needed.
#define HVD_TRY(expression, ...)                                                    \
  do {                                                                              \
    if (const ::hvd::Status& hvd_try_status = (expression); !hvd_try_status.ok()) { \
      return ::hvd::internal::contextual(hvd_try_status, ##__VA_ARGS__);            \
    }                                                                               \
  } while (false)

// HVD_ASSIGN(auto x, make_x(), "while making x"): declares x, or returns the failure.
#define HVD_ASSIGN(declaration, expression, ...) \
  HVD_ASSIGN_AT(HVD_JOIN(hvd_result_, __LINE__), declaration, expression, ##__VA_ARGS__)
#define HVD_ASSIGN_AT(result, declaration, expression, ...)             \
  auto result = (expression);                                           \
  if (!result.ok()) {                                                   \
    return ::hvd::internal::contextual(result.status(), ##__VA_ARGS__); \
  }                                                                     \
  declaration = std::move(result).value()
#define HVD_JOIN(a, b) HVD_JOIN_NOW(a, b)
#define HVD_JOIN_NOW(a, b) a##b

namespace internal {
inline Status contextual(const Status& status) { return status; }
template <typename... Values>
Status contextual(const Status& status, const Values&... values) {
  return status.in_context(str(values...));
}
}  // namespace internal

}  // namespace hvd
