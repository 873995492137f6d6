#include "core/stages/fusion.h"

#include <rapidcheck.h>

#include <algorithm>
#include <numeric>

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::shape_of;
using Groups = std::vector<std::vector<std::size_t>>;

Groups fuse(const std::vector<Decision>& decisions, std::size_t bytes_max) {
  static Fusion fusion;  // what an earlier call left in it changes nothing
  fusion.fuse(decisions, bytes_max);
  Groups groups;
  for (std::size_t i = 0; i < fusion.group_count(); ++i) {
    groups.emplace_back(fusion.group(i).begin(), fusion.group(i).end());
  }
  return groups;
}

Groups fuse_all(const std::vector<ReadyEntry>& entries, std::size_t bytes_max) {
  std::vector<Decision> decisions;
  decisions.reserve(entries.size());
  for (const ReadyEntry& entry : entries) {
    decisions.push_back({.status = ok_status(), .entry = entry});
  }
  return fuse(decisions, bytes_max);
}

ReadyEntry any_entry() {
  ReadyEntry entry =
      entry_of("x", static_cast<CollectiveKind>(*rc::gen::inRange(0, kCollectiveKindCount)),
               shape_of({*rc::gen::inRange(0, 10)}));
  entry.dtype = *rc::gen::element(DType::float32, DType::float64);
  entry.op = *rc::gen::element(ReduceOp::sum, ReduceOp::average, ReduceOp::premultiplied_sum);
  entry.root = Rank(*rc::gen::inRange(0, 2));
  entry.prescale = *rc::gen::element(1.0, 0.5);
  return entry;
}

std::vector<ReadyEntry> any_entries() {
  std::vector<ReadyEntry> entries;
  for (int i = *rc::gen::inRange(0, 40); i > 0; --i) {
    entries.push_back(any_entry());
  }
  return entries;
}

bool may_travel_together(const ReadyEntry& a, const ReadyEntry& b) {
  if (a.kind != b.kind || a.dtype != b.dtype) {
    return false;
  }
  if (a.kind == CollectiveKind::allreduce || a.kind == CollectiveKind::reduce) {
    const bool one_root = a.kind == CollectiveKind::allreduce || a.root == b.root;
    return one_root && a.op == b.op && a.op != ReduceOp::premultiplied_sum &&
           a.prescale == b.prescale && a.postscale == b.postscale;
  }
  return a.kind == CollectiveKind::broadcast && a.root == b.root;
}

TEST_CASE("groups are a partition in order, of one kind, within the limit", "[fusion]") {
  CHECK(rc::check([] {
    const std::vector<ReadyEntry> entries = any_entries();
    const auto bytes_max = *rc::gen::inRange<std::size_t>(0, 200);
    const Groups groups = fuse_all(entries, bytes_max);
    std::vector<std::size_t> seen;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::vector<std::size_t>& group = groups[g];
      RC_ASSERT_FALSE(group.empty());
      RC_ASSERT(std::is_sorted(group.begin(), group.end()));
      RC_ASSERT((g == 0 || groups[g - 1].front() < group.front()));
      std::size_t bytes = 0;
      for (const std::size_t member : group) {
        RC_ASSERT((member == group.front() ||
                   may_travel_together(entries[group.front()], entries[member])));
        bytes += entries[member].byte_count();
        seen.push_back(member);
      }
      RC_ASSERT((group.size() == 1 || bytes <= bytes_max));
    }
    std::sort(seen.begin(), seen.end());
    std::vector<std::size_t> all(entries.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    RC_ASSERT(seen == all);
  }));
}

TEST_CASE("the result follows from the entries alone", "[fusion]") {
  CHECK(rc::check([] {
    const std::vector<ReadyEntry> entries = any_entries();
    const std::vector<ReadyEntry> copies = entries;  // NOLINT: their addresses are others
    RC_ASSERT(fuse_all(entries, 100) == fuse_all(copies, 100));
  }));
}

TEST_CASE("what fits together goes together", "[fusion]") {
  std::vector<ReadyEntry> entries(4, entry_of("x"));  // 24 bytes each
  CHECK(fuse_all(entries, 1000) == Groups{{0, 1, 2, 3}});
  CHECK(fuse_all(entries, 48) == Groups{{0, 1}, {2, 3}});
  CHECK(fuse_all(entries, 47) == Groups{{0}, {1}, {2}, {3}});
  entries[1].dtype = DType::float64;  // stands between, and the others still meet
  CHECK(fuse_all(entries, 1000) == Groups{{0, 2, 3}, {1}});
}

TEST_CASE("reduces of one root travel together, premultiplied sums alone", "[fusion]") {
  std::vector<ReadyEntry> entries(3, entry_of("x", CollectiveKind::reduce));
  CHECK(fuse_all(entries, 1000) == Groups{{0, 1, 2}});
  entries[1].root = Rank(1);
  CHECK(fuse_all(entries, 1000) == Groups{{0, 2}, {1}});
  entries.assign(2, entry_of("x"));
  entries[0].op = entries[1].op = ReduceOp::premultiplied_sum;
  CHECK(fuse_all(entries, 1000) == Groups{{0}, {1}});
}

TEST_CASE("tensors in the arena travel apart from the others", "[fusion]") {
  std::vector<ReadyEntry> entries(3, entry_of("x", CollectiveKind::allreduce, shape_of({4})));
  entries[1].within_reach = true;
  CHECK(fuse_all(entries, 1'000) == Groups{{0, 2}, {1}});
}

TEST_CASE("a limit of 0 turns fusion off, for tensors without elements too", "[fusion]") {
  const std::vector<ReadyEntry> entries(3, entry_of("x", CollectiveKind::allreduce, shape_of({0})));
  CHECK(fuse_all(entries, 0) == Groups{{0}, {1}, {2}});
  CHECK(fuse_all(entries, 1) == Groups{{0, 1, 2}});
}

Decision tensor_of(const std::string& name, std::uint32_t tensor, DType dtype = DType::float32) {
  Decision decision{.status = ok_status(), .entry = entry_of(name), .tensor = tensor};
  decision.entry.dtype = dtype;
  return decision;
}

TEST_CASE("a group's tensors go together beyond the limit, and with nobody else", "[fusion]") {
  const Decision alone{.status = ok_status(), .entry = entry_of("x")};
  const std::vector<Decision> decisions = {alone,
                                           tensor_of("g", 0),
                                           tensor_of("g", 1, DType::int64),
                                           tensor_of("g", 2),
                                           tensor_of("h", 0),
                                           alone};
  CHECK(fuse(decisions, 24) == Groups{{0}, {1, 3}, {2}, {4}, {5}});
  CHECK(fuse(decisions, 1000) == Groups{{0, 5}, {1, 3}, {2}, {4}});
  CHECK(fuse(decisions, 0) == Groups{{0}, {1}, {2}, {3}, {4}, {5}});  // fusion is turned off
}

}  // namespace
}  // namespace hvd
