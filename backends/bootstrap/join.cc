#include "backends/bootstrap/join.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "backends/bootstrap/rendezvous.h"
#include "backends/net/authenticate.h"
#include "backends/net/listener.h"
#include "backends/net/rank_text.h"
#include "backends/net/star_assembly.h"

namespace hvd {
namespace {

constexpr std::string_view kPurpose = "control";
constexpr std::string_view kHvdrun = "hvdrun";
constexpr std::size_t kStrangersMax = 64;
// A leaf waits this much longer than the root, which names all missing ranks when it gives up.
constexpr Nanos kVerdictGrace = kSecond;
constexpr Nanos kRetryPauseMax = 50 * kMillisecond;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

RankRecord own_record(const JoinOptions& options) {
  return {.rank = options.identity.rank,
          .pid = ::getpid(),
          .host_name = host_name(),
          .host_key = options.config.host_key,
          .unix_socket_name = options.unix_socket_name,
          .version = options.version,
          .cores = core_share_of_process(),
          .deterministic = options.config.deterministic,
          .calibration = options.calibration,
          .measured = options.measured};
}

Endpoint meeting_place(const Config& config) {
  return {.host = config.rendezvous_addr,
          .port = static_cast<std::uint16_t>(config.rendezvous_port)};
}

bool served_by_hvdrun(const Config& config) { return config.launcher == kHvdrun; }

Status check_meeting_place(const JoinOptions& options) {
  const Config& config = options.config;
  if (config.rendezvous_addr.empty() || config.rendezvous_port == 0) {
    return error(StatusCode::invalid_argument, "the job has ", options.identity.size, " ranks (",
                 options.identity.source, ") but ",
                 config.rendezvous_addr.empty() ? "HVD_RENDEZVOUS_ADDR" : "HVD_RENDEZVOUS_PORT",
                 " is not set, so they cannot meet; start with: hvdrun -np ", options.identity.size,
                 " command, or set both variables (rank 0 listens there)");
  }
  HVD_TRY(check_secret_suffices(options.secret, config, config.rendezvous_addr));
  if (options.secret.secret.is_none() && options.identity.rank == 0) {
    options.logger.info("the job has no secret: any process that reaches ", config.rendezvous_addr,
                        " can join; HVD_SECRET_FILE closes that");
  }
  return ok_status();
}

std::string start_limit(const Config& config) {
  return str("limit: HVD_START_TIMEOUT_SECONDS ", config.start_timeout_seconds);
}

// ---- the root -------------------------------------------------------------------------------

struct Door {
  Fd listening;
  Endpoint endpoint;
};

Result<Door> open_door(const JoinOptions& options, Time deadline) {
  const Endpoint place = meeting_place(options.config);
  if (!served_by_hvdrun(options.config)) {
    HVD_ASSIGN(Fd listening, listen_tcp(place), "rank 0");
    return Door{.listening = std::move(listening), .endpoint = place};
  }
  HVD_ASSIGN(RendezvousClient client, RendezvousClient::connect(place, options.secret.secret,
                                                                deadline, options.poller.clock()));
  HVD_ASSIGN(const std::string host, client.local_host());
  HVD_ASSIGN(Fd listening, listen_tcp({.host = host, .port = 0}), "rank 0");
  HVD_ASSIGN(Endpoint endpoint, local_endpoint(listening.get()));
  HVD_TRY(client.publish(options.generation, endpoint, deadline));
  return Door{.listening = std::move(listening), .endpoint = std::move(endpoint)};
}

Status missing_ranks(const JoinOptions& options, const StarAssembly& assembly,
                     const Listener& listener, Time start) {
  const std::vector<int> missing = assembly.missing();
  std::string more;
  if (!assembly.notes().empty()) {
    more += str(". seen: ", assembly.notes());
  }
  if (listener.refused_count() > 0) {
    more += str(". ", listener.refused_count(),
                " connections were refused before they proved the secret, the last: ",
                listener.last_refusal());
  }
  if (!listener.shortage().empty()) {
    more += str(". this rank could take no more connections: ", listener.shortage());
  }
  return error(StatusCode::deadline_exceeded, "init gave up after ",
               seconds_from_nanos(options.poller.clock().now() - start),
               " s: ", ranks_text(missing), " of ", options.identity.size, " did not come. ",
               start_limit(options.config), ". look at the output of the missing ranks", more)
      .blame_rank(missing.front());
}

Result<std::vector<StarLink>> gather_links(const JoinOptions& options, Time start, Time deadline) {
  HVD_ASSIGN(Door door, open_door(options, deadline));
  options.logger.debug("rank 0 listens at ", door.endpoint, ", secret from ",
                       options.secret.source);
  StarAssembly assembly(options.poller, options.identity.size, options.generation);
  HVD_ASSIGN(const std::unique_ptr<Listener> listener,
             Listener::start(
                 options.poller, std::move(door.listening),
                 {.secret = options.secret.secret,
                  .purpose = std::string(kPurpose),
                  .strangers_max = kStrangersMax + static_cast<std::size_t>(options.identity.size)},
                 [&assembly](Fd socket) { assembly.admit(std::move(socket)); }));
  while (!assembly.complete()) {
    const Nanos left = deadline - options.poller.clock().now();
    if (left <= 0) {
      const Status status = missing_ranks(options, assembly, *listener, start);
      assembly.give_up(status);
      return status;
    }
    const Result<int> passed = options.poller.run_once(left);
    HVD_TRY(passed.status(), "waiting for the other ranks");
  }
  return assembly.welcome();
}

// ---- a leaf ---------------------------------------------------------------------------------

// Under hvdrun the rendezvous is asked anew before each attempt: a root that came again has
// published again.
class RootFinder {
 public:
  explicit RootFinder(const JoinOptions& options) : options_(options) {}

