#include "backends/engine/scatter_list.h"

#include <rapidcheck.h>

#include <cstring>
#include <numeric>

#include "tests/catch.h"

namespace hvd {
namespace {

// Pieces of the given sizes in memory of their own, filled with increasing 32-bit numbers.
struct Pieces {
  std::vector<std::vector<std::uint32_t>> memory;
  ScatterList list;
  std::vector<std::uint32_t> flat;

  explicit Pieces(const std::vector<std::uint8_t>& sizes) {
    list.clear(sizeof(std::uint32_t));
    std::uint32_t next = 1;
    for (const std::uint8_t size : sizes) {
      std::vector<std::uint32_t>& piece = memory.emplace_back(size);
      std::iota(piece.begin(), piece.end(), next);
      next += size;
      flat.insert(flat.end(), piece.begin(), piece.end());
      list.append(reinterpret_cast<std::byte*>(piece.data()), size);
    }
  }
  std::vector<std::uint32_t> now() const {
    std::vector<std::uint32_t> all;
    for (const auto& piece : memory) {
      all.insert(all.end(), piece.begin(), piece.end());
    }
    return all;
  }
};

struct Range {
  std::size_t offset = 0;
  std::size_t count = 0;
};

// A range of `size` > 0 elements, never empty.
Range any_range(std::size_t size) {
  const std::size_t offset = *rc::gen::inRange<std::size_t>(0, size);
  return {offset, *rc::gen::inRange<std::size_t>(1, size - offset + 1)};
}

std::vector<std::uint8_t> any_sizes() {
  return *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::inRange<std::uint8_t>(0, 9));
}

void copy_words(std::byte* to, std::byte* from, std::size_t count) {
  std::memcpy(to, from, count * sizeof(std::uint32_t));
}

TEST_CASE("a range of a scatter list reads as the same range of the flat vector", "[engine]") {
  CHECK(rc::check([] {
    const Pieces pieces(any_sizes());
    RC_ASSERT(pieces.list.size() == pieces.flat.size());
    RC_PRE(pieces.list.size() > 0);
    const Range range = any_range(pieces.list.size());
    std::vector<std::uint32_t> gathered(range.count);
    walk_pieces(range.count, copy_words,
                PieceCursor(reinterpret_cast<std::byte*>(gathered.data()), 4),
                pieces.list.at(range.offset, range.count));
    const auto begin = pieces.flat.begin() + static_cast<std::ptrdiff_t>(range.offset);
    RC_ASSERT(std::equal(gathered.begin(), gathered.end(), begin));
  }));
}

TEST_CASE("scattering into a range changes that range and nothing else", "[engine]") {
  CHECK(rc::check([] {
    Pieces pieces(any_sizes());
    RC_PRE(pieces.list.size() > 0);
    const Range range = any_range(pieces.list.size());
    std::vector<std::uint32_t> fresh(range.count, 0xdeadbeef);
    walk_pieces(range.count, copy_words, pieces.list.at(range.offset, range.count),
                PieceCursor(reinterpret_cast<std::byte*>(fresh.data()), 4));
    std::vector<std::uint32_t> expected = pieces.flat;
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(range.offset), range.count,
                0xdeadbeef);
    RC_ASSERT(pieces.now() == expected);
  }));
}

TEST_CASE("three cursors over lists that are cut differently stay in step", "[engine]") {
  CHECK(rc::check([] {
    const Pieces a(any_sizes());
    const Pieces b(any_sizes());
    const std::size_t size = std::min(a.list.size(), b.list.size());
    RC_PRE(size > 0);
    const std::size_t count = *rc::gen::inRange<std::size_t>(1, size + 1);
    const std::size_t at_a = *rc::gen::inRange<std::size_t>(0, a.list.size() - count + 1);
    const std::size_t at_b = *rc::gen::inRange<std::size_t>(0, b.list.size() - count + 1);
    std::vector<std::uint32_t> sums(count);
    walk_pieces(
        count,
        [](std::byte* out, std::byte* x, std::byte* y, std::size_t n) {
          for (std::size_t i = 0; i < n; ++i) {
            reinterpret_cast<std::uint32_t*>(out)[i] =
                reinterpret_cast<std::uint32_t*>(x)[i] * 1000 +
                reinterpret_cast<std::uint32_t*>(y)[i];
          }
        },
        PieceCursor(reinterpret_cast<std::byte*>(sums.data()), 4), a.list.at(at_a, count),
        b.list.at(at_b, count));
    for (std::size_t i = 0; i < count; ++i) {
      RC_ASSERT(sums[i] == a.flat[at_a + i] * 1000 + b.flat[at_b + i]);
    }
  }));
}

}  // namespace
}  // namespace hvd
