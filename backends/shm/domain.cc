#include "backends/shm/domain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "backends/bootstrap/memory_limit.h"
#include "backends/net/authenticate.h"
#include "backends/net/listener.h"
#include "backends/net/poller.h"
#include "backends/net/rank_text.h"
#include "backends/net/socket.h"
#include "backends/shm/host_groups.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::string_view kPurpose = "shm";
// Strangers beyond the ranks that are awaited: one more pushes out whoever has waited longest.
constexpr std::size_t kStrangersMax = 64;
constexpr Nanos kFirstCausePatience = 200 * kMillisecond;

// One rank's way through the formation; the steps are those of form().
class Formation {
 public:
  Formation(DomainListener listener, const DomainOptions& options, ControlStar& star)
      : listener_(std::move(listener)),
        options_(options),
        star_(star),
        arena_(options.arena),
        rank_count_(static_cast<int>(options.records.size())),
        patience_{.deadline = options.clock.now() + nanos_from_seconds(options.timeout_seconds),
                  .clock = options.clock} {}

  Result<std::unique_ptr<ShmDomain>> form();

 private:
  Status connect_downwards();
  Status share_connections();
  Status greet_downwards();
  Status greet_at(Rank peer, Fd socket);
  Status greet_upwards();
  void greet(Fd socket);
  Result<std::pair<Rank, WordPage::Word>> prove(int socket, std::optional<Rank> expected);
  Status check_room() const;
  Result<HostGroups> agree_on_groups();
  void remark_lacks(const HostGroups& groups, const std::vector<std::string>& lacks);
  Result<std::vector<ShmDomain::Member>> map_members(const std::vector<int>& domain_of_rank);
  Result<ShmDomain::Reads> agree_on_reads(const std::vector<int>& domain_of_rank);
  Result<Bytes> judge_reads(const std::vector<Bytes>& parts,
                            const std::vector<int>& domain_of_rank) const;
  Result<Segment> make_own(const std::vector<Rank>& ranks, const DomainLayout& layout);

  bool may_share(Rank peer) const;
  using Decide = std::function<Result<Bytes>(const std::vector<Bytes>&)>;
  Result<Bytes> decide_at_root(const Bytes& mine, const Decide& decide);
  Status failed(Rank peer, const Status& why);
  std::string who(Rank rank) const {
    return str("rank ", rank, " (", who_is(options_.records[rank.index()]), ")");
  }
  std::string awaited_text() const {
    std::vector<int> ranks;
    for (const Rank rank : awaited_) {
      ranks.push_back(rank.value);
    }
    return ranks.size() == 1 ? who(awaited_.front()) : ranks_text(ranks);
  }
  Status lost_pair(Rank peer, const Status& why);
  Status late(const std::string& what) const {
    return error(StatusCode::deadline_exceeded, "shared memory: ", who(options_.rank), " ", what,
                 " within ", options_.timeout_seconds, " s. limit: HVD_START_TIMEOUT_SECONDS ",
                 options_.timeout_seconds);
  }

  DomainListener listener_;
  const DomainOptions& options_;
  ControlStar& star_;
  std::shared_ptr<Arena> arena_;
  const int rank_count_;
  const Patience patience_;
  std::optional<WordPage> page_;
  std::map<Rank, Fd> connected_;  // to lower ranks, not yet greeted
  std::vector<Rank> awaited_;     // higher ranks that have connected to this one
  // Ranks that share memory with this one: the socket to each, its word, and where in its process
  // that lies.
  struct Proven {
    Fd socket;
    WordPage::Word word{};
    std::uint64_t word_address = 0;
  };
  std::map<Rank, Proven> proven_;
  ShmDomain::Remarks remarks_;
};

Result<std::unique_ptr<ShmDomain>> Formation::form() {
  HVD_ASSIGN(page_, WordPage::create());
  HVD_TRY(connect_downwards());
  HVD_TRY(share_connections());
  HVD_TRY(greet_downwards());
  HVD_TRY(greet_upwards());
  if (arena_ == nullptr) {
    HVD_ASSIGN(arena_, Arena::create(0));
  }
  HVD_ASSIGN(HostGroups groups, agree_on_groups());
  HVD_ASSIGN(std::vector<ShmDomain::Member> members, map_members(groups.domain_of_rank));
  HVD_ASSIGN(ShmDomain::Reads reads, agree_on_reads(groups.domain_of_rank));
  for (ShmDomain::Member& member : members) {
    if (member.rank != options_.rank) {
      member.socket = std::move(proven_[member.rank].socket);
    }
  }
  return std::make_unique<ShmDomain>(options_.rank, options_.records, std::move(groups),
                                     std::move(members), arena_, std::move(reads),
                                     std::move(remarks_));
}

