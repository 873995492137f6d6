// bindings/python/hvd/_core.cc: hvd.h for Python: submit, wait, poll; handles that own the memory.
// Not here: names, defaults, frameworks (the .py files); texts of errors (libhvd, exceptions.py).
// Threads: everything runs with the GIL held, except init, shutdown, waiting and copying results.
// Read next: bindings/c/hvd.h, then _core.pyi.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/c/hvd.h"
#include "bindings/python/hvd/_borrowed.h"

namespace py = pybind11;

using namespace hvd_core;

namespace {

// Ctrl-C is seen at the latest after this time, where the signal hits another thread than the
// waiting one; hvd_wait itself returns at once when a signal interrupts it.
constexpr double kWaitSliceSeconds = 0.1;
constexpr int kDimensionCountMax = 8;

// ---- tensors -----------------------------------------------------------------------------------

struct Tensor {
  std::array<int64_t, kDimensionCountMax> shape{};
  hvd_tensor_t c{};
};

void check_dimension_count(py::ssize_t count) {
  if (count <= kDimensionCountMax)
    return;
  throw py::value_error("a tensor of " + std::to_string(count) + " dimensions is not supported; " +
                        "at most " + std::to_string(kDimensionCountMax) + " are");
}

// `tensor` must not move afterwards.
void describe(Tensor& tensor, uintptr_t address, int dtype, const py::tuple& shape) {
  check_dimension_count(static_cast<py::ssize_t>(shape.size()));
  for (size_t i = 0; i < shape.size(); ++i) tensor.shape[i] = shape[i].cast<int64_t>();
  tensor.c = {reinterpret_cast<void*>(address), tensor.shape.data(),
              static_cast<int32_t>(shape.size()), dtype, HVD_CPU};
}

// Format characters of the struct module, native byte order; -1 if hvd has no such dtype.
int dtype_of(const Py_buffer& view) {
  const char* format = view.format == nullptr ? "B" : view.format;
  if (*format == '@' || *format == '=' || *format == '<')
    ++format;
  if (std::strcmp(format, "Zf") == 0)
    return HVD_COMPLEX64;
  if (std::strcmp(format, "Zd") == 0)
    return HVD_COMPLEX128;
  if (format[0] == '\0' || format[1] != '\0')
    return -1;
  switch (*format) {
    case '?':
      return HVD_BOOL;
    case 'B':
      return HVD_UINT8;
    case 'b':
      return HVD_INT8;
    case 'H':
      return HVD_UINT16;
    case 'h':
      return HVD_INT16;
    case 'i':
    case 'l':
    case 'q':
      return view.itemsize == 8 ? HVD_INT64 : HVD_INT32;
    case 'I':
    case 'L':
    case 'Q':
      return view.itemsize == 8 ? HVD_UINT64 : HVD_UINT32;
    case 'e':
      return HVD_FLOAT16;
    case 'f':
      return HVD_FLOAT32;
    case 'd':
      return HVD_FLOAT64;
    default:
      return -1;
  }
}

void describe(Tensor& tensor, py::handle object, const Py_buffer& view) {
  check_dimension_count(view.ndim);
  const int dtype = dtype_of(view);
  if (dtype < 0) {
    const py::object name = py::getattr(object, "dtype", py::str(view.format));
    throw py::value_error("Tensor type " + std::string(py::str(name)) + " is not supported");
  }
  for (int i = 0; i < view.ndim; ++i) tensor.shape[static_cast<size_t>(i)] = view.shape[i];
  tensor.c = {view.buf, tensor.shape.data(), view.ndim, dtype, HVD_CPU};
}

// ---- handles -----------------------------------------------------------------------------------

class Handle {
 public:
  Handle(hvd_handle_t id, Borrowed borrowed, bool has_result)
      : id_(id), life_(session().life), has_result_(has_result), borrowed_(std::move(borrowed)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    int done = 1;
    if (id_ == 0 || life_ != session().life)
      return;
    if (!done_ && hvd_poll(id_, &done) == HVD_OK && done == 0) {
      session().parked.emplace_back(id_, std::move(borrowed_));
    } else {
      (void)hvd_release(id_);
    }
  }

  // False if the time is over first. Raises the operation's error.
  bool wait(double timeout_seconds) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    double slice = kWaitSliceSeconds;
    while (!done_ && live()) {
      if (timeout_seconds >= 0) {
        const std::chrono::duration<double> spent = Clock::now() - start;
        slice = std::min(kWaitSliceSeconds, std::max(0.0, timeout_seconds - spent.count()));
      }
      const Failure outcome = wait_slice(slice);
      if (outcome.status == HVD_TIMED_OUT || outcome.status == HVD_ERROR_INTERRUPTED) {
        if (done_)
          break;  // by another thread
        check_signals();
        if (timeout_seconds >= 0 && slice < kWaitSliceSeconds && outcome.status == HVD_TIMED_OUT) {
          return false;
        }
        continue;
      }
      if (!done_) {
        done_ = true;
        failure_ = outcome;
      }
    }
    give_back();
    if (failure_.status != HVD_OK)
      raise(failure_, false);
    return true;
  }