  Result<Endpoint> find(Time deadline) {
    if (!served_by_hvdrun(options_.config)) {
      return meeting_place(options_.config);
    }
    if (!client_) {
      HVD_ASSIGN(RendezvousClient client,
                 RendezvousClient::connect(meeting_place(options_.config), options_.secret.secret,
                                           deadline, options_.poller.clock()));
      client_.emplace(std::move(client));
    }
    return client_->lookup(options_.generation, deadline);
  }

 private:
  const JoinOptions& options_;
  std::optional<RendezvousClient> client_;
};

Result<std::unique_ptr<FramedConnection>> enter_once(const JoinOptions& options, RootFinder& finder,
                                                     const RankRecord& self, Time deadline) {
  const Clock& clock = options.poller.clock();
  HVD_ASSIGN(const Endpoint root, finder.find(deadline));
  HVD_ASSIGN(Fd socket,
             connect_authenticated(root, options.secret.secret, kPurpose, deadline, clock));
  return enter_star(std::move(socket),
                    {.rank = self.rank,
                     .rank_count = options.identity.size,
                     .generation = options.generation,
                     .who = who_is(self)},
                    deadline + kVerdictGrace, clock);
}

// Nobody listens yet, a root that is going away, a connection that was dropped: all may heal.
bool may_heal(const Status& status) {
  return status.code() == StatusCode::not_found || status.code() == StatusCode::aborted;
}

Result<std::vector<StarLink>> enter(const JoinOptions& options, const RankRecord& self, Time start,
                                    Time deadline) {
  const Clock& clock = options.poller.clock();
  RootFinder finder(options);
  Nanos pause = kMillisecond;
  for (;;) {
    auto connection = enter_once(options, finder, self, deadline);
    if (connection.ok()) {
      std::vector<StarLink> links;
      links.push_back({.peer = kRoot, .connection = std::move(*connection)});
      return links;
    }
    const Status& failure = connection.status();
    const bool too_late = clock.now() + pause >= deadline;
    if (!may_heal(failure) && !(failure.code() == StatusCode::deadline_exceeded && too_late &&
                                failure.culprit_rank() < 0)) {
      return failure.in_context(str("rank ", self.rank, " cannot join the job"));
    }
    if (too_late) {
      return error(StatusCode::deadline_exceeded, "init gave up after ",
                   seconds_from_nanos(clock.now() - start), " s: rank ", self.rank,
                   " could not join rank 0: ", failure.message(), ". ", start_limit(options.config),
                   ". look at the output of rank 0")
          .blame_rank(kRoot.value);
    }
    pause_for(pause);
    pause = std::min(2 * pause, kRetryPauseMax);
  }
}

Result<std::vector<RankRecord>> exchange_records(ControlStar& star, const RankRecord& self,
                                                 int rank_count, Time deadline) {
  HVD_ASSIGN(const std::vector<Bytes> parts, star.gather(encode(self), deadline));
  std::vector<RankRecord> records;
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    HVD_ASSIGN(RankRecord record, decode_rank_record(parts[rank]));
    record.rank = static_cast<int>(rank);  // the seat decides, not what the record claims
    records.push_back(std::move(record));
  }
  HVD_ASSIGN(const Bytes all, star.broadcast(encode(records), deadline));
  return decode_rank_records(all, rank_count);
}

// ---- tensor data ----------------------------------------------------------------------------

// The interface is picked by route, not by name: whoever reaches the root also reaches the others
// at the address that they have on the way to it.
Result<Endpoint> own_address(const std::vector<StarLink>& links) {
  std::optional<Endpoint> found;
  for (const StarLink& link : links) {
    HVD_ASSIGN(Endpoint own, local_endpoint(link.connection->fd()));
    if (!found || is_loopback(found->host)) {  // ranks of the root's own host may come from there
      found = std::move(own);
    }
  }
  return *found;
}

Result<Fd> listen_for_data(const std::vector<StarLink>& links, RankRecord& self) {
  if (links.empty()) {
    return Fd();
  }
  HVD_ASSIGN(const Endpoint own, own_address(links));
  HVD_ASSIGN(Fd listening, listen_tcp({.host = own.host, .port = 0}));
  HVD_ASSIGN(self.data, local_endpoint(listening.get()));
  return listening;
}

}  // namespace

