#include "core/stages/root_negotiator.h"

#include <algorithm>
#include <iterator>

#include "core/base/check.h"

namespace hvd {
namespace {

std::string seconds_text(Nanos nanos) {
  // One decimal: enough to compare with a setting, short enough to read.
  const std::int64_t tenths = (nanos + kSecond / 20) / (kSecond / 10);
  return str(tenths / 10, ".", tenths % 10, " s");
}

std::size_t answer_bytes_most(const Decision& decision) {
  return 64 + decision.entry.name.size() + decision.status.message().size() +
         sizeof(std::int64_t) * std::max(decision.rows.size(), decision.splits.size());
}

constexpr std::uint64_t kElementCountMost = std::uint64_t{1} << 56;

// Reduced where they lie only if all ranks have them there; and a wait on one of them is enough.
void note_circumstances(const ReadyEntry& entry, ReadyEntry& first) {
  first.waited = first.waited || entry.waited;
  first.within_reach = first.within_reach && entry.within_reach;
  for (std::size_t i = 0; i < std::min(first.members.size(), entry.members.size()); ++i) {
    first.members[i].within_reach = first.members[i].within_reach && entry.members[i].within_reach;
  }
}

// "allreduce 'x'", "allreduce 'x' of 3 tensors"
std::string text_of(const ReadyEntry& entry) {
  return str(collective_name(entry.kind), " '", entry.name, "'",
             entry.members.empty() ? "" : str(" of ", entry.members.size(), " tensors"));
}

// The sum times the row's elements, or more than kElementCountMost if it is more.
unsigned __int128 elements_of(const std::vector<std::int64_t>& rows, const Shape& shape) {
  unsigned __int128 sum = 0;
  for (const std::int64_t count : rows) {
    sum += static_cast<std::uint64_t>(count);
  }
  return sum * shape.row_element_count();
}

}  // namespace

RootNegotiator::RootNegotiator(const JobRanks& ranks, Limits limits)
    : ranks_(ranks),
      limits_(limits),
      gone_(static_cast<std::size_t>(ranks.count()), false),
      last_submit_(static_cast<std::size_t>(ranks.count())) {}

void RootNegotiator::on_ready(Rank from, const ReadyMessage& message, Time now) {
  for (const ReadyEntry& entry : message.entries) {
    if (!crossed(from, entry.name, message.answers_seen)) {
      add(from, entry, now);
    }
  }
  settle_owed(from, message.answers_seen);
}

void RootNegotiator::add(Rank from, const ReadyEntry& entry, Time now) {
  last_submit_[from.index()].name = entry.name;
  last_submit_[from.index()].at = now;
  const auto [at, is_new] = pending_.insert(entry.name);
  Pending& pending = at->second;
  if (is_new) {
    begin(from, entry, now, pending);
  }
  if (pending.came[from.index()] || !needs(pending, from)) {
    // Its own rank refuses that at submission, so the peer is broken; its error, not the job's end.
    fail(error(StatusCode::internal, text_of(entry), " was announced by ", ranks_.text(from),
               needs(pending, from) ? " twice" : ", which has no part in it"),
         entry.name, pending.members);
    forget(at);
    return;
  }
  pending.came[from.index()] = true;
  ++pending.came_count;
  note_parts(from, entry, pending);
  note_circumstances(entry, pending.first);
  if (from != pending.first_rank && !same_operation(pending.first, entry)) {
    pending.differing.push_back({from, entry});
  } else if (entry.kind == CollectiveKind::scatter && from == entry.root) {
    const bool waited = pending.first.waited;
    pending.first = entry;  // the others do not say of which shape it is
    pending.first.waited = waited;
    pending.first_rank = from;
  }
  const Time since = now - std::min(entry.age, now);
  pending.since = std::min(pending.since, since);
  if (entry.deadline > 0 && time_after(since, entry.deadline) < pending.deadline) {
    pending.deadline = time_after(since, entry.deadline);
    pending.deadline_length = entry.deadline;
  }
  note_timer(pending);
  if (static_cast<std::size_t>(pending.came_count) == member_count(pending)) {
    decide_complete(at);
    return;
  }
  for (std::size_t r = 0; r < gone_.size(); ++r) {
    if (gone_[r] && needs(pending, Rank(r))) {
      fail_for_lack_of(Rank(r), entry.name, pending);
      forget(at);
      return;
    }
  }
}

// In the memory of one that was decided.
void RootNegotiator::begin(Rank from, const ReadyEntry& entry, Time now, Pending& pending) const {
  pending.differing.clear();
  pending.first = entry;
  pending.first_rank = from;
  pending.came.assign(static_cast<std::size_t>(ranks_.count()), false);
  pending.members.clear();
  if (is_point_to_point(entry.kind)) {
    pending.members = {std::min(from, entry.peer), std::max(from, entry.peer)};
  }
  pending.parts.clear();
  pending.came_count = 0;
  pending.since = now;
  pending.deadline = kNever;
  pending.deadline_length = 0;
  pending.warning_pause = limits_.stall_warning;
  pending.next_warning =
      limits_.stall_warning > 0 ? now - std::min(entry.age, now) + limits_.stall_warning : kNever;
}

RootNegotiator::PendingByName::iterator RootNegotiator::forget(PendingByName::iterator at) {
  if (!at->second.first.members.empty()) {
    at->second.first.members = {};  // of a group, which may be large: not kept
  }
  return pending_.erase(at);
}

Decision& RootNegotiator::decide(Status status, const std::vector<Rank>& members) {
  Decision& decision = decisions_.add();
  decision.status = std::move(status);
  decision.rows.clear();
  decision.splits.clear();
  decision.members = members;
  decision.tensor.reset();
  return decision;
}

void RootNegotiator::fail(Status status, const std::string& name,
                          const std::vector<Rank>& members) {
  Decision& decision = decide(std::move(status), members);
  decision.entry = {};
  decision.entry.name = name;
}

// What each rank says of its own rows. All entries are kept, also those that differ in kind or
// number of tensors: they are read only where none does.
void RootNegotiator::note_parts(Rank from, const ReadyEntry& entry, Pending& pending) const {
  if (!has_counts(entry.kind)) {
    return;
  }
  pending.parts.resize(std::max({pending.parts.size(), entry.members.size(), std::size_t{1}}));
  for (std::size_t i = 0; i < entry.members.size(); ++i) {
    note_rows(from, entry.members[i].shape[0], pending.parts[i]);
  }
  if (entry.shape.dimension_count() == 0) {
    return;
  }
  Parts& parts = pending.parts.front();
  note_rows(from, entry.shape[0], parts);
  if (entry.kind == CollectiveKind::alltoall && !entry.splits.empty()) {
    parts.splits.resize(static_cast<std::size_t>(ranks_.count()));
    parts.splits[from.index()] = entry.splits;
  }
}

void RootNegotiator::note_rows(Rank from, std::int64_t rows, Parts& parts) const {
  parts.rows.resize(static_cast<std::size_t>(ranks_.count()));
  parts.rows[from.index()] = rows;
}

bool RootNegotiator::needs(const Pending& pending, Rank rank) const {
  return pending.members.empty() ||
         std::find(pending.members.begin(), pending.members.end(), rank) != pending.members.end();
}

std::size_t RootNegotiator::member_count(const Pending& pending) const {
  return pending.members.empty() ? static_cast<std::size_t>(ranks_.count())
                                 : pending.members.size();
}

// The rank sent this before it had seen the error answer for the same name, so that answer was for
// this submission; it has failed there already.
bool RootNegotiator::crossed(Rank from, const std::string& name, std::uint64_t answers_seen) {
  const auto at = owed_.find(name);
  return at != owed_.end() && at->second.by_rank[from.index()] &&
         answers_seen < at->second.sequence;
}

// A rank that has seen the answer deals with its late submissions itself.
void RootNegotiator::settle_owed(Rank from, std::uint64_t answers_seen) {
  for (auto at = owed_.begin(); at != owed_.end();) {
    Owed& owed = at->second;
    if (answers_seen >= owed.sequence) {
      owed.by_rank[from.index()] = false;
    }
    const bool settled =
        std::find(owed.by_rank.begin(), owed.by_rank.end(), true) == owed.by_rank.end();
    at = settled ? owed_.erase(at) : std::next(at);
  }
}

void RootNegotiator::decide_complete(PendingByName::iterator at) {
  Pending& pending = at->second;
  Status status = agree(pending);
  if (!status.ok()) {
    fail(std::move(status), at->first, pending.members);
  } else if (!pending.first.members.empty()) {
    decide_members(pending);
  } else {
    Decision& decision = decide(ok_status(), pending.members);
    if (!pending.parts.empty()) {
      give_parts(pending.first, std::move(pending.parts.front()), decision);
    }
    std::swap(decision.entry, pending.first);
  }
  forget(at);
}

void RootNegotiator::decide_members(Pending& pending) {
  for (std::size_t i = 0; i < pending.first.members.size(); ++i) {
    Decision& decision = decide(ok_status(), {});
    decision.entry = entry_of_member(pending.first, i);
    decision.tensor = static_cast<std::uint32_t>(i);
    if (!pending.parts.empty()) {
      give_parts(decision.entry, std::move(pending.parts[i]), decision);
    }
  }
}

// Of a pending operation that is complete and has no differing entries.
void RootNegotiator::give_parts(const ReadyEntry& entry, Parts parts, Decision& decision) const {
  switch (entry.kind) {
    case CollectiveKind::allgather:
    case CollectiveKind::gather:
      decision.rows = std::move(parts.rows);
      return;
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::scatter:
      decision.rows = entry.splits;
      for (int r = 0; r < ranks_.count() && entry.splits.empty(); ++r) {
        decision.rows.push_back(even_share(entry.shape[0], Rank(r), ranks_.count()));
      }
      return;
    case CollectiveKind::alltoall:
      break;
    default:
      return;
  }
  if (parts.splits.empty()) {
    for (const std::int64_t rows : parts.rows) {
      decision.rows.push_back(rows / ranks_.count());
    }
    return;
  }
  decision.splits = std::move(parts.splits);
  for (std::size_t r = 0; r < decision.splits.size(); ++r) {
    if (decision.splits[r].empty()) {
      decision.splits[r].assign(static_cast<std::size_t>(ranks_.count()),
                                parts.rows[r] / ranks_.count());
    }
  }
}

Status RootNegotiator::agree(const Pending& pending) const {
  return pending.differing.empty() ? check_size(pending) : disagreement(pending);
}

Status RootNegotiator::disagreement(const Pending& pending) const {
  std::vector<RankEntry> entries = pending.differing;
  for (const Rank rank : present(pending)) {
    const bool differs = std::any_of(pending.differing.begin(), pending.differing.end(),
                                     [&](const RankEntry& item) { return item.rank == rank; });
    if (!differs) {
      entries.push_back({rank, pending.first});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const RankEntry& a, const RankEntry& b) { return a.rank < b.rank; });
  return error(StatusCode::mismatch, mismatch_text(entries));
}

Status RootNegotiator::check_size(const Pending& pending) const {
  const ReadyEntry& entry = pending.first;
  const bool grouped = !entry.members.empty();
  if (!grouped && !has_counts(entry.kind)) {
    return ok_status();
  }
  if (!grouped && entry.shape.dimension_count() == 0) {
    // Pair: its own rank's check_request; the parser cannot know who the root of a scatter is.
    return error(StatusCode::internal, text_of(entry), ": the root gave a tensor without rows");
  }
  // An alltoall's ranks receive together what they send together.
  unsigned __int128 elements = grouped ? 0 : elements_of(pending.parts[0].rows, entry.shape);
  for (std::size_t i = 0; i < entry.members.size(); ++i) {
    const Shape& shape = entry.members[i].shape;
    elements +=
        has_counts(entry.kind) ? elements_of(pending.parts[i].rows, shape) : shape.element_count();
  }
  if (elements > kElementCountMost) {
    return error(StatusCode::invalid_argument, text_of(entry),
                 ": the result would have more than 2^56 elements");
  }
  return ok_status();
}

void RootNegotiator::on_goodbye(Rank from) {
  gone_[from.index()] = true;
  for (auto at = pending_.begin(); at != pending_.end();) {
    if (!needs(at->second, from)) {
      ++at;
      continue;
    }
    fail_for_lack_of(from, at->first, at->second);
    at = forget(at);
  }
}

void RootNegotiator::fail_for_lack_of(Rank gone, const std::string& name, const Pending& pending) {
  const LastSubmit& last = last_submit_[gone.index()];
  const std::string last_text = last.name.empty() ? "it never submitted anything"
                                                  : str("its last submit was '", last.name, "'");
  fail(error(StatusCode::peer_ended, text_of(pending.first), " needs ", ranks_.text(gone),
             ", which ended normally",
             pending.came[gone.index()] ? " before all ranks had submitted it; " : "; ", last_text,
             ". every rank must submit each name equally often before it shuts down; if its "
             "program failed instead, its own output says why")
           .about_tensor(name)
           .blame_rank(gone.value),
       name, pending.members);
}

void RootNegotiator::take_decisions(std::uint64_t sequence, std::size_t bytes_most,
                                    ReusedList<Decision>& taken) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < decisions_.size() && bytes < bytes_most) {
    bytes += answer_bytes_most(decisions_[count++]);
  }
  taken.clear();
  if (count == decisions_.size()) {
    taken.swap(decisions_);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(taken.add(), decisions_[i]);
    }
    decisions_.drop_front(count);
  }
  for (const Decision& decision : taken) {
    if (decision.status.code() == StatusCode::deadline_exceeded) {
      owed_[decision.entry.name].sequence = sequence;
    }
  }
}

