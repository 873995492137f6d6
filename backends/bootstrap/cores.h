// backends/bootstrap/cores.h: how many cores this process may use: affinity mask and cgroup quota,
// v1 and v2. Not here: binding ranks to cores. Threads: pure functions and readers of /proc and
// /sys, any thread.  Limits: none. Read next: launcher/rank_environment.h,
// bindings/c/spin_policy.h.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace hvd {

// Pure parts. Each gives nothing for text that is not of its form.
std::optional<double> cores_of_cpu_max(std::string_view cpu_max);  // cgroup v2: "150000 100000"
std::optional<double> cores_of_cfs(std::string_view quota_us, std::string_view period_us);  // v1

// Where the limits of this process lie in the file system; "" if that version is not in use.
struct CgroupFolders {
  std::string v2;        // mount point and path
  std::string v2_mount;  // where to stop walking up
  std::string v1_cpu;
  std::string v1_memory;
};
// From the texts of /proc/self/cgroup and /proc/self/mountinfo.
CgroupFolders find_cgroup_folders(std::string_view cgroup, std::string_view mountinfo);

// OMP_NUM_THREADS for each rank: at least 1, all ranks together not above the allowed cores.
int threads_per_rank(double allowed_cores, int local_size);

// What one process may use: the numbers of its cores, "0-3,7", and how many its quota leaves of
// them.
struct CoreShare {
  std::string cpu_list;  // "": not known
  double quota = 0;      // 0: no limit
  friend bool operator==(const CoreShare&, const CoreShare&) = default;
};
// "0-3,7" of {0, 1, 2, 3, 7}, and back; nothing for text that is not of this form.
std::string cpu_list_text(const std::set<int>& cpus);
std::optional<std::set<int>> parse_cpu_list(std::string_view text);
// How many cores processes of one host have together: those that any of them may use, and not more
// than the smallest quota, since a control group may be that of all of them. At least 1.
double cores_together(std::span<const CoreShare> shares);

// The outer world.
CoreShare core_share_of_process();
std::string read_text_file(const std::string& path);  // "" if it cannot be read
CgroupFolders cgroup_folders_of_process();
double allowed_cores();

}  // namespace hvd
