#include "launcher/command_lookup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace hvd {
namespace {

enum class Found { nothing, folder, not_executable, program };

Found look_at(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    return Found::nothing;
  }
  if (S_ISDIR(facts.st_mode)) {
    return Found::folder;
  }
  return ::access(path.c_str(), X_OK) == 0 ? Found::program : Found::not_executable;
}

std::vector<std::string> candidates(const std::string& command, const std::string& search_path) {
  std::vector<std::string> paths;
  std::size_t start = 0;
  while (start <= search_path.size()) {
    const std::size_t end = std::min(search_path.find(':', start), search_path.size());
    const std::string folder = search_path.substr(start, end - start);
    paths.push_back(str(folder.empty() ? "." : folder, "/", command));
    start = end + 1;
  }
  return paths;
}

Status cannot_run(StatusCode code, const std::string& command, const std::string& reason) {
  return error(code, "cannot run '", command, "': ", reason);
}

std::string advice_for_script(const std::string& command) {
  return command.ends_with(".py") ? str("; run it as: python3 ", command)
                                  : str("; make it executable: chmod +x ", command);
}

std::string advice_for_name(const std::string& command, const std::string& search_path) {
  if (look_at(command) != Found::nothing) {
    return command.ends_with(".py") ? str("; for the file in this folder: python3 ", command)
                                    : str("; for the file in this folder write ./", command);
  }
  if (command == "python" && look_up_command("python3", search_path).ok()) {
    return "; 'python3' is there";
  }
  return "";
}

}  // namespace

Result<std::string> look_up_command(const std::string& command, const std::string& search_path) {
  const bool is_path = command.find('/') != std::string::npos;
  if (command.empty()) {
    return cannot_run(StatusCode::not_found, command, "the command is an empty word");
  }
  Found best = Found::nothing;
  for (const std::string& path :
       is_path ? std::vector<std::string>{command} : candidates(command, search_path)) {
    const Found found = look_at(path);
    if (found == Found::program) {
      return path;
    }
    best = std::max(best, found);
  }
  switch (best) {
    case Found::folder:
      if (is_path) {
        return cannot_run(StatusCode::permission_denied, command, "it is a folder");
      }
      [[fallthrough]];
    case Found::nothing:
      return is_path ? cannot_run(StatusCode::not_found, command, "no such file or directory")
                     : cannot_run(StatusCode::not_found, command,
                                  str("no such file or directory in any folder of PATH",
                                      advice_for_name(command, search_path)));
    default:
      return cannot_run(StatusCode::permission_denied, command,
                        str("it is not executable", is_path ? advice_for_script(command) : ""));
  }
}

int exit_status_for(const Status& lookup) {
  return lookup.code() == StatusCode::not_found ? kExitNotFound : kExitNotExecutable;
}

}  // namespace hvd