  bool poll() {
    int done = 1;
    if (!done_ && live())
      check_call(hvd_poll(id_, &done));
    return done != 0;
  }

  bool has_result() const { return has_result_; }

  py::tuple result_shape() {
    const Result result = result_of();
    py::tuple shape(static_cast<size_t>(result.ndim));
    for (int i = 0; i < result.ndim; ++i) {
      shape[static_cast<size_t>(i)] = py::int_(result.shape[i]);
    }
    return shape;
  }

  int result_dtype() {
    (void)result_of();
    int32_t dtype = 0;
    check_call(hvd_result_dtype(id_, &dtype));
    return dtype;
  }

  py::tuple received_splits() {
    (void)result_of();
    const int64_t* splits = nullptr;
    int32_t count = 0;
    check_call(hvd_received_splits(id_, &splits, &count));
    py::tuple all(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) all[static_cast<size_t>(i)] = py::int_(splits[i]);
    return all;
  }

  // Copies the result's bytes to `address` and forgets it.
  void take_result(uintptr_t address, size_t bytes) {
    const Result result = result_of();
    if (bytes > 0) {
      ++users_;
      {
        py::gil_scoped_release no_gil;
        std::memcpy(reinterpret_cast<void*>(address), result.data, bytes);
      }
      --users_;
    }
    has_result_ = false;
    give_back();
  }

  py::object output = py::none();  // whatever the caller hangs here, usually the output array

 private:
  struct Result {
    void* data = nullptr;
    const int64_t* shape = nullptr;
    int32_t ndim = 0;
  };

  Result result_of() {
    if (!has_result_ || !done_ || failure_.status != HVD_OK || life_ != session().life) {
      throw py::value_error("this handle has no result, or it was taken already");
    }
    Result result;
    check_call(hvd_result(id_, &result.data, &result.shape, &result.ndim));
    return result;
  }

  // shutdown() ended every operation of its life.
  bool live() {
    if (life_ == session().life)
      return true;
    done_ = true;
    failure_ = {HVD_ERROR_PRECONDITION,
                "hvd: this operation was pending when hvd.shutdown() was called", "", -1};
    return false;
  }

  Failure wait_slice(double seconds) {
    Failure outcome;
    ++users_;
    {
      py::gil_scoped_release no_gil;
      const hvd_status_t status = hvd_wait(id_, seconds);
      if (status == HVD_TIMED_OUT || status == HVD_ERROR_INTERRUPTED) {
        outcome.status = status;
      } else if (status != HVD_OK) {
        outcome = last_failure(status);
      }
    }
    --users_;
    return outcome;
  }

  // Once nobody needs libhvd's handle any more: several threads may wait for one operation.
  void give_back() {
    if (!done_ || users_ > 0 || id_ == 0)
      return;
    if (has_result_ && failure_.status == HVD_OK)
      return;
    if (life_ == session().life)
      (void)hvd_release(id_);
    id_ = 0;
    const Borrowed last = std::move(borrowed_);
  }

  hvd_handle_t id_;
  const uint64_t life_;
  bool has_result_;
  bool done_ = false;
  int users_ = 0;  // threads that use id_ without the GIL
  Failure failure_;
  Borrowed borrowed_;
};

// ---- operations --------------------------------------------------------------------------------

hvd_options_t options_of(int op, int root_rank, double prescale, double postscale,
                         double deadline_seconds) {
  // hvd.h reads 0 as "not given", which a caller who writes 0 does not mean.
  if (prescale == 0 || postscale == 0) {
    throw py::value_error("prescale_factor and postscale_factor must not be 0");
  }
  hvd_options_t options{};
  options.struct_size = sizeof(options);
  options.op = op;
  options.root_rank = root_rank;
  options.prescale = prescale;
  options.postscale = postscale;
  options.deadline_seconds = deadline_seconds;
  return options;
}

void check_ready() {
  if (hvd_is_initialized() == 0)
    raise_not_initialized();
  if (!session().parked.empty())
    sweep_parked();
}

