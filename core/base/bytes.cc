#include "core/base/bytes.h"

#include "core/base/check.h"

namespace hvd {

ByteWriter& ByteWriter::put_string(std::string_view text) {
  return put_blob(std::as_bytes(std::span(text.data(), text.size())));
}

ByteWriter& ByteWriter::put_blob(std::span<const std::byte> blob) {
  HVD_CHECK(blob.size() <= UINT32_MAX);
  put(static_cast<std::uint32_t>(blob.size()));
  bytes_.insert(bytes_.end(), blob.begin(), blob.end());
  return *this;
}

std::string ByteReader::get_string(std::size_t size_max) {
  std::string text;
  get_string(size_max, text);
  return text;
}

void ByteReader::get_string(std::size_t size_max, std::string& text) {
  const std::span<const std::byte> blob = get_blob(size_max);
  text.assign(reinterpret_cast<const char*>(blob.data()), blob.size());
}

std::span<const std::byte> ByteReader::get_blob(std::size_t size_max) {
  const auto size = get<std::uint32_t>();
  if (size > size_max || size > rest_.size()) {
    fail();
    return {};
  }
  const std::span<const std::byte> blob = rest_.first(size);
  rest_ = rest_.subspan(size);
  return blob;
}

std::size_t ByteReader::get_count(std::size_t item_bytes_min) {
  const auto count = get<std::uint32_t>();
  if (static_cast<std::size_t>(count) * item_bytes_min > rest_.size()) {
    fail();
    return 0;
  }
  return count;
}

}  // namespace hvd
