// core/vocabulary/rank.h: Rank, a number that cannot be mixed up with a count or an index.
// Not here: which ranks share a host (backends/bootstrap).
// Threads: values.  Limits: none.
// Read next: request.h.
#pragma once

#include <compare>
#include <functional>
#include <ostream>

namespace hvd {

struct Rank {
  int value = -1;
  constexpr Rank() = default;
  constexpr explicit Rank(int v) : value(v) {}
  constexpr explicit Rank(std::size_t v) : value(static_cast<int>(v)) {}
  constexpr std::size_t index() const { return static_cast<std::size_t>(value); }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang 14 sees a null pointer in it
  friend constexpr auto operator<=>(Rank, Rank) = default;
};

inline constexpr Rank kRoot{0};  // the rank that decides what is ready

inline std::ostream& operator<<(std::ostream& out, Rank rank) { return out << rank.value; }

}  // namespace hvd

template <>
struct std::hash<hvd::Rank> {
  std::size_t operator()(hvd::Rank rank) const noexcept { return rank.index(); }
};
