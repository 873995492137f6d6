// core/base/text_hash.h: a hash of texts by which maps of strings are asked for string_views.
// Not here: hashes of numbers.  Threads: any.  Limits: none.
// Read next: core/stages/plan_lane.h.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace hvd {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

}  // namespace hvd
