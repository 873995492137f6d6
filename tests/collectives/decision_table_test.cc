#include "collectives/decision_table.h"

#include <array>
#include <set>

#include "collectives/predict_algorithm.h"
#include "collectives/verifier.h"
#include "tests/catch.h"
#include "tests/collectives/table_jobs.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::array kKinds = {
    CollectiveKind::allreduce, CollectiveKind::reduce,   CollectiveKind::broadcast,
    CollectiveKind::allgather, CollectiveKind::alltoall, CollectiveKind::reduce_scatter,
    CollectiveKind::gather,    CollectiveKind::scatter,  CollectiveKind::barrier};

WorkShape floats(CollectiveKind kind, std::uint64_t bytes) {
  return {.kind = kind, .dtype = DType::float32, .element_count = bytes / sizeof(float)};
}

ScheduleSpec chosen(DecisionTable& table, const WorkShape& shape) {
  const Result<ScheduleChoice> choice = table.choose(shape);
  REQUIRE(choice.ok());
  const Result<ScheduleSpec> spec = unpack_choice(*choice, shape.kind);
  REQUIRE(spec.ok());
  return *spec;
}

// With nothing extrapolated.
double full_seconds(const TableJob& job, const WorkShape& shape, const ScheduleSpec& spec) {
  ScheduleParams params;
  params.rank_count = job.rank_count();
  params.host_of_rank = job.host_of_rank();
  params.chunk_element_count = spec.chunk_bytes / sizeof(float);
  params.slot_element_count = job.settings().slot_bytes_bulk / sizeof(float);
  params.element_count = shape.element_count;
  const Result<Cost> cost = predict_algorithm(*find_algorithm(shape.kind, spec.algorithm), params,
                                              DType::float32, {}, 1e7);
  REQUIRE(cost.ok());
  return cost->seconds;
}

TEST_CASE("on one host the rules decide, whatever is predicted", "[decisions]") {
  const TableJob job(1, 4);
  DecisionTable table = job.table({.flag_seconds = 1e-3});
  for (const CollectiveKind kind : kKinds) {
    for (const std::uint64_t bytes : {4 * kKiB, 64 * kKiB, 4096 * kKiB}) {
      const WorkShape shape = floats(kind, bytes);
      CHECK(*table.choose(shape) == *choose(shape, job.rank_count(), job.settings()));
    }
  }
}

TEST_CASE("between hosts what is predicted to be clearly faster is taken", "[decisions]") {
  // A long vector goes along a chain of hosts in short chunks, not down a tree in long ones.
  const TableJob job(4, 1);
  DecisionTable table = job.table();
  const WorkShape shape = floats(CollectiveKind::broadcast, 1024 * kKiB);
  const ScheduleSpec taken = chosen(table, shape);
  const ScheduleSpec rules =
      *unpack_choice(*choose(shape, job.rank_count(), job.settings()), shape.kind);
  CHECK(taken.algorithm == Algorithm::chain);
  CHECK(taken.chunk_bytes < rules.chunk_bytes);
  CHECK(rules.algorithm == Algorithm::tree);
  CHECK(full_seconds(job, shape, taken) < 0.6 * full_seconds(job, shape, rules));
}

TEST_CASE("what is not clearly faster than the rules' choice is not taken", "[decisions]") {
  int taken_count = 0;
  for (const TableJob& job : {TableJob(2, 1), TableJob(4, 1), TableJob(6, 1), TableJob(3, 2)}) {
    DecisionTable table = job.table();
    for (const CollectiveKind kind : kKinds) {
      for (int size_class = 6; size_class <= 26; ++size_class) {
        const SizeDecision& decision =
            table.decision(representative(kind, size_class, job.rank_count()));
        const bool is_other = decision.taken.row != decision.rules.row ||
                              decision.taken.chunk_bytes != decision.rules.chunk_bytes;
        INFO(collective_name(kind) << " 2^" << size_class);
        CHECK((!is_other || decision.taken.seconds < decision.rules.seconds * kClearlyFaster));
        CHECK((decision.second.row == nullptr || decision.second.row != decision.taken.row));
        taken_count += is_other ? 1 : 0;
      }
    }
  }
  CHECK(taken_count > 0);
}

TEST_CASE("the choice follows the network that was measured", "[decisions]") {
  const TableJob job(8, 1);
  DecisionTable far = job.table({.latency_seconds = 1e-3});
  DecisionTable near = job.table({.latency_seconds = 1e-6, .network_bytes_per_second = 1e8});
  const WorkShape shape = floats(CollectiveKind::allreduce, 64 * kKiB);
  CHECK(chosen(far, shape).algorithm == Algorithm::recursive_doubling);
  CHECK(chosen(near, shape).algorithm != Algorithm::recursive_doubling);
  // Where a core is slow, a rank has rather few messages than short ways.
  DecisionTable slow_cores = job.table({.latency_seconds = 1e-6, .overhead_seconds = 50e-6});
  const WorkShape parts = floats(CollectiveKind::reduce_scatter, 8 * kKiB);
  CHECK(chosen(slow_cores, parts).algorithm == Algorithm::circulant);
  CHECK(chosen(far, parts).algorithm == Algorithm::pairwise);
}

