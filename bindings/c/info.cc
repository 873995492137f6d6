#include "bindings/c/info.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/config/settings_table.h"

namespace hvd {
namespace {

using Json = nlohmann::ordered_json;

Json value_of(const Setting& row, const Config& config) {
  if (row.name == "HVD_SECRET") {
    return "given";
  }
  return std::visit([&](auto member) { return Json(config.*member); }, row.member);
}

Json settings_json(const Config& config) {
  Json settings = Json::object();
  for (const Setting& row : settings_table()) {
    for (const std::string_view name : {row.name, row.alias}) {
      const bool given =
          std::find(config.given.begin(), config.given.end(), name) != config.given.end();
      if (given) {
        settings[std::string(name)] = value_of(row, config);
      }
    }
  }
  return settings;
}

Json counters_json(const Coordinator::Counters& counters) {
  return {{"operations_submitted", counters.submitted.load()},
          {"work_items", counters.work_items.load()},
          {"control_messages_sent", counters.control_messages_sent.load()},
          {"control_bytes_sent", counters.control_bytes_sent.load()},
          {"passes", counters.passes.load()},
          {"plans", counters.plans.load()},
          {"thaws", counters.thaws.load()},
          {"planned_items", counters.planned_items.load()}};
}

}  // namespace

std::string info_json(const InfoSource& source) {
  const Json info = {{"initialized", true},
                     {"version", HVD_VERSION_TEXT},
                     {"rank", source.rank},
                     {"size", source.size},
                     {"local_rank", source.place.local_rank},
                     {"local_size", source.place.local_size},
                     {"cross_rank", source.place.cross_rank},
                     {"cross_size", source.place.cross_size},
                     {"identity_from", source.identity_source},
                     {"secret_from", source.secret_source},
                     {"data_plane", source.data_plane},
                     {"calibration", source.calibration},
                     {"tcp_bytes_sent", source.tcp_bytes_sent},
                     {"tcp_bytes_received", source.tcp_bytes_received},
                     {"settings", settings_json(source.config)},
                     {"counters", counters_json(source.counters)}};
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hvd
