#include "backends/bootstrap/cores.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a quota over its period is a number of cores", "[cores]") {
  CHECK(cores_of_cpu_max("150000 100000\n") == 1.5);
  CHECK(cores_of_cpu_max("400000 100000") == 4.0);
  CHECK(cores_of_cfs("50000\n", "100000\n") == 0.5);
}

TEST_CASE("no quota and unreadable text limit nothing", "[cores]") {
  CHECK(!cores_of_cpu_max("max 100000\n"));
  CHECK(!cores_of_cpu_max(""));
  CHECK(!cores_of_cpu_max("100000"));
  CHECK(!cores_of_cpu_max("100000 0"));
  CHECK(!cores_of_cpu_max("1e 2x"));
  CHECK(!cores_of_cfs("-1\n", "100000\n"));  // v1 for "no limit"
  CHECK(!cores_of_cfs("", ""));
}

TEST_CASE("a list of cores is read as it is written", "[cores]") {
  CHECK(cpu_list_text({0, 1, 2, 3, 7}) == "0-3,7");
  CHECK(cpu_list_text({}).empty());
  CHECK(parse_cpu_list("0-3,7") == std::set<int>{0, 1, 2, 3, 7});
  CHECK(parse_cpu_list("5") == std::set<int>{5});
  for (const char* text : {"", "a", "1-", "-1", "3-1", "1,,2", "99999999"}) {
    INFO(text);
    CHECK_FALSE(parse_cpu_list(text).has_value());
  }
}

TEST_CASE("ranks bound to a core each have as many as there are ranks", "[cores]") {
  const auto together = [](std::vector<CoreShare> shares) { return cores_together(shares); };
  CHECK(together({{"0", 0}, {"1", 0}}) == 2);
  CHECK(together({{"0", 0}, {"0", 0}}) == 1);
  CHECK(together({{"0-3", 0}, {"0-3", 0}}) == 4);
  CHECK(together({{"0-3", 1.5}, {"0-3", 1.5}}) == 1.5);
  CHECK(together({{"0-3", 0.5}}) == 1);
  CHECK(together({{"0-3", 0}, {"", 2}}) == 2);  // not known, so that only the quota limits
  CHECK(together({{"0-3", 0}, {"", 0}}) > 1'000);
}

TEST_CASE("threads share the allowed cores and are at least one", "[cores]") {
  CHECK(threads_per_rank(8, 2) == 4);
  CHECK(threads_per_rank(8, 3) == 2);
  CHECK(threads_per_rank(2, 4) == 1);
  CHECK(threads_per_rank(1.5, 1) == 1);
  CHECK(threads_per_rank(0.5, 1) == 1);
}

constexpr const char* kV2Mount =
    "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

TEST_CASE("the folder of a cgroup v2 process lies below the mount", "[cores]") {
  const CgroupFolders folders = find_cgroup_folders("0::/user.slice/a.scope\n", kV2Mount);
  CHECK(folders.v2 == "/sys/fs/cgroup/user.slice/a.scope");
  CHECK(folders.v2_mount == "/sys/fs/cgroup");
  CHECK(folders.v1_cpu.empty());
  CHECK(find_cgroup_folders("0::/\n", kV2Mount).v2 == "/sys/fs/cgroup");
}

TEST_CASE("the folders of cgroup v1 are found by controller", "[cores]") {
  const CgroupFolders folders = find_cgroup_folders(
      "4:memory:/job/1\n3:cpu,cpuacct:/job/2\n0::/\n",
      "33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "34 25 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "35 25 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
  CHECK(folders.v1_cpu == "/sys/fs/cgroup/cpu,cpuacct/job/2");
  CHECK(folders.v1_memory == "/sys/fs/cgroup/memory/job/1");
  CHECK(folders.v2.empty());
}

TEST_CASE("a container sees its own part of the hierarchy at the mount point", "[cores]") {
  const char* mount = "33 25 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n";
  CHECK(find_cgroup_folders("3:cpu:/docker/abc\n", mount).v1_cpu == "/sys/fs/cgroup/cpu");
  CHECK(find_cgroup_folders("3:cpu:/docker/abc/x\n", mount).v1_cpu == "/sys/fs/cgroup/cpu/x");
  CHECK(find_cgroup_folders("3:cpu:/elsewhere\n", mount).v1_cpu == "/sys/fs/cgroup/cpu");
}

TEST_CASE("texts that are no such files give no folders", "[cores]") {
  for (const char* text : {"", "\n", ":", "::", "a b c - d", "0:", "1:cpu", " - - - -"}) {
    const CgroupFolders folders = find_cgroup_folders(text, text);
    CHECK(folders.v2.empty());
    CHECK(folders.v1_cpu.empty());
  }
}

TEST_CASE("this process may use at least a part of a core", "[cores]") {
  CHECK(allowed_cores() > 0);
  CHECK(read_text_file("/proc/self/cgroup/nothing").empty());
}

}  // namespace
}  // namespace hvd
