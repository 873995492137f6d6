#include "backends/bootstrap/cores.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <vector>

#include "core/base/str.h"

namespace hvd {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(at, start), text.size());
    parts.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::optional<double> number(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> quotient(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) {
    return std::nullopt;
  }
  return *quota / *period;
}

bool lists(const std::string& comma_list, std::string_view word) {
  const std::vector<std::string> words = split(comma_list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The folder of cgroup `path` under a mount that shows the hierarchy from `root` down. A path
// outside of it (another namespace) falls back to the mount point, which is what a container sees.
std::string folder_below(const std::string& mount, const std::string& root,
                         const std::string& path) {
  std::string_view rest = path;
  if (root != "/") {
    if (!rest.starts_with(root)) {
      return mount;
    }
    rest.remove_prefix(root.size());
  }
  return rest.empty() || rest == "/" ? mount : str(mount, rest);
}

struct Mount {
  std::string root, point, type, options;
};

// "36 25 0:31 /root /sys/fs/cgroup/cpu rw,... shared:9 - cgroup cgroup rw,cpu"
std::optional<Mount> parse_mount(const std::string& line) {
  const std::vector<std::string> fields = split(line, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (fields.size() < 6 || fields.end() - dash < 4) {
    return std::nullopt;
  }
  return Mount{fields[3], fields[4], *(dash + 1), *(dash + 3)};
}

}  // namespace

std::optional<double> cores_of_cpu_max(std::string_view cpu_max) {
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  return quotient(number(cpu_max.substr(0, space)), number(cpu_max.substr(space + 1)));
}

std::optional<double> cores_of_cfs(std::string_view quota_us, std::string_view period_us) {
  return quotient(number(quota_us), number(period_us));
}

CgroupFolders find_cgroup_folders(std::string_view cgroup, std::string_view mountinfo) {
  std::string v2_path, cpu_path, memory_path;
  for (const std::string& line : split(cgroup, '\n')) {  // "4:cpu,cpuacct:/path" or "0::/path"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first == std::string::npos ? first : first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (line.starts_with("0:") && controllers.empty()) {
      v2_path = path;
    }
    if (lists(controllers, "cpu")) {
      cpu_path = path;
    }
    if (lists(controllers, "memory")) {
      memory_path = path;
    }
  }
  CgroupFolders folders;
  for (const std::string& line : split(mountinfo, '\n')) {
    const std::optional<Mount> mount = parse_mount(line);
    if (!mount) {
      continue;
    }
    if (mount->type == "cgroup2" && !v2_path.empty() && folders.v2.empty()) {
      folders.v2 = folder_below(mount->point, mount->root, v2_path);
      folders.v2_mount = mount->point;
    }
    if (mount->type == "cgroup" && !cpu_path.empty() && lists(mount->options, "cpu")) {
      folders.v1_cpu = folder_below(mount->point, mount->root, cpu_path);
    }
    if (mount->type == "cgroup" && !memory_path.empty() && lists(mount->options, "memory")) {
      folders.v1_memory = folder_below(mount->point, mount->root, memory_path);
    }
  }
  return folders;
}

int threads_per_rank(double allowed_cores, int local_size) {
  return std::max(1, static_cast<int>(allowed_cores) / std::max(1, local_size));
}

std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

CgroupFolders cgroup_folders_of_process() {
  return find_cgroup_folders(read_text_file("/proc/self/cgroup"),
                             read_text_file("/proc/self/mountinfo"));
}

std::string cpu_list_text(const std::set<int>& cpus) {
  std::string text;
  for (auto first = cpus.begin(); first != cpus.end();) {
    auto last = first;
    auto next = std::next(first);
    while (next != cpus.end() && *next == *last + 1) {
      last = next++;
    }
    text += str(text.empty() ? "" : ",", *first);
    text += last == first ? "" : str("-", *last);
    first = next;
  }
  return text;
}

std::optional<std::set<int>> parse_cpu_list(std::string_view text) {
  constexpr double kCpuMost = 1 << 16;
  std::set<int> cpus;
  for (const std::string& range : split(text, ',')) {
    const std::size_t dash = range.find('-');
    const std::optional<double> first = number(std::string_view(range).substr(0, dash));
    const std::optional<double> last =
        dash == std::string::npos ? first : number(std::string_view(range).substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last > kCpuMost) {
      return std::nullopt;
    }
    for (int cpu = static_cast<int>(*first); cpu <= static_cast<int>(*last); ++cpu) {
      cpus.insert(cpu);
    }
  }
  return cpus;
}

double cores_together(std::span<const CoreShare> shares) {
  std::set<int> cpus;
  bool all_known = !shares.empty();
  double cores = std::numeric_limits<double>::max();
  for (const CoreShare& share : shares) {
    const std::optional<std::set<int>> own = parse_cpu_list(share.cpu_list);
    all_known = all_known && own.has_value();
    cpus.merge(std::set<int>(own.value_or(std::set<int>{})));
    cores = share.quota > 0 ? std::min(cores, share.quota) : cores;
  }
  return std::max(1.0, all_known ? std::min(cores, static_cast<double>(cpus.size())) : cores);
}

namespace {

// Of the control groups; 0 where there is none.
double quota_of_process() {
  double cores = std::numeric_limits<double>::max();
  const CgroupFolders folders = cgroup_folders_of_process();
  if (!folders.v1_cpu.empty()) {
    cores = std::min(cores, cores_of_cfs(read_text_file(folders.v1_cpu + "/cpu.cfs_quota_us"),
                                         read_text_file(folders.v1_cpu + "/cpu.cfs_period_us"))
                                .value_or(cores));
  }
  // Each folder on the way up limits what lies below it.
  std::string folder = folders.v2;
  while (!folder.empty() && folder.size() >= folders.v2_mount.size()) {
    cores = std::min(cores, cores_of_cpu_max(read_text_file(folder + "/cpu.max")).value_or(cores));
    folder.resize(std::min(folder.find_last_of('/'), folder.size()));
  }
  return cores == std::numeric_limits<double>::max() ? 0 : cores;
}

}  // namespace

CoreShare core_share_of_process() {
  CoreShare share{"", quota_of_process()};
  cpu_set_t mask;
  // Fails (EINVAL) where there are more cores than the mask has bits.
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) {
    std::set<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &mask)) {
        cpus.insert(cpu);
      }
    }
    share.cpu_list = cpu_list_text(cpus);
  }
  return share;
}

double allowed_cores() { return cores_together(std::array{core_share_of_process()}); }

}  // namespace hvd
