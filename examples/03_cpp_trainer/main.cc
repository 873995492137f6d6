// A trainer in plain C++ against hvd.h: softmax regression on handwritten digits. Every rank takes
// its share of the training samples; two allreduces a step add up loss and gradient, so that the
// model is the same on every rank and for any number of ranks.
//
//   hvdrun -np 2 ./cpp_trainer digits.csv
#include <hvd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "digits.h"
#include "softmax_regression.h"

namespace {

constexpr int kStepCount = 300;
constexpr double kLearningRate = 0.5;
constexpr double kMomentum = 0.9;
constexpr std::size_t kTestCount = 297;  // the last rows; the first 1500 train

// hvd says what is wrong and what to do about it; a trainer that cannot go on just passes it on.
void require(hvd_status_t status) {
  if (status != HVD_OK) {
    std::fprintf(stderr, "cpp_trainer: rank %d: %s\n", hvd_rank(), hvd_last_error());
    std::exit(1);
  }
}

hvd_tensor_t tensor_of(double* data, const int64_t* count) {
  hvd_tensor_t tensor = {};
  tensor.data = data;
  tensor.shape = count;
  tensor.ndim = 1;
  tensor.dtype = HVD_FLOAT64;
  tensor.device = HVD_CPU;
  return tensor;
}

// Starts a sum over all ranks in place.
hvd_handle_t start_sum(const char* name, double* data, const int64_t* count) {
  const hvd_tensor_t tensor = tensor_of(data, count);
  hvd_options_t options = {};
  options.struct_size = sizeof options;
  options.op = HVD_SUM;
  hvd_handle_t handle = 0;
  require(hvd_allreduce_async(name, &tensor, &tensor, &options, &handle));
  return handle;
}

void finish(hvd_handle_t handle) {
  require(hvd_wait(handle, -1));
  require(hvd_release(handle));
}

void broadcast_from_rank_0(std::vector<double>& values) {
  const int64_t count = static_cast<int64_t>(values.size());
  const hvd_tensor_t tensor = tensor_of(values.data(), &count);
  require(hvd_broadcast("weights", &tensor, nullptr));
}

// One step over all training samples: this rank's share, then the sums of all ranks. Returns the
// mean loss before the step.
double train_step(SoftmaxRegression& model, const Digit* begin, const Digit* end,
                  std::size_t sample_count) {
  SoftmaxRegression::LossAndGradient mine = model.evaluate(begin, end);
  const int64_t one = 1;
  const int64_t gradient_count = static_cast<int64_t>(mine.gradient.size());
  const hvd_handle_t loss = start_sum("loss", &mine.loss, &one);
  const hvd_handle_t gradient = start_sum("gradient", mine.gradient.data(), &gradient_count);
  finish(loss);
  finish(gradient);
  for (double& value : mine.gradient) {
    value /= static_cast<double>(sample_count);
  }
  model.step(mine.gradient, kLearningRate, kMomentum);
  return mine.loss / static_cast<double>(sample_count);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hvdrun -np N %s digits.csv\n", argv[0]);
    return 2;
  }
  require(hvd_init(nullptr));
  const std::vector<Digit> digits = read_digits(argv[1]);
  if (digits.size() <= kTestCount) {
    std::fprintf(stderr, "cpp_trainer: '%s' has %zu rows; more than %zu are needed\n", argv[1],
                 digits.size(), kTestCount);
    return 2;
  }
  const std::size_t train_count = digits.size() - kTestCount;
  const std::size_t rank = static_cast<std::size_t>(hvd_rank());
  const std::size_t size = static_cast<std::size_t>(hvd_size());
  const Digit* first = digits.data();
  const Digit* begin = first + train_count * rank / size;
  const Digit* end = first + train_count * (rank + 1) / size;

  SoftmaxRegression model;
  broadcast_from_rank_0(model.weights());
  for (int step = 0; step < kStepCount; ++step) {
    const double loss = train_step(model, begin, end, train_count);
    if (rank == 0 && step % 100 == 0) {
      std::printf("step %3d  loss %.4f\n", step, loss);
    }
  }
  if (rank == 0) {
    const int correct = model.count_correct(first + train_count, first + digits.size());
    std::printf("%zu ranks: test accuracy %.4f (%d of %zu)\n", size,
                static_cast<double>(correct) / kTestCount, correct, kTestCount);
  }
  require(hvd_shutdown());
  return 0;
}
