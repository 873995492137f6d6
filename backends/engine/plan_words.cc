#include "backends/engine/plan_words.h"

#include <algorithm>
#include <utility>

namespace hvd {

std::unique_ptr<PlanWords> PlanWords::create(Transport& transport, Rank self) {
  const SlotMap* const map = transport.slot_map(Lane::express);
  if (map == nullptr || !std::all_of(map->members.begin(), map->members.end(),
                                     [](const auto& member) { return member.reached(); })) {
    return nullptr;
  }
  std::vector<FlagLine*> words;
  for (const SlotMap::Member& member : map->members) {
    words.push_back(member.word);
  }
  return std::unique_ptr<PlanWords>(new PlanWords(transport, self, std::move(words)));
}

void PlanWords::publish(PlanWord word) {
  words_[self_.index()]->value.store(word.bits(),
                                     std::memory_order_seq_cst);  // before the look at who sleeps
  for (std::size_t rank = 0; rank < words_.size(); ++rank) {
    if (Rank(rank) != self_) {
      transport_.notify(Rank(rank));
    }
  }
}

}  // namespace hvd
