#include "core/stages/mismatch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.h"
#include "core/stages/job_ranks.h"

namespace hvd {
namespace {

// One property that all ranks must agree on, as text; equal text means agreement.
struct Property {
  std::string_view name;
  std::string (*text)(const ReadyEntry&);  // no object that exit could destroy under a late caller
};

std::string shape_text(const ReadyEntry& entry) {
  if (entry.kind == CollectiveKind::barrier) {
    return "";
  }
  if (entry.kind != CollectiveKind::allgather) {
    return entry.shape.text();
  }
  std::string rest = "any";
  for (const std::int64_t size : entry.shape.sizes().subspan(1)) {
    rest += str(" ", size);
  }
  return str("[", rest, "]");
}

bool reduces(const ReadyEntry& entry) { return entry.kind == CollectiveKind::allreduce; }

constexpr std::array<Property, 6> kProperties = {{
    {"operation", [](const ReadyEntry& e) { return std::string(collective_name(e.kind)); }},
    {"dtype",
     [](const ReadyEntry& e) {
       return e.kind == CollectiveKind::barrier ? "" : std::string(dtype_name(e.dtype));
     }},
    {"shape", shape_text},
    {"reduction",
     [](const ReadyEntry& e) { return reduces(e) ? std::string(reduce_op_name(e.op)) : ""; }},
    {"scale",
     [](const ReadyEntry& e) {
       return reduces(e) ? str("prescale ", e.prescale, " postscale ", e.postscale) : "";
     }},
    {"root rank",
     [](const ReadyEntry& e) {
       return e.kind == CollectiveKind::broadcast ? str(e.root) : std::string();
     }},
}};

// Ranks grouped by what they say of one property, in the order of the first rank that says it.
std::vector<std::pair<std::string, std::vector<Rank>>> opinions(
    const Property& property, const std::vector<RankEntry>& entries) {
  std::vector<std::pair<std::string, std::vector<Rank>>> groups;
  for (const RankEntry& item : entries) {
    const std::string text = property.text(item.entry);
    auto at = std::find_if(groups.begin(), groups.end(),
                           [&](const auto& group) { return group.first == text; });
    if (at == groups.end()) {
      at = groups.insert(groups.end(), {text, {}});
    }
    at->second.push_back(item.rank);
  }
  return groups;
}

}  // namespace

bool same_operation(const ReadyEntry& a, const ReadyEntry& b) {
  if (a.kind != b.kind) {
    return false;
  }
  switch (a.kind) {
    case CollectiveKind::barrier:
      return true;
    case CollectiveKind::allreduce:
      return a.dtype == b.dtype && a.shape == b.shape && a.op == b.op && a.prescale == b.prescale &&
             a.postscale == b.postscale;
    case CollectiveKind::broadcast:
      return a.dtype == b.dtype && a.shape == b.shape && a.root == b.root;
    case CollectiveKind::allgather: {
      const auto rest_a = a.shape.sizes().subspan(1);
      const auto rest_b = b.shape.sizes().subspan(1);
      return a.dtype == b.dtype &&
             std::equal(rest_a.begin(), rest_a.end(), rest_b.begin(), rest_b.end());
    }
    default:
      return false;  // pair: submit_queue.cc does not let it in
  }
}

std::string mismatch_text(const std::vector<RankEntry>& entries) {
  HVD_CHECK(!entries.empty());
  for (const Property& property : kProperties) {
    const auto groups = opinions(property, entries);
    if (groups.size() < 2) {
      continue;
    }
    // With uneven batches every rank may say something else; the text still has to fit an answer.
    constexpr std::size_t named_max = 8;
    std::string said;
    for (std::size_t g = 0; g < std::min(groups.size(), named_max); ++g) {
      const auto& [text, ranks] = groups[g];
      said +=
          str(said.empty() ? "" : ", ", text.empty() ? "none" : text, " on ", ranks_text(ranks));
    }
    if (groups.size() > named_max) {
      said += str(" and ", groups.size() - named_max, " more");
    }
    return str(collective_name(entries.front().entry.kind), " '", entries.front().entry.name,
               "': ", property.name, " differs: ", said,
               ". every rank must submit this name with the same ", property.name,
               "; this operation did nothing, later ones work");
  }
  // Scale factors that print alike may differ in their last bits.
  return str(collective_name(entries.front().entry.kind), " '", entries.front().entry.name,
             "': scale factors differ between ranks in digits that are not printed");
}

}  // namespace hvd