std::vector<std::string> RootNegotiator::on_timer(Time now) {
  std::vector<std::string> warnings;
  next_timer_ = kNever;
  for (auto at = pending_.begin(); at != pending_.end();) {
    Pending& pending = at->second;
    if (now >= pending.deadline) {
      Owed& owed = owed_[at->first];
      owed.by_rank.assign(pending.came.size(), false);
      for (const Rank rank : missing(pending)) {
        owed.by_rank[rank.index()] = true;
      }
      fail(deadline_status(pending, now), at->first, pending.members);
      at = forget(at);
      continue;
    }
    if (now >= pending.next_warning) {
      warnings.push_back(str(text_of(pending.first), " has waited for ",
                             seconds_text(now - pending.since), ": ", missing_text(pending, now),
                             ". waiting: ", ranks_text(present(pending)),
                             ". first warning: HVD_STALL_WARNING_SECONDS ",
                             seconds_from_nanos(limits_.stall_warning)));
      pending.warning_pause *= 2;
      pending.next_warning = now + pending.warning_pause;
    }
    note_timer(pending);
    ++at;
  }
  return warnings;
}

std::vector<Rank> RootNegotiator::present(const Pending& pending) const {
  std::vector<Rank> ranks;
  for (std::size_t r = 0; r < pending.came.size(); ++r) {
    if (pending.came[r]) {
      ranks.emplace_back(r);
    }
  }
  return ranks;
}

