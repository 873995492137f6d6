// bindings/python/hvd/_core.cc: hvd.h for Python: submit, wait, poll; handles that own the memory.
// Not here: names, defaults, frameworks (the .py files); texts of errors (libhvd, exceptions.py).
// Threads: everything runs with the GIL held, except init, shutdown, waiting and copying results.
// Read next: bindings/c/hvd.h, then _core.pyi.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/c/hvd.h"
#include "bindings/python/hvd/_borrowed.h"
#include "bindings/python/hvd/_handle.h"
#include "bindings/python/hvd/_tensor.h"

namespace py = pybind11;

using namespace hvd_core;

namespace {

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
  if (hvd_is_initialized() == 0) {
    raise_not_initialized();
  }
  if (!session().parked.empty()) {
    sweep_parked();
  }
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
  if (splits.is_none()) {
    return {};
  }
  auto counts = splits.cast<std::vector<int64_t>>();
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
  if (o.kind == "allreduce") {
    return hvd_allreduce_async(o.name, o.in, o.out, options, id);
  }
  if (o.kind == "allgather") {
    return hvd_allgather_async(o.name, o.in, o.out, options, id);
  }
  if (o.kind == "broadcast") {
    return hvd_broadcast_async(o.name, o.in, options, id);
  }
  if (o.kind == "reduce") {
    return hvd_reduce_async(o.name, o.in, o.out, options, id);
  }
  if (o.kind == "reducescatter") {
    return hvd_reduce_scatter_async(o.name, o.in, o.splits, o.out, options, id);
  }
  if (o.kind == "alltoall") {
    return hvd_alltoall_async(o.name, o.in, o.splits, o.out, options, id);
  }
  if (o.kind == "gather") {
    return hvd_gather_async(o.name, o.in, o.out, options, id);
  }
  if (o.kind == "scatter") {
    return hvd_scatter_async(o.name, o.in, o.splits, o.out, options, id);
  }
  if (o.kind == "send") {
    return hvd_send_async(o.in, o.peer, o.tag, options, id);
  }
  if (o.kind == "recv") {
    return hvd_recv_async(o.in, o.peer, o.tag, options, id);
  }
  if (o.kind == "barrier") {
    return hvd_barrier_async(o.name, options, id);
  }
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
  if (gives) {
    describe(out, output, output_dtype, output_shape.cast<py::tuple>());
  } else {
    describe(out, output, dtype, shape);
  }
  if (output_rows >= 0 && out.c.ndim > 0) {
    out.shape[0] = output_rows;
  }
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

// ---- groups
// --------------------------------------------------------------------------------------

// Tensors by address: (address, dtype, shape) of each. They hold pointers into themselves.
class TensorList {
 public:
  explicit TensorList(const py::sequence& described) : tensors_(described.size()) {
    c_.reserve(tensors_.size());
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const py::tuple each = described[i];
      describe(tensors_[i], each[0].cast<uintptr_t>(), each[1].cast<int>(), each[2]);
      c_.push_back(tensors_[i].c);
    }
  }
  ~TensorList() = default;
  TensorList(const TensorList&) = delete;
  TensorList& operator=(const TensorList&) = delete;

  const hvd_tensor_t* c() const { return c_.data(); }
  // hvd.h counts in 32 bits and refuses what is above 65,536.
  int32_t count() const { return static_cast<int32_t>(std::min<size_t>(c_.size(), INT32_MAX)); }

 private:
  std::vector<Tensor> tensors_;
  std::vector<hvd_tensor_t> c_;
};

using GroupFunction = hvd_status_t (*)(const char*, int32_t, const hvd_tensor_t*,
                                       const hvd_tensor_t*, const hvd_options_t*, hvd_handle_t*);

GroupFunction group_function(std::string_view kind) {
  if (kind == "allreduce") {
    return hvd_grouped_allreduce_async;
  }
  if (kind == "allgather") {
    return hvd_grouped_allgather_async;
  }
  if (kind == "reducescatter") {
    return hvd_grouped_reduce_scatter_async;
  }
  throw py::value_error("there is no group of '" + std::string(kind) + "'");
}

// `outputs` None: the runtime makes the results.
std::unique_ptr<Handle> submit_group(std::string_view kind, const char* name,
                                     const py::sequence& inputs, const py::object& outputs,
                                     py::object owner, int op, double prescale, double postscale,
                                     double deadline, bool wait_at_once) {
  check_ready();
  const GroupFunction function = group_function(kind);
  const TensorList in(inputs);
  const bool gives = !outputs.is_none();
  const TensorList out(gives ? outputs.cast<py::sequence>() : py::sequence(py::tuple()));
  if (gives && out.count() != in.count()) {
    throw py::value_error(std::to_string(out.count()) + " outputs for " +
                          std::to_string(in.count()) + " tensors; one for each is needed");
  }
  hvd_options_t options = options_of(op, 0, prescale, postscale, deadline);
  options.wait_at_once = wait_at_once;
  hvd_handle_t id = 0;
  check_call(function(name, in.count(), in.c(), gives ? out.c() : nullptr, &options, &id));
  Borrowed borrowed;
  borrowed.keep(std::move(owner));
  return std::make_unique<Handle>(id, std::move(borrowed), makes_result(kind), in.count());
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
      if (status != HVD_OK) {
        outcome = last_failure(status);
      }
    }
    if (outcome.status == HVD_OK) {
      return;
    }
    if (outcome.status != HVD_ERROR_INTERRUPTED) {
      raise(outcome, false);
    }
    check_signals();
  }
}

// Quiet where there is nothing to shut down: before init, and in a forked child.
void shutdown() {
  Failure outcome;
  {
    py::gil_scoped_release no_gil;
    const hvd_status_t status = hvd_shutdown();
    if (status != HVD_OK && status != HVD_ERROR_PRECONDITION) {
      outcome = last_failure(status);
    }
  }
  Session& now = session();
  ++now.life;
  const auto parked = std::exchange(now.parked, {});
  if (outcome.status != HVD_OK) {
    raise(outcome, false);
  }
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
      .def("result_shapes", &Handle::result_shapes)
      .def("result_dtype", &Handle::result_dtype)
      .def("received_splits", &Handle::received_splits)
      .def("take_result", &Handle::take_result, py::arg("address"), py::arg("bytes"))
      .def("take_results", &Handle::take_results, py::arg("places"))
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
  m.def("submit_group", &submit_group, py::arg("kind"), py::arg("name").none(true),
        py::arg("inputs"), py::arg("outputs") = py::none(), py::arg("owner") = py::none(),
        py::arg("op") = 0, py::arg("prescale") = 1.0, py::arg("postscale") = 1.0,
        py::arg("deadline_seconds") = 0.0, py::arg("wait_at_once") = false);
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "hvd.h for Python; the public doors are hvd, hvd.numpy and hvd.torch";
  define_life(m);
  define_handle(m);
  define_operations(m);
}
