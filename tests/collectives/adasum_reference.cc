#include "tests/collectives/adasum_reference.h"

#include <cstddef>

namespace hvd {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

std::vector<double> pair(const std::vector<double>& a, const std::vector<double>& b) {
  const double ab = dot(a, b);
  const double of_a = dot(a, a) == 0 ? 1 : 1 - ab / (2 * dot(a, a));
  const double of_b = dot(b, b) == 0 ? 1 : 1 - ab / (2 * dot(b, b));
  std::vector<double> sum;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum.push_back(of_a * a[i] + of_b * b[i]);
  }
  return sum;
}

// The first 2 * pair_count vectors, two at a time; the rest stays.
void pair_up(std::vector<std::vector<double>>& vectors, std::size_t pair_count) {
  std::vector<std::vector<double>> left;
  for (std::size_t i = 0; i < pair_count; ++i) {
    left.push_back(pair(vectors[2 * i], vectors[2 * i + 1]));
  }
  left.insert(left.end(), vectors.begin() + static_cast<std::ptrdiff_t>(2 * pair_count),
              vectors.end());
  vectors = left;
}

}  // namespace

std::vector<double> adasum_reference(std::vector<std::vector<double>> vectors) {
  std::size_t power = 1;
  while (2 * power <= vectors.size()) {
    power *= 2;
  }
  pair_up(vectors, vectors.size() - power);
  while (vectors.size() > 1) {
    pair_up(vectors, vectors.size() / 2);
  }
  return vectors.front();
}

}  // namespace hvd
