#include "backends/bootstrap/rank_record.h"

#include <rapidcheck.h>

#include "tests/catch.h"

namespace hvd {
namespace {

RankRecord record_of(int rank, const std::string& version = "0.1.0") {
  return {.rank = rank,
          .pid = 4400 + rank,
          .host_name = "b",
          .host_key = "",
          .unix_socket_name = "hvd-1",
          .version = version};
}

}  // namespace

TEST_CASE("records survive the wire", "[rank_record]") {
  std::vector<RankRecord> records = {record_of(0), record_of(1)};
  records[1].deterministic = true;
  REQUIRE(*decode_rank_record(encode(records[1])) == records[1]);
  REQUIRE(*decode_rank_records(encode(records), 2) == records);
}

TEST_CASE("a list of other ranks than 0 to size - 1 is refused", "[rank_record]") {
  REQUIRE_FALSE(decode_rank_records(encode({record_of(0), record_of(1)}), 3).ok());
  REQUIRE_FALSE(decode_rank_records(encode({record_of(1), record_of(0)}), 2).ok());
  REQUIRE_FALSE(decode_rank_records(encode({record_of(0), record_of(0)}), 2).ok());
}

TEST_CASE("a cut or lengthened record is refused", "[rank_record]") {
  const Bytes whole = encode(record_of(2));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    REQUIRE_FALSE(decode_rank_record(std::span(whole).first(size)).ok());
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  REQUIRE_FALSE(decode_rank_record(longer).ok());
}

TEST_CASE("ranks of different versions are named with their versions", "[rank_record]") {
  REQUIRE(check_versions({record_of(0), record_of(1)}).ok());
  const Status status = check_versions({record_of(0), record_of(1), record_of(2, "0.0.9")});
  REQUIRE(status.code() == StatusCode::invalid_argument);
  for (const char* word : {"rank 0", "0.1.0", "rank 2", "0.0.9", "pid 4402"}) {
    REQUIRE(status.message().find(word) != std::string::npos);
  }
}

TEST_CASE("a rank that alone wants the same results again is named, with the setting",
          "[rank_record]") {
  std::vector<RankRecord> records = {record_of(0), record_of(1), record_of(2)};
  REQUIRE(check_deterministic(records).ok());
  for (RankRecord& record : records) {
    record.deterministic = true;
  }
  REQUIRE(check_deterministic(records).ok());
  records[1].deterministic = false;
  const Status status = check_deterministic(records);
  REQUIRE(status.code() == StatusCode::invalid_argument);
  for (const char* word : {"HVD_DETERMINISTIC is 1 on rank 0", "0 on rank 1", "pid 4401"}) {
    REQUIRE(status.message().find(word) != std::string::npos);
  }
}

}  // namespace hvd