bool Formation::may_share(Rank peer) const {
  const RankRecord& own = options_.records[options_.rank.index()];
  const RankRecord& other = options_.records[peer.index()];
  return own.host_key == other.host_key && !other.unix_socket_name.empty();
}

// A name that nobody listens to belongs to another host or another network namespace. Connecting
// needs nobody's help: a connection waits in the other's queue until it is greeted.
Status Formation::connect_downwards() {
  for (int lower = 0; lower < options_.rank.value; ++lower) {
    const Rank peer{lower};
    if (!may_share(peer)) {
      continue;
    }
    Result<Fd> socket = connect_unix(options_.records[peer.index()].unix_socket_name,
                                     UnixKind::stream, patience_.deadline, patience_.clock);
    if (socket.ok()) {
      connected_.emplace(peer, std::move(socket).value());
    } else if (socket.status().code() != StatusCode::not_found) {
      HVD_TRY(failed(peer, socket.status()));
    }
  }
  return ok_status();
}

// Afterwards every rank knows who is in its queue, so that it waits for these and for no others.
Status Formation::share_connections() {
  std::vector<Rank> reached;
  for (const auto& [peer, socket] : connected_) {
    reached.push_back(peer);
  }
  HVD_ASSIGN(const Bytes answer,
             decide_at_root(
                 encode_peers(reached), [this](const std::vector<Bytes>& parts) -> Result<Bytes> {
                   PeerReports reports;
                   for (const Bytes& part : parts) {
                     HVD_ASSIGN(std::vector<Rank> peers, decode_peers(part, rank_count_));
                     reports.push_back(std::move(peers));
                   }
                   return encode_reports(reports);
                 }));
  HVD_ASSIGN(const PeerReports reports, decode_reports(answer, rank_count_));
  for (int higher = options_.rank.value + 1; higher < rank_count_; ++higher) {
    const std::vector<Rank>& peers = reports[static_cast<std::size_t>(higher)];
    if (std::find(peers.begin(), peers.end(), options_.rank) != peers.end()) {
      awaited_.emplace_back(higher);
    }
  }
  return ok_status();
}

// Lowest first, and everybody greets downwards before upwards: rank 0 greets whoever is there, so
// nobody waits in a circle.
Status Formation::greet_downwards() {
  for (auto& [peer, socket] : connected_) {
    HVD_TRY(greet_at(peer, std::move(socket)));
  }
  connected_.clear();
  return ok_status();
}

// Many strangers can push a rank out of the queue before its turn; then it queues again. Whoever
// does not listen any more refuses the connection at once.
Status Formation::greet_at(Rank peer, Fd socket) {
  for (;;) {
    Status status = authenticate(socket.get(), HandshakeSide::connecting, options_.secret, kPurpose,
                                 patience_.deadline, patience_.clock);
    if (status.ok()) {
      const auto proof = prove(socket.get(), peer);
      if (proof.ok()) {
        proven_[peer] = {std::move(socket), proof->second};
        return ok_status();
      }
      status = proof.status();
    }
    if (status.code() != StatusCode::aborted) {
      return failed(peer, status);
    }
    Result<Fd> again = connect_unix(options_.records[peer.index()].unix_socket_name,
                                    UnixKind::stream, patience_.deadline, patience_.clock);
    if (!again.ok()) {
      return failed(peer, status);
    }
    socket = std::move(again).value();
  }
}

Status Formation::greet_upwards() {
  if (awaited_.empty()) {
    listener_ = DomainListener();
    return ok_status();
  }
  // The star's poller: a rank that dies now would never greet, and only the star knows of it.
  Poller& poller = star_.poller();
  std::vector<Fd> admitted;
  HVD_ASSIGN(const std::unique_ptr<Listener> listener,
             Listener::start(poller, listener_.take_socket(),
                             {.secret = options_.secret,
                              .purpose = std::string(kPurpose),
                              .strangers_max = kStrangersMax + awaited_.size(),
                              .patience = nanos_from_seconds(options_.timeout_seconds)},
                             [&](Fd socket) { admitted.push_back(std::move(socket)); }));
  while (!awaited_.empty()) {
    const Nanos left = patience_.deadline - patience_.clock.now();
    if (left <= 0) {
      const std::string& shortage = listener->shortage();
      return late(
          str("has not heard from ", awaited_text(),
              shortage.empty() ? "" : str(" and could take no connection (", shortage, ")")));
    }
    if (const Status others = star_.set_up_alive(); !others.ok()) {
      const std::string& shortage = listener->shortage();  // for want of which they gave up
      return shortage.empty() ? others
                              : others.in_context(str(who(options_.rank),
                                                      " could take no connection: ", shortage));
    }
    HVD_TRY(poller.run_once(left).status());
    for (Fd& socket : std::exchange(admitted, {})) {
      greet(std::move(socket));
    }
  }
  return ok_status();
}

