// bindings/python/hvd/_borrowed.h: libhvd's errors as Python's, and memory that an operation
// borrows. Not here: handles and operations (_core.cc). Threads: with the GIL held, but for
// last_failure.  Limits: two buffers an operation. Read next: _core.cc.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bindings/c/hvd.h"

namespace hvd_core {

namespace py = pybind11;

// ---- errors -----------------------------------------------------------------------------------

struct Failure {
  hvd_status_t status = HVD_OK;
  std::string text;
  std::string tensor;
  int rank = -1;
};

// Must run on the thread that made the failing call, before its next call.
inline Failure last_failure(hvd_status_t status) {
  return {status, hvd_last_error(), hvd_last_error_tensor(), hvd_last_error_rank()};
}

// `at_call`: nothing was started, so the mistake is the caller's own (ValueError).
[[noreturn]] inline void raise(const Failure& failure, bool at_call) {
  py::object error = py::module_::import("hvd.exceptions")
                         .attr("from_status")(static_cast<int>(failure.status), failure.text,
                                              failure.tensor, failure.rank, at_call);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw py::error_already_set();
}

[[noreturn]] inline void raise_not_initialized() {
  throw py::value_error("hvd has not been initialized; use hvd.init()");
}

inline void check_call(hvd_status_t status) {
  if (status == HVD_OK) {
    return;
  }
  if (status == HVD_ERROR_PRECONDITION && hvd_last_error()[0] == '\0') {
    raise_not_initialized();
  }
  raise(last_failure(status), true);
}

inline void check_signals() {
  if (PyErr_CheckSignals() != 0) {
    throw py::error_already_set();
  }
}

// ---- memory that an operation borrows ----------------------------------------------------------

// Keeps objects alive and buffers exported (so that nobody resizes them) while libhvd uses them.
class Borrowed {
 public:
  Borrowed() = default;
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Borrowed(Borrowed&& other) noexcept
      : owner_(std::move(other.owner_)),
        views_(other.views_),
        view_count_(std::exchange(other.view_count_, 0)) {}
  Borrowed& operator=(Borrowed&& other) noexcept {
    if (this != &other) {
      clear();
      owner_ = std::move(other.owner_);
      views_ = other.views_;
      view_count_ = std::exchange(other.view_count_, 0);
    }
    return *this;
  }
  ~Borrowed() { clear(); }

  void keep(py::object owner) { owner_ = std::move(owner); }

  const Py_buffer& view(py::handle object, bool writable) {
    Py_buffer& view = views_.at(view_count_);
    const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object.ptr(), &view, flags) != 0) {
      py::error_already_set cause;
      py::raise_from(cause, PyExc_ValueError,
                     writable ? "Tensor is required to be contiguous and writable"
                              : "Tensor is required to be contiguous");
      throw py::error_already_set();
    }
    ++view_count_;
    return view;
  }

  // Runs destructors of Python objects, so anything may happen inside.
  void clear() {
    while (view_count_ > 0) {
      PyBuffer_Release(&views_[--view_count_]);
    }
    owner_ = py::object();
  }

 private:
  py::object owner_;
  std::array<Py_buffer, 2> views_{};
  size_t view_count_ = 0;
};

// What Python let go of before it was done. `life` counts shutdowns: libhvd's handles of an earlier
// life are gone, and so is its interest in their memory.
struct Session {
  uint64_t life = 0;
  std::vector<std::pair<hvd_handle_t, Borrowed>> parked;
};

// Never destroyed: Python is gone before static destructors run.
inline Session& session() {
  static Session& only = *new Session;
  return only;
}

inline void sweep_parked() {
  auto& parked = session().parked;
  std::vector<Borrowed> finished;  // destroyed last: a destructor may come back here
  for (size_t i = 0; i < parked.size();) {
    int done = 0;
    if (hvd_poll(parked[i].first, &done) == HVD_OK && done == 0) {
      ++i;
      continue;
    }
    (void)hvd_release(parked[i].first);
    finished.push_back(std::move(parked[i].second));
    if (i + 1 != parked.size()) {
      parked[i] = std::move(parked.back());
    }
    parked.pop_back();
  }
}

}  // namespace hvd_core
