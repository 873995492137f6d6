#include "softmax_regression.h"

#include <algorithm>
#include <cmath>

namespace {
constexpr std::size_t kRow = kPixelCount + 1;
}

SoftmaxRegression::SoftmaxRegression()
    : weights_(kRow * kDigitCount, 0.0), velocity_(kRow * kDigitCount, 0.0) {}

std::array<double, kDigitCount> SoftmaxRegression::scores(const Digit& digit) const {
  std::array<double, kDigitCount> result{};
  for (std::size_t k = 0; k < kDigitCount; ++k) {
    const double* row = &weights_[k * kRow];
    double sum = row[kPixelCount];
    for (std::size_t i = 0; i < kPixelCount; ++i) {
      sum += row[i] * digit.pixels[i];
    }
    result[k] = sum;
  }
  return result;
}

SoftmaxRegression::LossAndGradient SoftmaxRegression::evaluate(const Digit* begin,
                                                               const Digit* end) const {
  LossAndGradient result;
  result.gradient.assign(weights_.size(), 0.0);
  for (const Digit* digit = begin; digit != end; ++digit) {
    std::array<double, kDigitCount> p = scores(*digit);
    const double highest = *std::max_element(p.begin(), p.end());
    double total = 0;
    for (double& value : p) {
      value = std::exp(value - highest);
      total += value;
    }
    for (std::size_t k = 0; k < kDigitCount; ++k) {
      const bool is_it = static_cast<int>(k) == digit->digit;
      const double error = p[k] / total - (is_it ? 1.0 : 0.0);
      result.loss -= is_it ? std::log(p[k] / total) : 0.0;
      double* row = &result.gradient[k * kRow];
      for (std::size_t i = 0; i < kPixelCount; ++i) {
        row[i] += error * digit->pixels[i];
      }
      row[kPixelCount] += error;
    }
  }
  return result;
}

void SoftmaxRegression::step(const std::vector<double>& mean_gradient, double learning_rate,
                             double momentum) {
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    velocity_[i] = momentum * velocity_[i] - learning_rate * mean_gradient[i];
    weights_[i] += velocity_[i];
  }
}

int SoftmaxRegression::count_correct(const Digit* begin, const Digit* end) const {
  return static_cast<int>(std::count_if(begin, end, [this](const Digit& digit) {
    const auto p = scores(digit);
    return std::max_element(p.begin(), p.end()) - p.begin() == digit.digit;
  }));
}