// A pair that cannot prove that it shares memory goes without; only lateness is an error.
void Formation::greet(Fd socket) {
  const auto proof = prove(socket.get(), std::nullopt);
  if (proof.ok()) {
    proven_[proof->first] = {std::move(socket), proof->second};
  }
}

Result<std::pair<Rank, WordPage::Word>> Formation::prove(int socket, std::optional<Rank> expected) {
  HVD_TRY(say_who(socket, options_.rank, *page_, patience_));
  HVD_ASSIGN(const PairGreeting peer, hear_who(socket, rank_count_, patience_));
  if (!expected.has_value()) {
    const auto place = std::find(awaited_.begin(), awaited_.end(), peer.peer);
    if (place == awaited_.end()) {
      return error(StatusCode::aborted, "rank ", peer.peer, " was not expected");
    }
    awaited_.erase(place);
  } else if (peer.peer != *expected) {
    return error(StatusCode::aborted, "rank ", peer.peer, " answers there");
  }
  const Result<WordPage::Word> compared = compare_words(socket, *page_, peer, patience_);
  if (!compared.ok() && !expected.has_value()) {
    HVD_TRY(failed(peer.peer, compared.status()));  // only here is it known who it was
  }
  HVD_TRY(compared.status());
  return std::pair(peer.peer, *compared);
}

Status Formation::failed(Rank peer, const Status& why) {
  if (why.code() == StatusCode::deadline_exceeded) {
    return late(str("got no answer from ", who(peer)));
  }
  remarks_.apart += str(remarks_.apart.empty() ? "" : "; ", who(options_.rank), " and ", who(peer),
                        " share no memory: ", why.message());
  return ok_status();
}

// A pair may break because a third rank died. The root hears of deaths first hand; a leaf listens
// to it for a moment, and so also leaves it time to hear of the right one.
Status Formation::lost_pair(Rank peer, const Status& why) {
  const Time until = options_.clock.now() + kFirstCausePatience;
  Status first = star_.set_up_alive();
  while (why.code() == StatusCode::aborted && first.ok() && options_.clock.now() < until) {
    HVD_TRY(star_.poller().run_once(until - options_.clock.now()).status());
    first = star_.set_up_alive();
  }
  if (why.ok() || !first.ok()) {
    return why.ok() ? why : first;
  }
  const Rank culprit = why.code() == StatusCode::resource ? options_.rank : peer;  // its own limits
  return why.in_context(str(who(options_.rank), ", sharing memory with ", who(peer)))
      .blame_rank(culprit.value);
}

Result<Bytes> Formation::decide_at_root(const Bytes& mine, const Decide& decide) {
  HVD_ASSIGN(const std::vector<Bytes> parts, star_.gather(mine, patience_.deadline));
  Bytes decision;
  if (options_.rank == kRoot) {
    HVD_ASSIGN(decision, decide(parts));
  }
  return star_.broadcast(std::move(decision), patience_.deadline);
}

// Of what this rank would need with all that it has met: which of them are its domain is not known
// yet. Memory that is touched beyond a control group's limit kills the process instead of failing.
Status Formation::check_room() const {
  const int local_size = static_cast<int>(proven_.size()) + 1;
  if (local_size == 1) {
    return ok_status();
  }
  const std::size_t bytes = DomainLayout(local_size).segment_bytes();
  HVD_TRY(check_memory_room(bytes, cgroup_folders_of_process(), "fewer ranks on this host"));
  return Segment::check_room(bytes, bytes * proven_.size());
}

Result<HostGroups> Formation::agree_on_groups() {
  MemoryReport mine;
  for (const auto& [peer, proof] : proven_) {
    mine.proven.push_back(peer);
  }
  mine.lack = check_room().message();
  const Decide decide = [this](const std::vector<Bytes>& parts) -> Result<Bytes> {
    PeerReports reports;
    std::vector<std::string> lacks;
    for (const Bytes& part : parts) {
      HVD_ASSIGN(MemoryReport report, decode_memory_report(part, rank_count_));
      reports.push_back(std::move(report.proven));
      lacks.push_back(std::move(report.lack));
    }
    HostGroups groups{.host_of_rank = fix_hosts(reports), .domain_of_rank = {}};
    groups.domain_of_rank = fix_domains(groups.host_of_rank, lacks);
    remark_lacks(groups, lacks);
    return encode_groups(groups);
  };
  HVD_ASSIGN(const Bytes answer, decide_at_root(encode_memory_report(mine), decide));
  return decode_groups(answer, rank_count_);
}

