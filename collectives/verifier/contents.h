// collectives/verifier/contents.h: what the elements of a buffer, or of a chunk, hold.
// Not here: who may write when (shared_accesses.h).
// Threads: one.  Limits: none.
// Read next: execution.h.
#pragma once

#include <cstdint>
#include <vector>

#include "collectives/verifier/piece_map.h"
#include "collectives/verifier/terms.h"

namespace hvd {

// The element at place x of a piece holds `term` over element x + shift of the ranks' inputs
// (modulo 2^64). So one value describes a whole piece, wherever it is moved.
struct Value {
  TermId term = kUndefinedTerm;
  std::uint64_t shift = 0;
  friend bool operator==(const Value&, const Value&) = default;
};

// Pieces of `count` elements whose places are counted from the start of what was read.
struct Elements {
  std::uint64_t count = 0;
  std::vector<PieceMap<Value>::Piece> pieces;
};

class Contents {
 public:
  Contents() = default;
  Contents(std::uint64_t element_count, Value value) : pieces_(element_count, value) {}

  std::uint64_t element_count() const { return pieces_.element_count(); }
  const PieceMap<Value>& pieces() const { return pieces_; }
  void read(std::uint64_t offset, std::uint64_t count, Elements& elements) const;
  // Moves the places in `elements` to where they are written.
  void write(std::uint64_t offset, Elements& elements);

 private:
  PieceMap<Value> pieces_;
};

}  // namespace hvd