std::unique_ptr<Handle> allreduce_buffer(const char* name, const py::object& input,
                                         const py::object& output, int op, double prescale,
                                         double postscale, double deadline, bool wait_at_once) {
  check_ready();
  Borrowed borrowed;
  Tensor in;
  Tensor out;
  describe(in, input, borrowed.view(input, false));
  describe(out, output, borrowed.view(output, true));
  if (out.c.ndim != in.c.ndim || out.c.dtype != in.c.dtype || out.shape != in.shape) {
    throw py::value_error("output must have the shape and dtype of the input");
  }
  hvd_options_t options = options_of(op, 0, prescale, postscale, deadline);
  options.wait_at_once = wait_at_once;
  hvd_handle_t id = 0;
  check_call(hvd_allreduce_async(name, &in.c, &out.c, &options, &id));
  return std::make_unique<Handle>(id, std::move(borrowed), false);
}

std::unique_ptr<Handle> broadcast_buffer(const char* name, const py::object& buffer, int root_rank,
                                         double deadline) {
  check_ready();
  Borrowed borrowed;
  Tensor tensor;
  describe(tensor, buffer, borrowed.view(buffer, true));
  const hvd_options_t options = options_of(0, root_rank, 1, 1, deadline);
  hvd_handle_t id = 0;
  check_call(hvd_broadcast_async(name, &tensor.c, &options, &id));
  return std::make_unique<Handle>(id, std::move(borrowed), false);
}

// One number a rank, or None.
std::vector<int64_t> splits_from(const py::object& splits) {
  if (splits.is_none())
    return {};
  const auto counts = splits.cast<std::vector<int64_t>>();
  if (counts.size() != static_cast<size_t>(hvd_size())) {
    throw py::value_error("splits has " + std::to_string(counts.size()) +
                          " entries; one for each of the " + std::to_string(hvd_size()) +
                          " ranks is needed");
  }
  return counts;
}

struct Operation {
  std::string_view kind;
  const char* name;
  hvd_tensor_t* in;
  hvd_tensor_t* out;
  const int64_t* splits;
  int peer;
  int tag;
};

hvd_status_t start(const Operation& o, const hvd_options_t* options, hvd_handle_t* id) {
  if (o.kind == "allreduce")
    return hvd_allreduce_async(o.name, o.in, o.out, options, id);
  if (o.kind == "allgather")
    return hvd_allgather_async(o.name, o.in, o.out, options, id);
  if (o.kind == "broadcast")
    return hvd_broadcast_async(o.name, o.in, options, id);
  if (o.kind == "reduce")
    return hvd_reduce_async(o.name, o.in, o.out, options, id);
  if (o.kind == "reducescatter")
    return hvd_reduce_scatter_async(o.name, o.in, o.splits, o.out, options, id);
  if (o.kind == "alltoall")
    return hvd_alltoall_async(o.name, o.in, o.splits, o.out, options, id);
  if (o.kind == "gather")
    return hvd_gather_async(o.name, o.in, o.out, options, id);
  if (o.kind == "scatter")
    return hvd_scatter_async(o.name, o.in, o.splits, o.out, options, id);
  if (o.kind == "send")
    return hvd_send_async(o.in, o.peer, o.tag, options, id);
  if (o.kind == "recv")
    return hvd_recv_async(o.in, o.peer, o.tag, options, id);
  if (o.kind == "barrier")
    return hvd_barrier_async(o.name, options, id);
  throw py::value_error("there is no operation '" + std::string(o.kind) + "'");
}

bool makes_result(std::string_view kind) {
  return kind == "allgather" || kind == "alltoall" || kind == "gather" || kind == "scatter";
}

// Memory by address. The output is shaped as the input, but for `output_rows` in the first
// dimension where that is not negative. Where the runtime would make the result, there is an output
// only if `output_shape` is given, with `output_dtype`.
std::unique_ptr<Handle> submit(std::string_view kind, const char* name, uintptr_t input,
                               uintptr_t output, int dtype, const py::tuple& shape,
                               py::object owner, int op, int root_rank, double prescale,
                               double postscale, double deadline, const py::object& splits,
                               int64_t output_rows, const py::object& output_shape,
                               int output_dtype, int peer, int tag, bool wait_at_once) {
  check_ready();
  Tensor in;
  Tensor out;
  describe(in, input, dtype, shape);
  const bool gives = !output_shape.is_none();
  if (gives)
    describe(out, output, output_dtype, output_shape.cast<py::tuple>());
  else
    describe(out, output, dtype, shape);
  if (output_rows >= 0 && out.c.ndim > 0)
    out.shape[0] = output_rows;
  hvd_options_t options = options_of(op, root_rank, prescale, postscale, deadline);
  options.wait_at_once = wait_at_once;
  const std::vector<int64_t> counts = splits_from(splits);
  hvd_handle_t id = 0;
  check_call(start({kind, name, &in.c, makes_result(kind) && !gives ? nullptr : &out.c,
                    splits.is_none() ? nullptr : counts.data(), peer, tag},
                   &options, &id));
  Borrowed borrowed;
  borrowed.keep(std::move(owner));
  return std::make_unique<Handle>(id, std::move(borrowed), makes_result(kind));
}

