#include "core/base/status.h"

#include <array>

namespace hvd {
namespace {

constexpr std::array<std::string_view, 13> kNames = {
    "ok",        "invalid argument",  "precondition", "mismatch", "aborted",
    "deadline",  "peer ended",        "unsupported",  "resource", "interrupted",
    "not found", "permission denied", "internal"};

const std::string& empty_string() {
  static const std::string empty;
  return empty;
}

}  // namespace

std::string_view status_code_name(StatusCode code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown";
}

Status::Status(StatusCode code, std::string message)
    : detail_(code == StatusCode::ok
                  ? nullptr
                  : std::make_shared<const Detail>(Detail{code, std::move(message), {}, -1})) {}

const std::string& Status::message() const { return ok() ? empty_string() : detail_->message; }

const std::string& Status::tensor() const { return ok() ? empty_string() : detail_->tensor; }

Status Status::about_tensor(std::string tensor) const {
  if (ok()) {
    return *this;
  }
  Detail copy = *detail_;
  copy.tensor = std::move(tensor);
  return Status(std::make_shared<const Detail>(std::move(copy)));
}

Status Status::blame_rank(int rank) const {
  if (ok()) {
    return *this;
  }
  Detail copy = *detail_;
  copy.culprit_rank = rank;
  return Status(std::make_shared<const Detail>(std::move(copy)));
}

Status Status::in_context(std::string_view where) const {
  if (ok()) {
    return *this;
  }
  Detail copy = *detail_;
  copy.message = str(where, ": ", copy.message);
  return Status(std::make_shared<const Detail>(std::move(copy)));
}

}  // namespace hvd
