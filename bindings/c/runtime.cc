#include "bindings/c/runtime.h"

#include <unistd.h>

#include <charconv>
#include <utility>

#include "backends/bootstrap/cores.h"
#include "backends/bootstrap/report.h"
#include "backends/calibrate/calibrate.h"
#include "backends/shm/host_groups.h"
#include "backends/tcp/job_transport.h"
#include "bindings/c/info.h"
#include "bindings/c/spin_policy.h"
#include "collectives/decision_text.h"
#include "collectives/forced_settings.h"

namespace hvd {
namespace {

// Splits "host:port" into the settings that it stands for.
Status set_rendezvous(const std::string& text, Config& config) {
  const std::size_t colon = text.rfind(':');
  std::int64_t port = 0;
  if (colon != std::string::npos) {
    const auto [end, failed] =
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    port = failed == std::errc() && end == text.data() + text.size() ? port : 0;
  }
  if (port < 1 || port > 65535 || colon == 0) {
    return error(StatusCode::invalid_argument, "rendezvous is '", text,
                 "'; host:port is expected, e.g. 127.0.0.1:29500");
  }
  config.rendezvous_addr = text.substr(0, colon);
  config.rendezvous_port = port;
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::create(const RuntimeOptions& options,
                                                 std::uint64_t& join_count) {
  HVD_ASSIGN(Config config, read_config(Environment::of_process()));
  // Before the others wait for this rank.
  HVD_TRY(check_algorithm(config.algorithm));
  HVD_TRY(check_chunk_bytes(static_cast<std::uint64_t>(config.chunk_bytes)));
  HVD_TRY(calibration_mode(config.calibration).status());
  if (!options.rendezvous.empty()) {
    HVD_TRY(set_rendezvous(options.rendezvous, config));
  }
  std::unique_ptr<Runtime> runtime(new Runtime(std::move(config)));
  runtime->engine_only_ = options.engine_only;
  runtime->arena_ = options.arena;
  HVD_TRY(runtime->join(options, join_count));
  return runtime;
}

Runtime::Runtime(Config config) : config_(std::move(config)) {}

Runtime::~Runtime() = default;

Status Runtime::join(const RuntimeOptions& options, std::uint64_t& join_count) {
  HVD_ASSIGN(identity_, identify(config_, options.identity, Environment::of_process()));
  logger_ = std::make_unique<Logger>(log_level_from(config_.log_level, LogLevel::warning),
                                     str("rank ", identity_.rank), standard_error_sink());
  HVD_ASSIGN(poller_, Poller::create(clock_));
  HVD_ASSIGN(idle_, PollerIdle::create(*poller_));
  if (const std::string warning = foreign_launcher_warning(identity_, Environment::of_process());
      !warning.empty()) {
    logger_->warn(warning);
  }
  if (identity_.size == 1) {
    secret_.source = "none needed";
    host_cores_ = allowed_cores();
    alone_ = std::make_unique<LoopbackWorld>(1, clock_);
    alone_control_ = alone_->make_control_plane(kRoot);
    transport_ = alone_->make_transport(kRoot);
    HVD_ASSIGN(data_, NativeDataPlane::create(kRoot, 1, config_, *transport_));
    start(*alone_control_, {{"localhost", ::getpid()}});
    return ok_status();
  }
  return join_others(join_count);
}

Status Runtime::join_others(std::uint64_t& join_count) {
  HVD_ASSIGN(secret_, find_job_secret(config_));
  HVD_ASSIGN(const CalibrationMode calibration, calibration_mode(config_.calibration));
  const MeasurementCache cache(cache_folder(config_, Environment::of_process()),
                               cache_keys(config_, HVD_VERSION_TEXT), *logger_);
  HVD_ASSIGN(DomainListener listener, DomainListener::open());
  HVD_ASSIGN(joined_,
             join_job({.identity = identity_,
                       .config = config_,
                       .secret = secret_,
                       .generation = join_count,
                       .poller = *poller_,
                       .logger = *logger_,
                       .unix_socket_name = listener.name(),
                       .version = HVD_VERSION_TEXT,
                       .calibration = calibration,
                       .measured = calibration == CalibrationMode::automatic ? cache.load()
                                                                             : Measurements{}}));
  ++join_count;
  HVD_ASSIGN(std::unique_ptr<ShmDomain> domain,
             form_domain(std::move(listener),
                         {.rank = Rank(identity_.rank),
                          .records = joined_.records,
                          .secret = secret_.secret,
                          .doorbell_fd = idle_->doorbell_fd(),
                          .timeout_seconds = config_.start_timeout_seconds,
                          .clock = clock_,
                          .arena = arena_,
                          .single_copy = config_.single_copy != "off"},
                         *joined_.star));
  const std::vector<int> host_of_rank = domain->host_of_rank();
  HVD_TRY(agree(set_up(std::move(domain), join_count - 1)));
  HVD_ASSIGN(const Measurements measured,
             calibrate({.rank = Rank(identity_.rank),
                        .records = joined_.records,
                        .host_of_rank = host_of_rank,
                        .plane = *data_,
                        .idle = *idle_,
                        .star = *joined_.star,
                        .clock = clock_,
                        .cache = cache,
                        .timeout_seconds = config_.start_timeout_seconds}));
  data_->tune(tuning_from(measured));
  std::vector<RankAddress> addresses;
  for (const RankRecord& record : joined_.records) {
    addresses.push_back({record.host_name, record.pid});
  }
  start(host_control_ != nullptr ? static_cast<ControlPlane&>(*host_control_) : *joined_.star,
        std::move(addresses));
  return ok_status();
}

namespace {

// Ranks bound to a core each have as many cores together as there are ranks.
double cores_of_host(const std::vector<int>& host_of_rank, Rank rank,
                     const std::vector<RankRecord>& records) {
  std::vector<CoreShare> shares;
  for (const Rank member : host_members(host_of_rank, rank)) {
    shares.push_back(records[member.index()].cores);
  }
  return cores_together(shares);
}

}  // namespace

// What can fail on this rank alone.
Status Runtime::set_up(std::unique_ptr<ShmDomain> domain, std::uint64_t generation) {
  place_ = places_of(domain->host_of_rank())[static_cast<std::size_t>(identity_.rank)];
  HVD_TRY(check_place(identity_, place_));
  host_cores_ = cores_of_host(domain->host_of_rank(), Rank(identity_.rank), joined_.records);
  talks_through_memory_ = static_cast<int>(domain->members().size()) == identity_.size;
  if (const std::string& lack = domain->remarks().lack; !lack.empty()) {
    logger_->warn(lack);
  }
  const std::vector<ControlChannel> channels = domain->control_channels();
  HVD_ASSIGN(JobTransport job,
             make_job_transport(std::move(domain),
                                {.rank = Rank(identity_.rank),
                                 .records = joined_.records,
                                 .secret = secret_.secret,
                                 .generation = generation,
                                 .data_listening = std::move(joined_.data_listening),
                                 .patience_seconds = config_.heartbeat_seconds},
                                *poller_));
  transport_ = std::move(job.wires);
  tcp_ = job.tcp;
  if (!channels.empty()) {
    host_control_ =
        std::make_unique<HostControl>(*joined_.star, *transport_, identity_.size, channels);
  }
  HVD_ASSIGN(data_, NativeDataPlane::create(Rank(identity_.rank), identity_.size, config_,
                                            *transport_, std::move(job.host_of_rank)));
  return ok_status();
}

// All ranks are in or none is: a rank that cannot go on tells the others why.
Status Runtime::agree(const Status& mine) {
  const Time deadline = clock_.now() + nanos_from_seconds(config_.start_timeout_seconds);
  HVD_ASSIGN(const std::vector<Bytes> reports, joined_.star->gather(encode_report(mine), deadline));
  std::vector<Status> decoded;
  decoded.reserve(reports.size());
  for (const Bytes& report : reports) {
    decoded.push_back(decode_report(report));
  }
  HVD_ASSIGN(const Bytes answer,
             joined_.star->broadcast(encode_report(verdict_of(decoded)), deadline));
  HVD_TRY(mine);
  return decode_report(answer);
}

void Runtime::start(ControlPlane& control, std::vector<RankAddress> addresses) {
  if (engine_only_) {
    return;
  }
  const Rank rank(identity_.rank);
  words_ = PlanWords::create(*transport_, rank);
  coordinator_ = std::make_unique<Coordinator>(
      config_, JobRanks(rank, std::move(addresses)),
      Coordinator::World{clock_, control, *data_, *logger_, words_.get()});
  progress_ = std::make_unique<Progress>(
      *coordinator_, *data_, *idle_, clock_,
      spin_policy(host_cores_, place_.local_size, config_.spin_microseconds, data_->tuning().spin,
                  talks_through_memory_));
  if (rank == kRoot) {
    logger_->info("job of ", identity_.size, " ranks; identity from ", identity_.source,
                  "; secret from ", secret_.source, "; data: ", data_->description());
    logger_->info("calibration: ", tuning_text(data_->tuning()));
    for (const std::string& remark : data_->remarks()) {
      logger_->warn(remark);
    }
    if (logger_->on(LogLevel::debug)) {
      for (const std::string& line : decision_lines(data_->decisions())) {
        logger_->debug("decision: ", line);
      }
    }
  }
}

bool Runtime::within_reach(CollectiveKind kind, const TensorRef& input,
                           const std::byte* output) const {
  if (kind != CollectiveKind::allreduce) {
    return lets_read(kind, input);
  }
  if (arena_ == nullptr || transport_->arena_map() == nullptr) {
    return false;
  }
  const std::size_t bytes = input.byte_count();
  return arena_->contains(input.data, bytes) && arena_->contains(output, bytes);
}

// To be asked here costs a call to the kernel, so it is not for parts that nobody would read.
bool Runtime::lets_read(CollectiveKind kind, const TensorRef& input) const {
  const MemoryReader* reader = transport_->memory_reader();
  if (reader == nullptr || find_algorithm(kind, Algorithm::single_copy) == nullptr) {
    return false;
  }
  const std::size_t bytes = input.byte_count();
  const auto part_count = kind == CollectiveKind::alltoall ? static_cast<std::size_t>(size()) : 1;
  return (config_.algorithm == "single_copy" ||
          bytes / part_count >= data_->tuning().host.single_copy_bytes_min) &&
         reader->can_be_read(input.data, bytes);
}

Result<OperationPtr> Runtime::submit(Request request) {
  request.within_reach = within_reach(request.kind, request.input, request.output);
  return coordinator_->submit(std::move(request));
}

Result<OperationPtr> Runtime::submit_group(Request whole, std::vector<GroupTensor> tensors) {
  for (GroupTensor& tensor : tensors) {
    tensor.within_reach = within_reach(whole.kind, tensor.input, tensor.output);
  }
  return coordinator_->submit_group(std::move(whole), tensors);
}

void Runtime::name_unnamed(Request& request) {
  std::atomic<std::uint64_t>& count = unnamed_counts_[static_cast<std::size_t>(request.kind)];
  const std::uint64_t before = count.fetch_add(1, std::memory_order_relaxed);
  request.name = str(collective_name(request.kind), ".noname.", before);
  request.unnamed = before + 1;
}

std::string Runtime::message_name(Rank source, Rank destination, std::int32_t tag) {
  MutexLock lock(messages_mutex_);
  return point_to_point_name(source, destination, tag,
                             message_counts_[{source, destination, tag}]++);
}

void Runtime::leave() {
  // What all ranks are committed to has to be finished first; that takes long only if a peer has
  // stopped, and then the heartbeat says so.
  const Nanos patience = nanos_from_seconds(config_.heartbeat_seconds) + kSecond;
  if (progress_ != nullptr) {
    progress_->leave(clock_.now() + patience);
  }
  if (tcp_ != nullptr) {
    if (progress_ == nullptr) {
      tcp_->deliver(clock_.now() + patience);
    }
    tcp_->close(clock_.now() + kSecond);
  }
  if (joined_.star != nullptr) {
    joined_.star->close(clock_.now() + kSecond);
  }
}

void Runtime::close_in_forked_child() {
  const auto close_it = [](int fd) { ::close(fd); };
  poller_->for_each_fd(close_it);
  idle_->for_each_fd(close_it);
  transport_->for_each_fd(close_it);
  if (joined_.star != nullptr) {
    joined_.star->for_each_fd(close_it);
  }
  progress_->abandon_thread();
}

std::string Runtime::info_json() const {
  return hvd::info_json({.rank = identity_.rank,
                         .size = identity_.size,
                         .place = place_,
                         .identity_source = identity_.source,
                         .secret_source = secret_.source,
                         .data_plane = data_->description(),
                         .calibration = tuning_text(data_->tuning()),
                         .tcp_bytes_sent = tcp_ == nullptr ? 0 : tcp_->bytes_sent(),
                         .tcp_bytes_received = tcp_ == nullptr ? 0 : tcp_->bytes_received(),
                         .config = config_,
                         .counters = coordinator_->counters()});
}

}  // namespace hvd