Result<Joined> join_job(const JoinOptions& options) {
  RankRecord self = own_record(options);
  const int rank_count = options.identity.size;
  const Time start = options.poller.clock().now();
  const Time deadline = start + nanos_from_seconds(options.config.start_timeout_seconds);
  std::vector<StarLink> links;
  if (rank_count > 1) {
    HVD_TRY(check_meeting_place(options));
    HVD_ASSIGN(links, self.rank == kRoot.value ? gather_links(options, start, deadline)
                                               : enter(options, self, start, deadline));
  }
  HVD_ASSIGN(Fd data_listening, listen_for_data(links, self), "rank ", self.rank,
             ", for tensor data");
  HVD_ASSIGN(std::unique_ptr<ControlStar> star,
             ControlStar::create(options.poller, Rank(self.rank), rank_count, std::move(links)));
  // The others are there by now; a moment more than the timeout is for a last one that came late.
  HVD_ASSIGN(std::vector<RankRecord> records,
             exchange_records(*star, self, rank_count, deadline + kVerdictGrace));
  HVD_TRY(check_versions(records));
  HVD_TRY(check_deterministic(records));
  options.logger.info("rank ", self.rank, " of ", rank_count, " joined in ",
                      seconds_from_nanos(options.poller.clock().now() - start) * 1e3, " ms (",
                      options.identity.source, ", secret from ", options.secret.source, ")");
  return Joined{.star = std::move(star),
                .records = std::move(records),
                .data_listening = std::move(data_listening)};
}

}  // namespace hvd
