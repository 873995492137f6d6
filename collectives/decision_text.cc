#include "collectives/decision_text.h"

#include <array>
#include <cstdio>

#include "collectives/figure_text.h"
#include "core/base/str.h"

namespace hvd {
namespace {

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> text{};
  (void)std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string predicted_text(const PredictedChoice& choice) {
  return choice.seconds > 0 ? time_text(choice.seconds) : "-";
}

std::string size_text(int size_class) {
  return bytes_text(static_cast<double>(std::uint64_t{1} << size_class));
}

int last_class_of(CollectiveKind kind) {
  return kind == CollectiveKind::barrier ? kPrintedClassLeast : kPrintedClassMost;
}

// What a line of a log says of a class; the chunk only where it is not the rules' for each size.
std::string decision_words(const SizeDecision& decision) {
  std::string text(decision.taken.row->name);
  if (decision.taken.chunk_bytes != 0) {
    text += str(" in chunks of ", bytes_text(static_cast<double>(decision.taken.chunk_bytes)));
  }
  return text + (decision.by_time ? ", by predicted time" : ", by the rules");
}

std::string decision_line(CollectiveKind kind, int last_class, const SizeDecision& decision) {
  std::string text = str(collective_name(kind), ": ");
  if (last_class < last_class_of(kind)) {
    text += str("up to ", size_text(last_class), " ");
  }
  text += decision_words(decision);
  if (decision.taken.seconds > 0) {
    text += str("; at that size ", time_text(decision.taken.seconds));
    if (decision.second.row != nullptr) {
      text += str(", next ", decision.second.row->name, " ", time_text(decision.second.seconds));
    }
  }
  return text;
}

}  // namespace

std::string decisions_text(DecisionTable& table, CollectiveKind kind) {
  std::string text = format("%8s  %-18s %8s %10s  %-18s %8s %10s  %s\n", "up to", "algorithm",
                            "chunk", "predicted", "next best", "chunk", "predicted", "decided by");
  for (int size_class = kPrintedClassLeast; size_class <= last_class_of(kind); ++size_class) {
    const SizeDecision decision = table.study(kind, size_class);
    const auto chunk = [&](const PredictedChoice& choice) {
      return bytes_text(static_cast<double>(table.chunk_bytes_of(choice, size_class)));
    };
    const bool has_second = decision.second.row != nullptr;
    text += format("%8s  %-18s %8s %10s  %-18s %8s %10s  %s\n", size_text(size_class).c_str(),
                   std::string(decision.taken.row->name).c_str(), chunk(decision.taken).c_str(),
                   predicted_text(decision.taken).c_str(),
                   has_second ? std::string(decision.second.row->name).c_str() : "-",
                   has_second ? chunk(decision.second).c_str() : "-",
                   predicted_text(decision.second).c_str(), decision.by_time ? "time" : "rules");
  }
  return text;
}

std::vector<std::string> decision_lines(DecisionTable& table) {
  std::vector<std::string> lines;
  for (int number = 0; number < kCollectiveKindCount; ++number) {
    const auto kind = static_cast<CollectiveKind>(number);
    if (is_point_to_point(kind)) {
      continue;
    }
    SizeDecision before = table.study(kind, kPrintedClassLeast);
    for (int size_class = kPrintedClassLeast; size_class < last_class_of(kind); ++size_class) {
      const SizeDecision next = table.study(kind, size_class + 1);
      if (decision_words(next) != decision_words(before)) {
        lines.push_back(decision_line(kind, size_class, before));
      }
      before = next;
    }
    lines.push_back(decision_line(kind, last_class_of(kind), before));
  }
  return lines;
}

}  // namespace hvd
