// core/base/random.h: seeded pseudo-random numbers, the same on every machine (xoshiro256**).
// Not here: secrets; those come from libsodium in backends/net.
// Threads: a Random belongs to one thread.  Limits: not for cryptography.
// Read next: tests/core/base/random_test.cc.
#pragma once

#include <array>
#include <cstdint>

namespace hvd {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0. Lemire's multiply-shift without the rejection step: the bias
  // is below 2^-32 for the bounds that tests use.
  std::uint64_t below(std::uint64_t bound);
  double unit();  // uniform in [0, 1)

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace hvd
