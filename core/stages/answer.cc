#include "core/stages/answer.h"

#include <algorithm>
#include <functional>

#include "core/base/check.h"

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
void add_runs(std::span<const Decision> decisions, std::span<const std::size_t> members,
              std::vector<MemberRun>& runs) {
  for (const std::size_t member : members) {
    const std::uint32_t tensor = *decisions[member].tensor;
    if (runs.empty() || tensor != runs.back().first + runs.back().count) {
      runs.push_back({tensor, 0});
    }
    ++runs.back().count;
  }
}

}  // namespace

void Answer::begin(std::uint64_t sequence, std::size_t group_count) {
  message_.sequence = sequence;
  message_.groups.resize(group_count);
  audiences_.clear();
  same_for_all_ = true;
}

// The next group, whatever its last use left in it gone, but for the memory of its names.
AnsweredGroup& Answer::add(Decision& decision) {
  HVD_CHECK(audiences_.size() < message_.groups.size());
  AnsweredGroup& group = message_.groups[audiences_.size()];
  group.code = decision.status.code();
  group.error_text = decision.status.message();
  group.culprit = Rank(decision.status.culprit_rank());
  group.choice = 0;
  group.rows.clear();
  group.item = 0;
  group.dtype = DType::uint8;
  group.shape = Shape();
  group.members.clear();
  Audience& audience = audiences_.add();
  audience.members.swap(decision.members);
  audience.splits.swap(decision.splits);
  same_for_all_ = same_for_all_ && audience.members.empty() && audience.splits.empty();
  return group;
}

void Answer::add_failed(Decision& decision) {
  AnsweredGroup& group = add(decision);
  group.names.resize(1);
  group.names.front() = decision.entry.name;
}

void Answer::add_agreed(std::span<Decision> decisions, std::span<const std::size_t> members,
                        ScheduleChoice choice, std::uint64_t item) {
  Decision& first = decisions[members.front()];
  AnsweredGroup& group = add(first);
  group.choice = choice;
  group.item = item;
  group.rows.swap(first.rows);
  if (first.entry.kind == CollectiveKind::scatter) {
    group.dtype = first.entry.dtype;
    group.shape = first.entry.shape;
  }
  if (first.tensor) {
    group.names.resize(1);
    group.names.front() = first.entry.name;
    add_runs(decisions, members, group.members);
    return;
  }
  group.names.resize(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    group.names[i].swap(decisions[members[i]].entry.name);
  }
}

AnswerMessage Answer::for_rank(Rank rank) const {
  AnswerMessage message{message_.sequence, {}};
  for (std::size_t i = 0; i < message_.groups.size(); ++i) {
    const std::vector<Rank>& members = audiences_[i].members;
    if (!members.empty() && std::find(members.begin(), members.end(), rank) == members.end()) {
      continue;
    }
    AnsweredGroup& group = message.groups.emplace_back(message_.groups[i]);
    if (!audiences_[i].splits.empty()) {
      group.rows = column(audiences_[i].splits, rank);
    }
  }
  return message;
}

WorkShape work_shape(std::span<const Decision> decisions, std::span<const std::size_t> members) {
  const Decision& first = decisions[members.front()];
  const ReadyEntry& entry = first.entry;
  WorkShape shape{.kind = entry.kind, .dtype = entry.dtype, .op = entry.op, .root = entry.root};
  // A pair, as all of a group: fuse() parts those that are from those that are not.
  shape.within_reach = entry.within_reach;
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
