#include "backends/bootstrap/report.h"

#include <string>
#include <utility>

namespace hvd {

Bytes encode_report(const Status& status) {
  ByteWriter out;
  out.put(static_cast<std::uint8_t>(status.code()));
  out.put(static_cast<std::int32_t>(status.culprit_rank()));
  out.put_string(status.message().substr(0, kReportTextBytesMax));
  return out.take();
}

Status decode_report(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  const auto code = in.get<std::uint8_t>();
  const auto culprit = in.get<std::int32_t>();
  std::string text = in.get_string(kReportTextBytesMax);
  if (!in.finished() || code > static_cast<std::uint8_t>(StatusCode::internal)) {
    return error(StatusCode::internal, "a report of ", bytes.size(), " bytes does not parse");
  }
  return Status(static_cast<StatusCode>(code), std::move(text)).blame_rank(culprit);
}

Status verdict_of(std::span<const Status> reports) {
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    if (!reports[rank].ok()) {
      return reports[rank]
          .in_context(str("rank ", rank, " cannot take part"))
          .blame_rank(static_cast<int>(rank));
    }
  }
  return ok_status();
}

}  // namespace hvd