TEST_CASE("HVD_ALGORITHM and HVD_CHUNK_BYTES force, and what they leave open goes by time",
          "[decisions]") {
  TableJob job(4, 1);
  const WorkShape shape = floats(CollectiveKind::broadcast, 1024 * kKiB);
  job.settings().algorithm = "tree";
  DecisionTable tree = job.table();
  CHECK(chosen(tree, shape).algorithm == Algorithm::tree);
  job.settings().algorithm = "chain";
  DecisionTable chain = job.table();
  CHECK(chosen(chain, shape).algorithm == Algorithm::chain);
  CHECK(chosen(chain, shape).chunk_bytes < 64 * kKiB);
  job.settings().chunk_bytes = 80 * kKiB;
  DecisionTable both = job.table();
  CHECK(chosen(both, shape).algorithm == Algorithm::chain);
  CHECK(chosen(both, shape).chunk_bytes == 80 * kKiB);
  job.settings().algorithm = "auto";
  DecisionTable chunk = job.table();
  CHECK(chosen(chunk, shape).chunk_bytes == 80 * kKiB);
  job.settings().algorithm = "star";
  DecisionTable unknown = job.table();
  CHECK(unknown.choose(floats(CollectiveKind::allreduce, 64)).status().message().find("star") !=
        std::string::npos);
}

TEST_CASE("parts that differ, Adasum and messages go by the rules", "[decisions]") {
  const TableJob job(4, 1);
  const DecisionTable table = job.table();
  WorkShape shape = floats(CollectiveKind::reduce_scatter, 8 * kKiB);
  CHECK(table.is_open(shape));
  shape.even_parts = false;
  CHECK_FALSE(table.is_open(shape));
  shape = floats(CollectiveKind::allreduce, 8 * kKiB);
  CHECK(table.is_open(shape));
  shape.op = ReduceOp::adasum;
  CHECK_FALSE(table.is_open(shape));
  CHECK_FALSE(table.is_open(floats(CollectiveKind::send, 8 * kKiB)));
}

TEST_CASE("with HVD_DETERMINISTIC all sizes have one order, and nothing measured counts",
          "[decisions]") {
  for (TableJob job : {TableJob(4, 1), TableJob(5, 1), TableJob(2, 2), TableJob(3, 2)}) {
    job.settings().deterministic = true;
    DecisionTable table = job.table();
    DecisionTable other = job.table({.latency_seconds = 1e-3, .network_bytes_per_second = 1e7});
    for (const CollectiveKind kind : {CollectiveKind::allreduce, CollectiveKind::reduce}) {
      std::set<CombiningOrder> orders;
      for (std::uint64_t bytes = 4; bytes < 256 * kKiB * kKiB; bytes *= 4) {
        const WorkShape shape = floats(kind, bytes);
        CHECK(*table.choose(shape) == *other.choose(shape));
        const ScheduleSpec spec = chosen(table, shape);
        CHECK(spec.fixed_order);
        orders.insert(combining_order(*find_algorithm(kind, spec.algorithm), false));
      }
      CHECK(orders.size() == 1);
      CHECK(orders.count(CombiningOrder::any) == 0);
    }
  }
}

TEST_CASE("a decision takes a bounded number of ops, however large the job", "[decisions]") {
  int predicted_count = 0;
  for (const TableJob& job : {TableJob(2, 1), TableJob(2, 8), TableJob(8, 8), TableJob(64, 1),
                              TableJob(100, 1), TableJob(1024, 1), TableJob(128, 8)}) {
    DecisionTable table = job.table();
    for (const CollectiveKind kind : kKinds) {
      for (int size_class = 4; size_class <= 30; size_class += 2) {
        const SizeDecision& decision =
            table.decision(representative(kind, size_class, job.rank_count()));
        CHECK(decision.ops <= kDecisionOpsMost);
        CHECK(decision.taken.row != nullptr);
        predicted_count += decision.by_time ? 1 : 0;
      }
    }
  }
  CHECK(predicted_count > 300);
}

TEST_CASE("sizes are classed by the power of two that they fit in", "[decisions]") {
  CHECK(size_class_of(0) == 0);
  CHECK(size_class_of(1) == 0);
  CHECK(size_class_of(2) == 1);
  CHECK(size_class_of(1024) == 10);
  CHECK(size_class_of(1025) == 11);
  CHECK(size_class_of(~std::uint64_t{0}) == kSizeClassCount - 1);
  const WorkShape parts = representative(CollectiveKind::allgather, 10, 3);
  CHECK(parts.element_count % 3 == 0);
  CHECK(size_class_of(parts.element_count * sizeof(float)) == 10);
}

TEST_CASE("narrow chunks are predicted as such", "[decisions]") {
  TableJob job(4, 1);
  job.settings().narrow = WireType::bfloat16;
  DecisionTable table = job.table({.network_bytes_per_second = 1e8});
  WorkShape shape = floats(CollectiveKind::allreduce, 1024 * kKiB);
  const double narrow = table.decision(shape).taken.seconds;
  shape.dtype = DType::int32;
  CHECK(narrow < 0.6 * table.decision(shape).taken.seconds);
}

// Chunks are shorter here than any that the rules choose, so that there are more of them.
TEST_CASE("what the table takes is proven for jobs of up to 8 ranks", "[decisions]") {
  for (const TableJob& job : {TableJob(2, 1), TableJob(3, 1), TableJob(6, 1), TableJob(8, 1),
                              TableJob(2, 2), TableJob(3, 2)}) {
    DecisionTable table = job.table();
    for (const CollectiveKind kind : kKinds) {
      for (const int size_class : {8, 13, 16, 18, 20}) {
        const WorkShape shape = representative(kind, size_class, job.rank_count());
        const ScheduleSpec spec = chosen(table, shape);
        const std::vector<Schedule> schedules = job.schedules(shape, spec);
        const VerifierReport report = verify_schedules(schedules, 2);
        INFO(collective_name(kind)
             << " 2^" << size_class << " on " << job.rank_count() << " ranks");
        INFO(report.status.message());
        CHECK(report.ok());
      }
    }
  }
}

}  // namespace
}  // namespace hvd
