#include "backends/tcp/hello.h"

#include <algorithm>

#include "core/base/bytes.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint32_t kMagic = 0x65647668;  // "hvde"
constexpr std::uint32_t kVersion = 1;

}  // namespace

EdgeHelloBytes encode(const EdgeHello& hello) {
  ByteWriter writer;
  writer.put(kMagic).put(kVersion);
  writer.put(static_cast<std::int32_t>(hello.from.value))
      .put(static_cast<std::int32_t>(hello.to.value))
      .put(static_cast<std::int32_t>(hello.rank_count))
      .put(static_cast<std::uint32_t>(hello.lane))
      .put(hello.generation);
  EdgeHelloBytes bytes{};
  HVD_CHECK(writer.bytes().size() == bytes.size());
  std::copy(writer.bytes().begin(), writer.bytes().end(), bytes.begin());
  return bytes;
}

Result<EdgeHello> decode_edge_hello(std::span<const std::byte, kEdgeHelloBytes> bytes) {
  ByteReader reader(bytes);
  const auto magic = reader.get<std::uint32_t>();
  const auto version = reader.get<std::uint32_t>();
  EdgeHello hello;
  hello.from = Rank{static_cast<int>(reader.get<std::int32_t>())};
  hello.to = Rank{static_cast<int>(reader.get<std::int32_t>())};
  hello.rank_count = reader.get<std::int32_t>();
  const auto lane = reader.get<std::uint32_t>();
  hello.generation = reader.get<std::uint64_t>();
  if (magic != kMagic || version != kVersion) {
    return error(StatusCode::unsupported, "the hello of a data connection begins with ", magic,
                 " and version ", version, " instead of ", kMagic, " and ", kVersion);
  }
  if (lane >= kLaneCount) {
    return error(StatusCode::invalid_argument, "the hello of a data connection names lane ", lane,
                 "; there are ", kLaneCount);
  }
  hello.lane = static_cast<Lane>(lane);
  return hello;
}

}  // namespace hvd
