#include "core/stages/answer.h"

#include <algorithm>
#include <utility>

namespace hvd {
namespace {

std::size_t total(const std::vector<std::int64_t>& rows) {
  std::size_t sum = 0;
  for (const std::int64_t count : rows) {
    sum += static_cast<std::size_t>(count);
  }
  return sum;
}

std::vector<std::int64_t> column(const std::vector<std::vector<std::int64_t>>& table, Rank rank) {
  std::vector<std::int64_t> values;
  values.reserve(table.size());
  for (const std::vector<std::int64_t>& row : table) {
    values.push_back(row[rank.index()]);
  }
  return values;
}

bool all_equal(const std::vector<std::int64_t>& rows) {
  return std::adjacent_find(rows.begin(), rows.end(), std::not_equal_to<>()) == rows.end();
}

// Which tensors of a grouped operation they are.
std::vector<MemberRun> runs_of(const std::vector<Decision>& decisions,
                               const std::vector<std::size_t>& members) {
  std::vector<MemberRun> runs;
  for (const std::size_t member : members) {
    const std::uint32_t tensor = *decisions[member].tensor;
    if (runs.empty() || tensor != runs.back().first + runs.back().count) {
      runs.push_back({tensor, 0});
    }
    ++runs.back().count;
  }
  return runs;
}

}  // namespace

void Answer::add(DecidedGroup group) {
  same_for_all_ = same_for_all_ && group.members.empty() && group.splits.empty();
  groups_.push_back(std::move(group));
}

AnswerMessage Answer::for_rank(Rank rank) const {
  AnswerMessage message{sequence_, {}};
  for (const DecidedGroup& group : groups_) {
    const std::vector<Rank>& members = group.members;
    if (!members.empty() && std::find(members.begin(), members.end(), rank) == members.end()) {
      continue;
    }
    AnsweredGroup& answer = message.groups.emplace_back(group.answer);
    if (!group.splits.empty()) {
      answer.rows = column(group.splits, rank);
    }
  }
  return message;
}

DecidedGroup failed_group(const Decision& decision) {
  DecidedGroup group;
  group.answer.code = decision.status.code();
  group.answer.error_text = decision.status.message();
  group.answer.culprit = Rank(decision.status.culprit_rank());
  group.answer.names = {decision.entry.name};
  group.members = decision.members;
  return group;
}

DecidedGroup agreed_group(std::vector<Decision>& decisions,
                          const std::vector<std::size_t>& members) {
  DecidedGroup group;
  Decision& first = decisions[members.front()];
  if (first.tensor) {
    group.answer.names = {first.entry.name};
    group.answer.members = runs_of(decisions, members);
  } else {
    for (const std::size_t member : members) {
      group.answer.names.push_back(std::move(decisions[member].entry.name));
    }
  }
  group.answer.rows = std::move(first.rows);
  if (first.entry.kind == CollectiveKind::scatter) {
    group.answer.dtype = first.entry.dtype;
    group.answer.shape = first.entry.shape;
  }
  group.members = std::move(first.members);
  group.splits = std::move(first.splits);
  return group;
}

WorkShape work_shape(const std::vector<Decision>& decisions,
                     const std::vector<std::size_t>& members) {
  const Decision& first = decisions[members.front()];
  const ReadyEntry& entry = first.entry;
  WorkShape shape{.kind = entry.kind, .dtype = entry.dtype, .op = entry.op, .root = entry.root};
  shape.in_arena = entry.in_arena;  // pair: fuse() parts those that are from those that are not
  shape.tensor_count = members.size();
  if (!has_counts(entry.kind)) {
    for (const std::size_t member : members) {
      shape.element_count +=
          entry.kind == CollectiveKind::barrier ? 0 : decisions[member].entry.shape.element_count();
    }
    return shape;
  }
  std::size_t rows = total(first.rows);
  shape.even_parts = all_equal(first.rows);
  for (std::size_t r = 0; r < first.splits.size(); ++r) {
    const std::vector<std::int64_t> received = column(first.splits, Rank(r));
    rows = std::max(rows, total(received));
    shape.even_parts = shape.even_parts && all_equal(received) && received == first.splits[0];
  }
  shape.element_count = rows * entry.shape.row_element_count();
  return shape;
}

}  // namespace hvd
