// Every row of the registry, symbolically, for many sizes. What is too long for every change is in
// verify_algorithms_full.cc.
#include "collectives/verifier.h"
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

TEST_CASE("each algorithm is proven for all sizes on up to 9 ranks", "[verify_algorithms]") {
  int count = 0;
  for (int p = 1; p <= 9; ++p) {
    count += verify_cases(p, Extent::quick);
  }
  CHECK(count > 9 * 30 * static_cast<int>(algorithm_rows().size()));
}

TEST_CASE("each algorithm is proven for some sizes on more ranks", "[verify_algorithms]") {
  int count = 0;
  for (const int p : {12, 17}) {
    count += verify_cases(p, Extent::sample);
  }
  CHECK(count > 2 * 5 * static_cast<int>(algorithm_rows().size()));
}

}  // namespace
}  // namespace hvd
