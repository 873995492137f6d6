#include "core/base/bytes.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("what a writer puts a reader gets back", "[bytes]") {
  ByteWriter writer;
  writer.put<std::uint8_t>(7).put<std::int64_t>(-5).put(2.5).put_string("grad/fc");
  ByteReader reader(writer.bytes());
  CHECK(reader.get<std::uint8_t>() == 7);
  CHECK(reader.get<std::int64_t>() == -5);
  CHECK(reader.get<double>() == 2.5);
  CHECK(reader.get_string(100) == "grad/fc");
  CHECK(reader.finished());
}

TEST_CASE("a message that is cut anywhere is refused and never read past its end", "[bytes]") {
  ByteWriter writer;
  writer.put<std::uint32_t>(3).put_string("abc").put<std::uint64_t>(1);
  for (std::size_t size = 0; size < writer.bytes().size(); ++size) {
    ByteReader reader(std::span(writer.bytes()).first(size));
    (void)reader.get<std::uint32_t>();
    (void)reader.get_string(100);
    (void)reader.get<std::uint64_t>();
    CHECK_FALSE(reader.ok());
    CHECK(reader.remaining() == 0);
  }
}

TEST_CASE("a string above its limit is refused", "[bytes]") {
  ByteWriter writer;
  writer.put_string("abcd");
  ByteReader reader(writer.bytes());
  CHECK(reader.get_string(3).empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a count that the message cannot hold is refused before anything is allocated",
          "[bytes]") {
  ByteWriter writer;
  writer.put<std::uint32_t>(1'000'000'000).put<std::uint64_t>(0);
  ByteReader reader(writer.bytes());
  CHECK(reader.get_count(8) == 0);
  CHECK_FALSE(reader.ok());
}

}  // namespace
}  // namespace hvd