// One line for each host: the first reason is as good as all.
void Formation::remark_lacks(const HostGroups& groups, const std::vector<std::string>& lacks) {
  std::vector<int> hosts_named;
  for (std::size_t rank = 0; rank < lacks.size(); ++rank) {
    const int host = groups.host_of_rank[rank];
    const auto named = std::find(hosts_named.begin(), hosts_named.end(), host);
    std::vector<int> members;
    for (const Rank member : host_members(groups.host_of_rank, Rank(rank))) {
      members.push_back(member.value);
    }
    if (lacks[rank].empty() || named != hosts_named.end() || members.size() == 1) {
      continue;
    }
    hosts_named.push_back(host);
    remarks_.lack +=
        str(remarks_.lack.empty() ? "" : "; ", who(Rank(rank)), " has no memory to share, so ",
            ranks_text(members), " of this host talk over TCP, which is slower: ", lacks[rank]);
  }
}

// Everybody hands over before it takes: the messages fit into the sockets' buffers.
Result<std::vector<ShmDomain::Member>> Formation::map_members(
    const std::vector<int>& domain_of_rank) {
  const std::vector<Rank> ranks = host_members(domain_of_rank, options_.rank);
  const DomainLayout layout(static_cast<int>(ranks.size()), largest_host(domain_of_rank));
  HVD_ASSIGN(Segment own, make_own(ranks, layout), "shared memory");
  for (const Rank rank : ranks) {
    if (rank == options_.rank) {
      continue;
    }
    if (!proven_.contains(rank)) {
      return error(StatusCode::internal, "the root says that ", who(rank),
                   " shares memory with this rank, which has not proven it");
    }
    HVD_TRY(
        lost_pair(rank, hand_over(proven_[rank].socket.get(),
                                  {own, arena_->segment(), options_.doorbell_fd, &page_->word()},
                                  layout, patience_)));
  }
  own.close_memfd();
  std::vector<ShmDomain::Member> members;
  for (const Rank rank : ranks) {
    if (rank == options_.rank) {
      members.push_back({.rank = rank,
                         .segment = std::move(own),  // NOLINT: once, `ranks` has no rank twice
                         .doorbell = Fd(),
                         .socket = Fd(),
                         .arena = {}});
      continue;
    }
    Result<PeerMemory> memory = take_over(proven_[rank].socket.get(), layout, who(rank), patience_);
    HVD_TRY(lost_pair(rank, memory.status()));
    proven_[rank].word_address = memory->word_address;
    members.push_back({.rank = rank,
                       .segment = std::move(memory->segment),
                       .doorbell = std::move(memory->doorbell),
                       .socket = Fd(),
                       .arena = std::move(memory->arena)});
  }
  return members;
}

Result<Segment> Formation::make_own(const std::vector<Rank>& ranks, const DomainLayout& layout) {
  return ranks.size() == 1 ? Segment::create_unshared(layout.segment_bytes())
                           : Segment::create(layout.segment_bytes());
}

Result<Bytes> Formation::judge_reads(const std::vector<Bytes>& parts,
                                     const std::vector<int>& domain_of_rank) const {
  PeerReports reports;
  for (const Bytes& part : parts) {
    HVD_ASSIGN(std::vector<Rank> peers, decode_peers(part, rank_count_));
    reports.push_back(std::move(peers));
  }
  return encode_verdict(all_neighbours_reported(reports, domain_of_rank));
}

// All neighbours read one another or none does: a schedule is the same for all. Each rank's word
// stays where it is until the root has heard of all of them.
Result<ShmDomain::Reads> Formation::agree_on_reads(const std::vector<int>& domain_of_rank) {
  if (largest_host(domain_of_rank) < 2) {
    return ShmDomain::Reads{nullptr, "no two ranks share memory"};
  }
  ShmDomain::Reads reads{std::make_unique<ProcessMemory>(rank_count_)};
  std::vector<Rank> readable;
  for (const Rank rank : host_members(domain_of_rank, options_.rank)) {
    if (rank == options_.rank) {
      continue;
    }
    const Proven& peer = proven_[rank];
    const Status added =
        options_.single_copy
            ? reads.memory->add(rank, who(rank), peer.socket.get(), peer.word_address, peer.word)
            : error(StatusCode::unsupported, "HVD_SINGLE_COPY is off");
    if (added.ok()) {
      readable.push_back(rank);
    } else if (reads.why_not.empty()) {
      reads.why_not = options_.single_copy ? str("no reads of ", who(rank), ": ", added.message())
                                           : added.message();
    }
  }
  HVD_ASSIGN(const Bytes answer,
             decide_at_root(encode_peers(readable), [&](const std::vector<Bytes>& parts) {
               return judge_reads(parts, domain_of_rank);
             }));
  HVD_ASSIGN(const bool all_read, decode_verdict(answer));
  if (!all_read) {
    reads.memory = nullptr;
    reads.why_not =
        reads.why_not.empty() ? "another rank may not read its neighbours" : reads.why_not;
  }
  return reads;
}

}  // namespace