// ---- life and information ----------------------------------------------------------------------

void init(int rank, int size, int local_rank, int local_size, const char* rendezvous) {
  hvd_init_options_t options{};
  options.struct_size = sizeof(options);
  options.rank = rank;
  options.size = size;
  options.local_rank = local_rank;
  options.local_size = local_size;
  options.rendezvous = rendezvous;
  for (;;) {
    Failure outcome;
    {
      py::gil_scoped_release no_gil;
      const hvd_status_t status = hvd_init(&options);
      if (status != HVD_OK)
        outcome = last_failure(status);
    }
    if (outcome.status == HVD_OK)
      return;
    if (outcome.status != HVD_ERROR_INTERRUPTED)
      raise(outcome, false);
    check_signals();
  }
}

// Quiet where there is nothing to shut down: before init, and in a forked child.
void shutdown() {
  Failure outcome;
  {
    py::gil_scoped_release no_gil;
    const hvd_status_t status = hvd_shutdown();
    if (status != HVD_OK && status != HVD_ERROR_PRECONDITION)
      outcome = last_failure(status);
  }
  Session& now = session();
  ++now.life;
  const auto parked = std::exchange(now.parked, {});
  if (outcome.status != HVD_OK)
    raise(outcome, false);
}

template <typename Fill>
std::string text_from(const Fill& fill) {
  std::string text(fill(nullptr, 0) + 1024, '\0');  // it may grow between the two calls
  const size_t bytes = fill(text.data(), text.size());
  text.resize(std::min(bytes, text.size() - 1));
  return text;
}

std::string info_json() {
  return text_from([](char* buffer, size_t capacity) { return hvd_info(buffer, capacity); });
}

std::string settings_text(const char* format) {
  return text_from(
      [&](char* buffer, size_t capacity) { return hvd_settings_text(format, buffer, capacity); });
}

void define_life(py::module_& m) {
  m.def("init", &init, py::arg("rank") = 0, py::arg("size") = 0, py::arg("local_rank") = -1,
        py::arg("local_size") = 0, py::arg("rendezvous") = py::none());
  m.def("shutdown", &shutdown);
  m.def("is_initialized", [] { return hvd_is_initialized() != 0; });
  m.def("rank", &hvd_rank);
  m.def("size", &hvd_size);
  m.def("local_rank", &hvd_local_rank);
  m.def("local_size", &hvd_local_size);
  m.def("cross_rank", &hvd_cross_rank);
  m.def("cross_size", &hvd_cross_size);
  m.def("version", &hvd_version);
  m.def("info_json", &info_json);
  m.def("settings_text", &settings_text, py::arg("format") = "text");
  m.def("parked_count", [] {
    sweep_parked();
    return session().parked.size();
  });
}

void define_handle(py::module_& m) {
  py::class_<Handle>(m, "Handle")
      .def("wait", &Handle::wait, py::arg("timeout_seconds") = -1.0)
      .def("poll", &Handle::poll)
      .def("result_shape", &Handle::result_shape)
      .def("result_dtype", &Handle::result_dtype)
      .def("received_splits", &Handle::received_splits)
      .def("take_result", &Handle::take_result, py::arg("address"), py::arg("bytes"))
      .def_property_readonly("has_result", &Handle::has_result)
      .def_readwrite("output", &Handle::output);
}

void define_operations(py::module_& m) {
  m.def("allreduce_buffer", &allreduce_buffer, py::arg("name").none(true), py::arg("input"),
        py::arg("output"), py::arg("op"), py::arg("prescale"), py::arg("postscale"),
        py::arg("deadline_seconds"), py::arg("wait_at_once") = false);
  m.def("broadcast_buffer", &broadcast_buffer, py::arg("name").none(true), py::arg("buffer"),
        py::arg("root_rank"), py::arg("deadline_seconds"));
  m.def("submit", &submit, py::arg("kind"), py::arg("name").none(true), py::arg("input") = 0,
        py::arg("output") = 0, py::arg("dtype") = 0, py::arg("shape") = py::tuple(),
        py::arg("owner") = py::none(), py::arg("op") = 0, py::arg("root_rank") = 0,
        py::arg("prescale") = 1.0, py::arg("postscale") = 1.0, py::arg("deadline_seconds") = 0.0,
        py::arg("splits") = py::none(), py::arg("output_rows") = -1,
        py::arg("output_shape") = py::none(), py::arg("output_dtype") = 0, py::arg("peer") = -1,
        py::arg("tag") = 0, py::arg("wait_at_once") = false);
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "hvd.h for Python; the public doors are hvd, hvd.numpy and hvd.torch";
  define_life(m);
  define_handle(m);
  define_operations(m);
}
