// tests/collectives/adasum_reference.h: Adasum in fp64, of whole vectors, written from its formula.
// Not here: kernels, schedules.
// Threads: pure functions.  Limits: none.
// Read next: reference_executor.cc.
#pragma once

#include <vector>

namespace hvd {

// Of one vector a rank. Beyond a power of two the first ranks are combined in pairs; then
// neighbours, until one is left.
std::vector<double> adasum_reference(std::vector<std::vector<double>> vectors);

}  // namespace hvd
