#include "tests/bench/api_door.h"

#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bindings/c/hvd.h"

namespace hvd::bench {
namespace {

void check(hvd_status_t status) {
  if (status != HVD_OK) {
    throw std::runtime_error(hvd_last_error());
  }
}

hvd_options_t options_of(hvd_op_t op) {
  hvd_options_t options{};
  options.struct_size = sizeof options;
  options.op = op;
  return options;
}

hvd_tensor_t vector_of(void* data, const std::int64_t* count, hvd_dtype_t dtype) {
  return {data, count, 1, dtype, HVD_CPU};
}

// A tensor under the name that it keeps, as the parameters of a model do. Names are given in the
// order of first use, which is the same on all ranks.
struct Named {
  std::string name;
  std::int64_t count;
  hvd_tensor_t tensor;
  hvd_handle_t handle = 0;
};

class ApiDoor final : public peers::Collectives {
 public:
  ApiDoor(bool arena, std::string name_prefix)
      : arena_(arena), name_prefix_(std::move(name_prefix)) {
    check(hvd_init(nullptr));
  }
  ~ApiDoor() override { (void)hvd_shutdown(); }
  ApiDoor(const ApiDoor&) = delete;
  ApiDoor& operator=(const ApiDoor&) = delete;

  int rank() const override { return hvd_rank(); }
  int size() const override { return hvd_size(); }

  void barrier() override { check(hvd_barrier("barrier", nullptr)); }
  void max_over_ranks(double* values, std::size_t count) override {
    const auto shape = static_cast<std::int64_t>(count);
    const hvd_tensor_t tensor = vector_of(values, &shape, HVD_FLOAT64);
    check(hvd_allreduce("max", &tensor, &tensor, &max_));
  }
  void prepare(const std::vector<peers::Tensor>& tensors) override {
    for (const peers::Tensor& tensor : tensors) {
      (void)named(tensor.data, tensor.count);
    }
  }
  float* allocate(std::size_t count) override {
    if (!arena_) {
      return nullptr;
    }
    void* memory = nullptr;
    check(hvd_alloc(count * sizeof(float), &memory));
    allocated_.push_back(memory);
    return static_cast<float*>(memory);
  }
  void forget_buffers() override {
    barrier();
    for (void* memory : allocated_) {
      check(hvd_free(memory));
    }
    allocated_.clear();
    tensors_.clear();
    next_ = 0;
  }

  void allreduce(float* data, std::size_t count) override {
    const Named& it = named(data, count);
    check(hvd_allreduce(it.name.c_str(), &it.tensor, &it.tensor, &sum_));
  }
  void allreduce_list(const std::vector<peers::Tensor>& tensors) override {
    pending_.clear();
    for (const peers::Tensor& tensor : tensors) {
      Named& it = named(tensor.data, tensor.count);
      check(hvd_allreduce_async(it.name.c_str(), &it.tensor, &it.tensor, &sum_, &it.handle));
      pending_.push_back(it.handle);
    }
    for (const hvd_handle_t handle : pending_) {
      check(hvd_wait(handle, -1));
      check(hvd_release(handle));
    }
  }
  void broadcast(float* data, std::size_t count, int root) override {
    const Named& it = named(data, count);
    hvd_options_t options = sum_;
    options.root_rank = root;
    check(hvd_broadcast(it.name.c_str(), &it.tensor, &options));
  }
  void allgather(const float* in, float* out, std::size_t count) override {
    const Named& it = named(const_cast<float*>(in), count);
    const std::int64_t all = it.count * size();
    const hvd_tensor_t gathered = vector_of(out, &all, HVD_FLOAT32);
    check(hvd_allgather(it.name.c_str(), &it.tensor, &gathered, nullptr));
  }
  void reduce_scatter(float* in, float* out, std::size_t count) override {
    const Named& it = named(in, count * static_cast<std::size_t>(size()));
    const auto rows = static_cast<std::int64_t>(count);
    const hvd_tensor_t mine = vector_of(out, &rows, HVD_FLOAT32);
    check(hvd_reduce_scatter(it.name.c_str(), &it.tensor, nullptr, &mine, &sum_));
  }
  void alltoall(const float* in, float* out, std::size_t count) override {
    const Named& it = named(const_cast<float*>(in), count * static_cast<std::size_t>(size()));
    const hvd_tensor_t received = vector_of(out, &it.count, HVD_FLOAT32);
    check(hvd_alltoall(it.name.c_str(), &it.tensor, nullptr, &received, nullptr));
  }

  void start_big(float* data, std::size_t count) override {
    const Named& it = named(data, count);
    check(hvd_allreduce_async(it.name.c_str(), &it.tensor, &it.tensor, &sum_, &big_));
  }
  bool big_done() override {
    int done = 0;
    check(hvd_poll(big_, &done));
    return done != 0;
  }
  void wait_big() override {
    check(hvd_wait(big_, -1));
    check(hvd_release(big_));
  }

 private:
  const bool arena_;
  const std::string name_prefix_;
  std::vector<void*> allocated_;
  // Lists are walked in their order again and again, so the next one is looked at first.
  Named& named(float* data, std::size_t count) {
    for (std::size_t step = 0; step < tensors_.size(); ++step) {
      Named& it = tensors_[next_ < tensors_.size() ? next_ : next_ = 0];
      ++next_;
      if (it.tensor.data == data && it.count == static_cast<std::int64_t>(count)) {
        return it;
      }
    }
    Named& added = tensors_.emplace_back();
    added.name = name_prefix_ + std::to_string(tensors_.size());
    added.count = static_cast<std::int64_t>(count);
    added.tensor = vector_of(data, &added.count, HVD_FLOAT32);
    return added;
  }

  const hvd_options_t sum_ = options_of(HVD_SUM);
  const hvd_options_t max_ = options_of(HVD_MAX);
  std::deque<Named> tensors_;  // elements keep their places
  std::size_t next_ = 0;
  std::vector<hvd_handle_t> pending_;
  hvd_handle_t big_ = 0;
};

}  // namespace

std::unique_ptr<peers::Collectives> open_api_door(const peers::Options& options) {
  return std::make_unique<ApiDoor>(options.number("arena", 0) != 0,
                                   options.text("names", "tensor."));
}

}  // namespace hvd::bench
