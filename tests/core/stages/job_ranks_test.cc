#include "core/stages/job_ranks.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a rank is named with its host and pid", "[job_ranks]") {
  const JobRanks ranks(Rank(1), {{"a", 10}, {"b", 4412}});
  CHECK(ranks.text(Rank(1)) == "rank 1 (host b, pid 4412)");
  CHECK(ranks.text(Rank(-1)) == "rank -1");
  CHECK(ranks.text(Rank(2)) == "rank 2");
  CHECK(ranks.count() == 2);
  CHECK(ranks.self() == Rank(1));
  CHECK_FALSE(ranks.is_root());
}

TEST_CASE("many ranks are named up to a limit and then counted", "[job_ranks]") {
  CHECK(ranks_text({Rank(2)}) == "rank 2");
  CHECK(ranks_text({Rank(0), Rank(1), Rank(3)}) == "ranks 0 1 3");
  CHECK(ranks_text({Rank(0), Rank(1), Rank(3)}, 2) == "ranks 0 1 and 1 more");
  CHECK(ranks_text({}) == "ranks");
}

}  // namespace
}  // namespace hvd
