// Every row of the registry for all sizes on up to 64 ranks, and a sample on up to 1024: what takes
// hours. Each rank count is a test case of its own, so that several can run side by side.
#include <cstdlib>

#include "collectives/verifier.h"
#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/algorithm_cases.h"
#include "tests/collectives/order_claims.h"

namespace hvd {
namespace {

int verify_cases(int rank_count, Extent extent) {
  int count = 0;
  OrderClaims claims;
  for (const AlgorithmRow& row : algorithm_rows()) {
    for_cases(row, rank_count, extent, [&](const AlgorithmCase& one) {
      const std::vector<Schedule> schedules = schedules_of(one);
      const VerifierReport report = verify_schedules(schedules, one.edge_slot_count);
      ++count;
      if (!report.ok()) {
        FAIL(report.status.message() << "\ncase: " << case_text(one));
      }
      if (const std::string fault = claims.fault_of(one, schedules); !fault.empty()) {
        FAIL(fault << "\ncase: " << case_text(one));
      }
    });
  }
  return count;
}

void verify(int rank_count, Extent extent) {
  const int count = verify_cases(rank_count, extent);
  WARN("p " << rank_count << ": " << count << " cases proven");
  CHECK(count > 0);
}

TEMPLATE_TEST_CASE_SIG("each algorithm is proven for all sizes and factors on so many ranks",
                       "[1-16]", ((int kRanks), kRanks), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                       14, 15, 16) {
  verify(kRanks, Extent::full);
}
TEMPLATE_TEST_CASE_SIG("each algorithm is proven for all sizes on so many ranks, up to 32",
                       "[17-32]", ((int kRanks), kRanks), 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                       27, 28, 29, 30, 31, 32) {
  verify(kRanks, Extent::quick);
}
TEMPLATE_TEST_CASE_SIG("each algorithm is proven for all sizes on so many ranks, up to 48",
                       "[33-48]", ((int kRanks), kRanks), 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
                       43, 44, 45, 46, 47, 48) {
  verify(kRanks, Extent::quick);
}
TEMPLATE_TEST_CASE_SIG("each algorithm is proven for all sizes on so many ranks, up to 64",
                       "[49-64]", ((int kRanks), kRanks), 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
                       59, 60, 61, 62, 63, 64) {
  verify(kRanks, Extent::quick);
}
TEMPLATE_TEST_CASE_SIG("each algorithm is proven for two sizes on so many ranks, up to 256",
                       "[256]", ((int kRanks), kRanks), 65, 96, 100, 127, 128, 129, 256) {
  verify(kRanks, Extent::probe);
}
TEMPLATE_TEST_CASE_SIG("each algorithm is proven for two sizes on so many ranks, up to 1024",
                       "[1024]", ((int kRanks), kRanks), 1000, 1024) {
  verify(kRanks, Extent::probe);
}

}  // namespace
}  // namespace hvd
