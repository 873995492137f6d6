// softmax_regression.h: ten linear scores of a picture, trained by gradient descent. Knows nothing
// of ranks: gradients go out as sums over samples, so that sums of several ranks add up.
#pragma once

#include <vector>

#include "digits.h"

class SoftmaxRegression {
 public:
  SoftmaxRegression();

  struct LossAndGradient {
    double loss = 0;               // sum over the samples
    std::vector<double> gradient;  // same
  };
  LossAndGradient evaluate(const Digit* begin, const Digit* end) const;
  void step(const std::vector<double>& mean_gradient, double learning_rate, double momentum);
  int count_correct(const Digit* begin, const Digit* end) const;

  std::vector<double>& weights() { return weights_; }

 private:
  std::array<double, kDigitCount> scores(const Digit& digit) const;

  std::vector<double> weights_;  // per digit: 64 weights and a bias
  std::vector<double> velocity_;
};
