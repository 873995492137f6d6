// hvd-explain: how hvd would do a collective, why, how long it takes and whether it is proven.
#include <cstdio>
#include <string>
#include <vector>

#include "bindings/tools/explain.h"
#include "bindings/tools/explain_options.h"
#include "core/base/str.h"

namespace hvd {
namespace {

constexpr int kExitUsage = 2;

int complain(const Status& status) {
  std::fputs(str("hvd-explain: ", status.message(), "\n").c_str(), stderr);
  return kExitUsage;
}

int run(const std::vector<std::string>& words) {
  Result<ExplainCommand> command = parse_explain(words);
  if (!command.ok()) {
    return complain(command.status());
  }
  std::string text = command->text.value_or("");
  if (!command->text) {
    Result<std::string> explained = explain(command->options);
    if (!explained.ok()) {
      return complain(explained.status());
    }
    text = *explained;
  }
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace hvd

int main(int argc, char** argv) { return hvd::run({argv + 1, argv + argc}); }
