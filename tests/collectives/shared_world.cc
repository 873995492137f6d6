#include "tests/collectives/shared_world.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/base/str.h"

namespace hvd {
namespace {

constexpr Arithmetic kArithmetic{DType::float32, ReduceOp::sum, 1.5, 0.75};

bool writes_slots(const Op& op) {
  return op.count > 0 && (op.dst == BufferKind::slot || (op.flags & kToSlot) != 0);
}

}  // namespace

SharedWorld::SharedWorld(int rank_count, const WorldRules& rules, Random& random)
    : rank_count_(rank_count),
      rules_(rules),
      random_(random),
      lanes_(static_cast<std::size_t>(rank_count) * kLaneCount) {}

void SharedWorld::start(const AlgorithmCase& one, std::size_t lane) {
  Item item;
  item.schedules = schedules_of(one);
  item.inputs = random_inputs(item.schedules, kArithmetic.dtype, random_);
  std::vector<int> ranks(static_cast<std::size_t>(rank_count_));
  std::iota(ranks.begin(), ranks.end(), 0);
  for (std::size_t i = 0; i < item.schedules.size(); ++i) {
    std::swap(ranks[i], ranks[i + random_.below(ranks.size() - i)]);
  }
  item.group.assign(ranks.begin(),
                    ranks.begin() + static_cast<std::ptrdiff_t>(one.params.rank_count));
  std::sort(item.group.begin(), item.group.end());
  item.bank = bank_of_group_[{lane, item.group}]++ % kBankCount;
  item.text = case_text(one);
  std::uint64_t bytes = 0;
  for (std::size_t rank = 0; rank < item.group.size(); ++rank) {
    LaneOfRank& mine = at(item.group[rank], lane);
    mine.items.push_back(items_.size());
    bytes = item.schedules[rank].slot_element_count * dtype_bytes(kArithmetic.dtype);
    for (Bank& bank : mine.banks) {
      bank.bytes.resize(std::max<std::size_t>(bank.bytes.size(), bytes), std::byte{0x5a});
    }
  }
  items_.push_back(std::move(item));
}

std::size_t SharedWorld::rank_in(const Item& item, int rank) const {
  return static_cast<std::size_t>(std::find(item.group.begin(), item.group.end(), rank) -
                                  item.group.begin());
}

bool SharedWorld::is_done_with(int rank, std::size_t lane, std::size_t item) {
  const LaneOfRank& theirs = at(rank, lane);
  const auto done_end = theirs.items.begin() + static_cast<std::ptrdiff_t>(theirs.done_count);
  return std::find(theirs.items.begin(), done_end, item) != done_end;
}

bool SharedWorld::may_write(int rank, std::size_t lane, const Item& item) {
  LaneOfRank& mine = at(rank, lane);
  const Bank& bank = mine.banks[item.bank];
  return !rules_.banks_wait || mine.is_open ||
         std::all_of(bank.readers.begin(), bank.readers.end(),
                     [&](int reader) { return is_done_with(reader, lane, bank.used_by); });
}

bool SharedWorld::can_step(int rank, std::size_t lane) {
  LaneOfRank& mine = at(rank, lane);
  if (mine.done_count == mine.items.size()) {
    return false;
  }
  const std::size_t index = mine.items[mine.done_count];
  Item& item = items_[index];
  const std::size_t me = rank_in(item, rank);
  if (item.machine.front().at_end(me)) {
    return true;
  }
  const Op& op = item.machine.front().next_op(me);
  if (op.kind == OpKind::send) {
    const int to = item.group[static_cast<std::size_t>(op.peer)];
    return edge(lane, rank, to).size() < static_cast<std::size_t>(rules_.edge_slot_count);
  }
  if (op.kind == OpKind::recv || op.kind == OpKind::recv_reduce) {
    return !edge(lane, item.group[static_cast<std::size_t>(op.peer)], rank).empty();
  }
  return (!writes_slots(op) || may_write(rank, lane, item)) && item.machine.front().can_run(me);
}

void SharedWorld::step(int rank, std::size_t lane) {
  const std::size_t index = at(rank, lane).items[at(rank, lane).done_count];
  Item& item = items_[index];
  if (item.machine.front().at_end(rank_in(item, rank))) {
    finish_item(item, index, rank, lane);
  } else {
    run_op(item, index, rank, lane);
  }
}

void SharedWorld::run_op(Item& item, std::size_t index, int rank, std::size_t lane) {
  ReferenceMachine& machine = item.machine.front();
  const std::size_t me = rank_in(item, rank);
  const Op& op = machine.next_op(me);
  if (op.kind == OpKind::send) {
    edge(lane, rank, item.group[static_cast<std::size_t>(op.peer)]).push_back(index);
  } else if (op.kind == OpKind::recv || op.kind == OpKind::recv_reduce) {
    Edge& from = edge(lane, item.group[static_cast<std::size_t>(op.peer)], rank);
    if (from.front() != index) {
      fault_ = str("rank ", rank, " takes a chunk of item ", from.front(), " for one of ", index);
      return;
    }
    from.erase(from.begin());
  }
  at(rank, lane).is_open = at(rank, lane).is_open || writes_slots(op);
  const auto lend_banks = [&] {
    for (std::size_t other = 0; other < item.group.size(); ++other) {
      std::swap(machine.slots(other), at(item.group[other], lane).banks[item.bank].bytes);
    }
  };
  lend_banks();
  machine.run_op(me);
  lend_banks();
}

void SharedWorld::finish_item(Item& item, std::size_t index, int rank, std::size_t lane) {
  LaneOfRank& mine = at(rank, lane);
  if (std::exchange(mine.is_open, false)) {
    Bank& bank = mine.banks[item.bank];
    bank.used_by = index;
    bank.readers.clear();
    for (const Rank reader : item.schedules[rank_in(item, rank)].slot_ranks) {
      bank.readers.push_back(item.group[reader.index()]);
    }
    std::erase(bank.readers, rank);
  }
  ++mine.done_count;
}

std::string SharedWorld::run() {
  for (Item& item : items_) {
    item.machine.emplace_back(item.schedules, item.inputs, kArithmetic, rules_.edge_slot_count);
  }
  if (!rules_.in_agreed_order) {
    std::vector<std::size_t>& order = at(0, 0).items;
    for (std::size_t i = 0; i + 1 < order.size(); i += 2) {
      std::swap(order[i], order[i + 1]);
    }
  }
  std::vector<std::pair<int, std::size_t>> runnable;
  while (fault_.empty()) {
    runnable.clear();
    for (int rank = 0; rank < rank_count_; ++rank) {
      for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
        if (can_step(rank, lane)) {
          runnable.emplace_back(rank, lane);
        }
      }
    }
    if (runnable.empty()) {
      return outcome();
    }
    const auto [rank, lane] = runnable[random_.below(runnable.size())];
    // Short turns and long ones: a rank may come far ahead of the others.
    const std::uint64_t turn = random_.below(8) == 0 ? 100 : random_.below(4) + 1;
    for (std::uint64_t left = turn; left > 0 && fault_.empty() && can_step(rank, lane); --left) {
      step(rank, lane);
    }
  }
  return fault_;
}

std::string SharedWorld::outcome() {
  for (int rank = 0; rank < rank_count_; ++rank) {
    for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
      const LaneOfRank& mine = at(rank, lane);
      if (mine.done_count < mine.items.size()) {
        return str("nobody can go on; rank ", rank, " is at item ", mine.items[mine.done_count],
                   " in lane ", lane);
      }
    }
  }
  for (std::size_t index = 0; index < items_.size(); ++index) {
    const Item& item = items_[index];
    if (const std::string fault =
            result_fault(item.schedules, item.inputs, kArithmetic, result_of(item.machine.front()));
        !fault.empty()) {
      return str("item ", index, ", ", item.text, ": ", fault);
    }
  }
  return "";
}

}  // namespace hvd
