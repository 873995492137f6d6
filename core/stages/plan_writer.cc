#include "core/stages/plan_writer.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace hvd {
namespace {

struct Family {
  std::uint64_t first = UINT64_MAX;
  std::uint64_t last = 0;
  std::uint64_t count = 0;
};

// Of the next cycle are the unnamed operations that come next, in their order. A family whose
// numbers have a gap has uses that are not in the plan, so that it cannot be counted.
void number_unnamed(std::vector<PlanLearner::Tensor>& cycle) {
  std::map<std::string, Family> families;
  for (const PlanLearner::Tensor& tensor : cycle) {
    if (const std::uint64_t number = tensor.entry.unnamed; number != 0) {
      Family& family = families[tensor.entry.name];
      family.first = std::min(family.first, number);
      family.last = std::max(family.last, number);
      ++family.count;
    }
  }
  std::erase_if(cycle, [&](const PlanLearner::Tensor& tensor) {
    const Family& family = families[tensor.entry.name];
    return tensor.entry.unnamed != 0 && family.last - family.first + 1 != family.count;
  });
  for (PlanLearner::Tensor& tensor : cycle) {
    if (tensor.entry.unnamed != 0) {
      const Family& family = families[tensor.entry.name];
      tensor.use = static_cast<std::uint32_t>(tensor.entry.unnamed - family.first);
      tensor.entry.unnamed += family.count;
    }
  }
}

std::size_t bytes_of(const PlanLearner::Tensor& tensor) {
  std::size_t bytes = tensor.entry.byte_count();
  for (const MemberEntry& member : tensor.entry.members) {
    bytes += member.shape.element_count() * dtype_bytes(member.dtype);
  }
  return bytes;
}

}  // namespace

PlanMessage PlanWriter::write(std::uint32_t epoch, std::vector<PlanLearner::Tensor> cycle) {
  PlanMessage plan{epoch, {}};
  settled_ = true;
  number_unnamed(cycle);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    if (begins_group(cycle[i])) {
      end_run(plan);
      begin = i;
    }
    run_ = std::span(cycle).subspan(begin, i + 1 - begin);
    names_in_run_.insert(cycle[i].entry.name);
    run_bytes_ += bytes_of(cycle[i]);
  }
  end_run(plan);
  return plan;
}

// The next use of a name comes only once this one is done, so it is no part of the same group; and
// grouped operations of one family could not be told apart there.
bool PlanWriter::begins_group(const PlanLearner::Tensor& tensor) const {
  const bool again = (tensor.entry.unnamed == 0 || !tensor.entry.members.empty()) &&
                     names_in_run_.contains(tensor.entry.name);
  return tensor.entry.waited || again || run_bytes_ >= kGroupBytesMost;
}

void PlanWriter::add(std::size_t place) {
  const PlanLearner::Tensor& tensor = run_[place];
  if (tensor.entry.members.empty()) {
    decisions_.push_back({.status = ok_status(), .entry = tensor.entry, .rows = tensor.rows});
    tensor_of_.push_back(place);
    return;
  }
  for (std::size_t i = 0; i < tensor.entry.members.size(); ++i) {
    decisions_.push_back({.status = ok_status(),
                          .entry = entry_of_member(tensor.entry, i),
                          .rows = tensor.member_rows[i],
                          .tensor = static_cast<std::uint32_t>(i)});
    tensor_of_.push_back(place);
  }
}

void PlanWriter::end_run(PlanMessage& plan) {
  decisions_.clear();
  tensor_of_.clear();
  for (std::size_t place = 0; place < run_.size(); ++place) {
    add(place);
  }
  fusion_.fuse(decisions_, fusion_bytes_max_);
  answer_.begin(0, fusion_.group_count());
  for (std::size_t g = 0; g < fusion_.group_count(); ++g) {
    const std::span<const std::size_t> members = fusion_.group(g);
    WorkShape shape = work_shape(decisions_, members);
    shape.for_long = true;
    settled_ = settled_ && data_.settled(shape);
    const ScheduleChoice choice = data_.choose(shape);
    answer_.add_agreed(decisions_, members, choice, 0);
    PlanGroup& group = plan.groups.emplace_back();
    group.answer = answer_.for_all().groups[g];
    for (std::size_t i = 0; i < group.answer.names.size(); ++i) {
      const PlanLearner::Tensor& tensor = run_[tensor_of_[members[i]]];
      group.tensors.push_back({tensor.entry, tensor.use});
    }
  }
  run_ = {};
  names_in_run_.clear();
  run_bytes_ = 0;
}

}  // namespace hvd
