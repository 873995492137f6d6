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

// Below `all_below` with all combinations of factors, places and roots; then some of each size.
void verify_range(int first, int last, int all_below) {
  for (int p = first; p <= last; ++p) {
    const int count = verify_cases(p, p < all_below ? Extent::full : Extent::quick);
    WARN("p " << p << ": " << count << " cases proven");
    CHECK(count > 0);
  }
}

TEST_CASE("each algorithm is proven for all sizes on 1 to 16 ranks", "[1-16]") {
  verify_range(1, 16, 17);
}
TEST_CASE("each algorithm is proven for all sizes on 17 to 32 ranks", "[17-32]") {
  verify_range(17, 32, 17);
}
TEST_CASE("each algorithm is proven for all sizes on 33 to 48 ranks", "[33-48]") {
  verify_range(33, 48, 17);
}
TEST_CASE("each algorithm is proven for all sizes on 49 to 64 ranks", "[49-64]") {
  verify_range(49, 64, 17);
}

TEST_CASE("each algorithm is proven for a sample of sizes on 65 to 256 ranks", "[256]") {
  for (const int p : {65, 96, 100, 127, 128, 129, 256}) {
    const int count = verify_cases(p, Extent::probe);
    WARN("p " << p << ": " << count << " cases proven");
    CHECK(count > 0);
  }
}

TEST_CASE("each algorithm is proven for a few sizes on 1000 and 1024 ranks", "[1024]") {
  for (const int p : {1000, 1024}) {
    const int count = verify_cases(p, Extent::probe);
    WARN("p " << p << ": " << count << " cases proven");
    CHECK(count > 0);
  }
}

}  // namespace
}  // namespace hvd
