#include "backends/bootstrap/rank_record.h"

#include <string_view>
#include <utility>

namespace hvd {
namespace {

std::string_view cut(const std::string& text) {
  return std::string_view(text).substr(0, kRankRecordTextBytesMax);
}

void put(ByteWriter& writer, const RankRecord& record) {
  writer.put(static_cast<std::int32_t>(record.rank)).put(record.pid);
  writer.put_string(cut(record.host_name)).put_string(cut(record.host_key));
  writer.put_string(cut(record.unix_socket_name)).put_string(cut(record.version));
  writer.put_string(cut(record.cores.cpu_list)).put(record.cores.quota);
  writer.put_string(cut(record.data.host)).put(record.data.port);
  writer.put(static_cast<std::uint8_t>(record.deterministic ? 1 : 0));
  writer.put(static_cast<std::uint8_t>(record.calibration));
  put(writer, record.measured);
}

RankRecord take(ByteReader& reader) {
  RankRecord record;
  record.rank = reader.get<std::int32_t>();
  record.pid = reader.get<std::int64_t>();
  record.host_name = reader.get_string(kRankRecordTextBytesMax);
  record.host_key = reader.get_string(kRankRecordTextBytesMax);
  record.unix_socket_name = reader.get_string(kRankRecordTextBytesMax);
  record.version = reader.get_string(kRankRecordTextBytesMax);
  record.cores.cpu_list = reader.get_string(kRankRecordTextBytesMax);
  record.cores.quota = reader.get<double>();
  record.data.host = reader.get_string(kRankRecordTextBytesMax);
  record.data.port = reader.get<std::uint16_t>();
  record.deterministic = reader.get<std::uint8_t>() != 0;
  const auto mode = reader.get<std::uint8_t>();
  record.calibration = mode <= static_cast<std::uint8_t>(CalibrationMode::off)
                           ? static_cast<CalibrationMode>(mode)
                           : CalibrationMode::off;
  record.measured = take_measurements(reader);
  return record;
}

constexpr std::size_t kRecordBytesMin = 4 + 8 + 6 * 4 + 8 + 2 + 1 + 1 + 8 * 8;

}  // namespace

std::string who_is(const RankRecord& record) {
  return str("host ", record.host_name, ", pid ", record.pid);
}

Bytes encode(const RankRecord& record) {
  ByteWriter writer;
  put(writer, record);
  return writer.take();
}

Result<RankRecord> decode_rank_record(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  RankRecord record = take(reader);
  if (!reader.finished()) {
    return error(StatusCode::invalid_argument, "the record of a rank is malformed");
  }
  return record;
}

Bytes encode(const std::vector<RankRecord>& records) {
  ByteWriter writer;
  writer.put(static_cast<std::uint32_t>(records.size()));
  for (const RankRecord& record : records) {
    put(writer, record);
  }
  return writer.take();
}

Result<std::vector<RankRecord>> decode_rank_records(std::span<const std::byte> bytes,
                                                    int rank_count) {
  ByteReader reader(bytes);
  const std::size_t count = reader.get_count(kRecordBytesMin);
  bool in_order = count == static_cast<std::size_t>(rank_count);
  std::vector<RankRecord> records;
  for (std::size_t rank = 0; in_order && rank < count; ++rank) {
    records.push_back(take(reader));
    in_order = records.back().rank == static_cast<int>(rank);
  }
  if (!in_order || !reader.finished()) {
    return error(StatusCode::invalid_argument, "the list of ranks from rank 0 is malformed");
  }
  return records;
}

Status check_versions(const std::vector<RankRecord>& records) {
  for (const RankRecord& record : records) {
    if (record.version != records.front().version) {
      return error(StatusCode::invalid_argument, "rank 0 (", who_is(records.front()), ") runs hvd ",
                   records.front().version, " but rank ", record.rank, " (", who_is(record),
                   ") runs hvd ", record.version, "; install one version everywhere");
    }
  }
  return ok_status();
}

Status check_deterministic(const std::vector<RankRecord>& records) {
  const RankRecord& first = records.front();
  for (const RankRecord& record : records) {
    if (record.deterministic != first.deterministic) {
      return error(StatusCode::invalid_argument, "setting HVD_DETERMINISTIC is ",
                   first.deterministic ? 1 : 0, " on rank 0 (", who_is(first), ") but ",
                   record.deterministic ? 1 : 0, " on rank ", record.rank, " (", who_is(record),
                   "); set it to the same everywhere, or nowhere");
    }
  }
  return ok_status();
}

}  // namespace hvd
