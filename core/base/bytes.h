// core/base/bytes.h: bounds-checked reading and writing of wire messages, little endian.
// Not here: framing and authentication (backends/net).
// Threads: a reader or writer belongs to one thread.  Limits: strings and blobs below 2^32 bytes.
// Read next: core/stages/messages.h.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hvd {

static_assert(std::endian::native == std::endian::little, "wire integers are little endian");

using Bytes = std::vector<std::byte>;

class ByteWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T> ByteWriter& put(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
    return *this;
  }
  ByteWriter& put_string(std::string_view text);
  ByteWriter& put_blob(std::span<const std::byte> blob);

  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }
  // For another message in the same memory.
  void clear() { bytes_.clear(); }

 private:
  Bytes bytes_;
};

// Reads past the end yield zeros and make ok() false for good, so a parser checks once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T> T get() {
    T value{};
    if (rest_.size() < sizeof(T)) {
      fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  std::string get_string(std::size_t size_max);
  void get_string(std::size_t size_max, std::string& text);
  std::span<const std::byte> get_blob(std::size_t size_max);
  // A count that the rest of the message can hold, if each item takes at least `item_bytes_min`;
  // so a forged count cannot make the reader allocate more than the message is long.
  std::size_t get_count(std::size_t item_bytes_min);

  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty(); }
  std::size_t remaining() const { return rest_.size(); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace hvd
