#include "collectives/kernels/elements.h"

#include <array>
#include <cmath>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("elements are read and written at any address", "[elements]") {
  std::array<std::byte, 64> memory{};
  std::byte* odd = memory.data() + 1;
  store<PlainElement<double>>(odd, 2, 2.5);
  CHECK(load<PlainElement<double>>(odd, 2) == 2.5);
  store<HalfElement>(odd, 5, 1.5F);
  CHECK(load<HalfElement>(odd, 5) == 1.5F);
}

TEST_CASE("booleans are read from any byte and written as 0 or 1", "[elements]") {
  std::array<std::byte, 2> memory{std::byte{7}, std::byte{0}};
  CHECK(load<BoolElement>(memory.data(), 0));
  CHECK_FALSE(load<BoolElement>(memory.data(), 1));
  store<BoolElement>(memory.data(), 0, true);
  CHECK(memory[0] == std::byte{1});
}

TEST_CASE("all NaN are stored as the same bits", "[elements]") {
  std::array<std::byte, 8> memory{};
  store<PlainElement<float>>(memory.data(), 0, std::bit_cast<float>(0xffc12345U));
  std::uint32_t bits = 0;
  std::memcpy(&bits, memory.data(), sizeof(bits));
  CHECK(bits == 0x7fc00000U);
}

}  // namespace
}  // namespace hvd