Result<DomainListener> DomainListener::open() {
  DomainListener listener;
  listener.name_ = random_unix_name();
  HVD_ASSIGN(listener.socket_, listen_unix(listener.name_, UnixKind::stream), "shared memory");
  return listener;
}

Result<std::unique_ptr<ShmDomain>> form_domain(DomainListener listener,
                                               const DomainOptions& options, ControlStar& star) {
  Formation formation(std::move(listener), options, star);
  auto domain = formation.form();
  if (!domain.ok()) {
    // While the sockets to the others are still open: who misses them has been told why.
    star.give_up(domain.status());
  }
  return domain;
}

ShmDomain::ShmDomain(Rank self, std::vector<RankRecord> records, HostGroups groups,
                     std::vector<Member> members, std::shared_ptr<Arena> arena, Reads reads,
                     Remarks remarks)
    : self_(self),
      records_(std::move(records)),
      groups_(std::move(groups)),
      members_(std::move(members)),
      arena_(std::move(arena)),
      reads_(std::move(reads)),
      layout_(static_cast<int>(members_.size()), largest_host(groups_.domain_of_rank)),
      remarks_(std::move(remarks)) {}

std::byte* ShmDomain::ring(int from_member, int to_member, Lane lane) const {
  return members_[static_cast<std::size_t>(from_member)].segment.data() +
         layout_.ring_offset(from_member, to_member, lane);
}

std::vector<ControlChannel> ShmDomain::control_channels() const {
  std::vector<ControlChannel> channels;
  int own = 0;
  while (members_[static_cast<std::size_t>(own)].rank != self_) {
    ++own;
  }
  if (members_.front().rank != kRoot) {  // in order, so that it would be the first
    return channels;
  }
  const int count = own == 0 ? static_cast<int>(members_.size()) : 1;
  for (int index = own == 0 ? 1 : 0; index < count; ++index) {
    const Member& member = members_[static_cast<std::size_t>(index)];
    const Member& self = members_[static_cast<std::size_t>(own)];
    channels.push_back({.peer = member.rank,
                        .outgoing = self.segment.data() + layout_.control_offset(own, index),
                        .incoming = member.segment.data() + layout_.control_offset(index, own)});
  }
  return channels;
}

SlotMap ShmDomain::slot_map(Lane lane) const {
  SlotMap map{layout_.bank_bytes(lane), layout_.bank_skip(lane), {}};
  map.members.resize(records_.size());
  for (const Member& member : members_) {
    map.members[member.rank.index()] = slot_member(layout_, lane, member.segment.data());
  }
  return map;
}

ArenaMap ShmDomain::arena_map() const {
  ArenaMap map;
  map.arenas.resize(records_.size());
  for (const Member& member : members_) {
    const Segment& arena = member.rank == self_ ? arena_->segment() : member.arena;
    if (arena.data() == nullptr) {
      return {};  // all or none: a schedule for the arena reaches every rank's tensors
    }
    map.arenas[member.rank.index()] = {arena.data(), arena.size()};
  }
  return map;
}

SleepWord* ShmDomain::sleep_word(int member) const {
  return reinterpret_cast<SleepWord*>(members_[static_cast<std::size_t>(member)].segment.data());
}

std::string ShmDomain::who(Rank rank) const {
  return str("rank ", rank, " (", who_is(records_[rank.index()]), ")");
}

void ShmDomain::for_each_fd(const std::function<void(int)>& visit) const {
  for (const Member& member : members_) {
    for (const Fd* fd : {&member.doorbell, &member.socket}) {
      if (fd->open()) {
        visit(fd->get());
      }
    }
  }
  visit(arena_->segment().memfd().get());
  if (reads_.memory != nullptr) {
    reads_.memory->for_each_fd(visit);
  }
}

}  // namespace hvd
