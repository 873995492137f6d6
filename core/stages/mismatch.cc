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

// Each rank gives a number of rows of its own.
bool own_rows(CollectiveKind kind) {
  return kind == CollectiveKind::allgather || kind == CollectiveKind::alltoall ||
         kind == CollectiveKind::gather;
}

// Every rank says which dtype and shape it means.
bool all_describe(CollectiveKind kind) {
  return kind != CollectiveKind::barrier && kind != CollectiveKind::scatter;
}

bool own_prescale(const ReadyEntry& entry) { return entry.op == ReduceOp::premultiplied_sum; }

std::string group_text(const ReadyEntry& entry) {
  const std::size_t count = entry.members.size();
  return count == 0 ? "one tensor" : str("a group of ", count, count == 1 ? " tensor" : " tensors");
}

std::string dtype_text(const ReadyEntry& entry) {
  return all_describe(entry.kind) && entry.members.empty() ? std::string(dtype_name(entry.dtype))
                                                           : "";
}

std::string shape_text(const ReadyEntry& entry) {
  if (!all_describe(entry.kind) || !entry.members.empty()) {
    return "";
  }
  if (!own_rows(entry.kind)) {
    return entry.shape.text();
  }
  std::string rest = "any";
  for (const std::int64_t size : entry.shape.sizes().subspan(1)) {
    rest += str(" ", size);
  }
  return str("[", rest, "]");
}

std::string scale_text(const ReadyEntry& entry) {
  if (!reduces(entry.kind)) {
    return "";
  }
  return own_prescale(entry) ? str("postscale ", entry.postscale)
                             : str("prescale ", entry.prescale, " postscale ", entry.postscale);
}

std::string row_counts_text(const ReadyEntry& entry) {
  if (entry.kind != CollectiveKind::reduce_scatter || entry.splits.empty()) {
    return "";
  }
  constexpr std::size_t named_max = 16;
  std::string text;
  for (std::size_t i = 0; i < std::min(entry.splits.size(), named_max); ++i) {
    text += str(i == 0 ? "" : " ", entry.splits[i]);
  }
  return str("[", text, entry.splits.size() > named_max ? " ..." : "", "]");
}

constexpr std::array<Property, 8> kProperties = {{
    {"operation",
     [](const ReadyEntry& e) {
       return is_point_to_point(e.kind) ? "" : std::string(collective_name(e.kind));
     }},
    {"number of tensors", group_text},
    {"dtype", dtype_text},
    {"shape", shape_text},
    {"reduction",
     [](const ReadyEntry& e) { return reduces(e.kind) ? std::string(reduce_op_name(e.op)) : ""; }},
    {"scale", scale_text},
    {"root rank",
     [](const ReadyEntry& e) { return has_root(e.kind) ? str(e.root) : std::string(); }},
    {"row counts", row_counts_text},
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

bool same_shape(CollectiveKind kind, const Shape& a, const Shape& b) {
  if (!own_rows(kind)) {
    return a == b;
  }
  const auto rest_a = a.sizes().subspan(1);
  const auto rest_b = b.sizes().subspan(1);
  return std::equal(rest_a.begin(), rest_a.end(), rest_b.begin(), rest_b.end());
}

// The first property in which they differ; "" if there is none.
std::string difference(const std::string& what, const std::vector<RankEntry>& entries) {
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
    return str(what, ": ", property.name, " differs: ", said,
               ". every rank must submit this name with the same ", property.name,
               "; this operation did nothing, later ones work");
  }
  return "";
}

}  // namespace

bool same_operation(const ReadyEntry& a, const ReadyEntry& b) {
  if (is_point_to_point(a.kind) ? !is_point_to_point(b.kind) || a.kind == b.kind
                                : a.kind != b.kind) {
    return false;
  }
  if (has_root(a.kind) && a.root != b.root) {
    return false;
  }
  if (reduces(a.kind)) {
    const bool same_scale =
        (own_prescale(a) || a.prescale == b.prescale) && a.postscale == b.postscale;
    if (a.op != b.op || !same_scale || a.splits != b.splits) {
      return false;
    }
  }
  if (!a.members.empty() || !b.members.empty()) {
    return std::equal(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                      [&](const MemberEntry& x, const MemberEntry& y) {
                        return x.dtype == y.dtype && same_shape(a.kind, x.shape, y.shape);
                      });
  }
  return !all_describe(a.kind) || (a.dtype == b.dtype && same_shape(a.kind, a.shape, b.shape));
}

std::string mismatch_text(const std::vector<RankEntry>& entries) {
  HVD_CHECK(!entries.empty());
  const ReadyEntry& first = entries.front().entry;
  const std::string what = str(collective_name(first.kind), " '", first.name, "'");
  if (std::string text = difference(what, entries); !text.empty()) {
    return text;
  }
  for (std::size_t i = 0; i < first.members.size(); ++i) {
    std::vector<RankEntry> members;
    members.reserve(entries.size());
    for (const RankEntry& item : entries) {
      members.push_back({item.rank, entry_of_member(item.entry, i)});
    }
    std::string text =
        difference(str(what, ", tensor ", i + 1, " of ", first.members.size()), members);
    if (!text.empty()) {
      return text;
    }
  }
  // Scale factors may differ in their last bits, row counts behind the first ones.
  return str(what, first.splits.empty()
                       ? ": scale factors differ between ranks in digits that are not printed"
                       : ": row counts or scale factors differ between ranks in digits that are "
                         "not printed");
}

}  // namespace hvd