std::vector<Rank> RootNegotiator::missing(const Pending& pending) const {
  std::vector<Rank> ranks;
  for (std::size_t r = 0; r < pending.came.size(); ++r) {
    if (!pending.came[r] && needs(pending, Rank(r))) {
      ranks.emplace_back(r);
    }
  }
  return ranks;
}

// "rank 2 (host b, pid 4412) did not submit it; its last submit was 'grad/fc' 31.2 s ago".
std::string RootNegotiator::missing_text(const Pending& pending, Time now) const {
  constexpr std::size_t named_max = 4;
  const std::vector<Rank> ranks = missing(pending);
  std::string text;
  for (std::size_t i = 0; i < std::min(ranks.size(), named_max); ++i) {
    const LastSubmit& last = last_submit_[ranks[i].index()];
    text += str(text.empty() ? "" : "; ", ranks_.text(ranks[i]), " did not submit it; ",
                last.name.empty() ? std::string("it has not submitted anything yet")
                                  : str("its last submit was '", last.name, "' ",
                                        seconds_text(now - last.at), " ago"));
  }
  if (ranks.size() > named_max) {
    text += str("; nor did ", ranks.size() - named_max, " more ranks");
  }
  return text;
}

Status RootNegotiator::deadline_status(const Pending& pending, Time now) const {
  const std::vector<Rank> absent = missing(pending);
  HVD_CHECK(!absent.empty());
  return error(StatusCode::deadline_exceeded, text_of(pending.first), " gave up after ",
               seconds_text(now - pending.since), ": ", missing_text(pending, now),
               ". waiting: ", ranks_text(present(pending)),
               ". limit: HVD_DEADLINE_SECONDS or the call's own deadline, ",
               seconds_text(pending.deadline_length))
      .about_tensor(pending.first.name)
      .blame_rank(absent.front().value);
}

void RootNegotiator::note_timer(const Pending& pending) {
  next_timer_ = std::min({next_timer_, pending.deadline, pending.next_warning});
}

}  // namespace hvd
