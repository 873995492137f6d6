#include "collectives/decision_table.h"

#include <algorithm>
#include <array>
#include <bit>

#include "collectives/predict_algorithm.h"
#include "collectives/selection_rules.h"
#include "collectives/situation.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;

// Beside what the rules say. In the order in which they are tried: the middle first, as long as
// there is time. Shorter ones would gain little and cost a core more than the model has (an item's
// share of negotiation, of a poll); longer ones no edge has slots for.
constexpr std::array<std::uint64_t, 7> kChunks = {64 * kKiB,  16 * kKiB,  32 * kKiB,  128 * kKiB,
                                                  256 * kKiB, 512 * kKiB, 1024 * kKiB};
// A prediction that needs more of all ops than this share is extrapolated from a shorter vector,
constexpr double kShareOfOne = 0.375;
// but of so many chunks of each piece at least, or the pipeline is never full.
constexpr double kChunksLeast = 4;
// What is so many times slower with one chunk will not be first with another.
constexpr double kHopeless = 6;

ScheduleParams params_of(const WorkShape& shape, const ScheduleSpec& spec, const JobPlaces& places,
                         const SelectorSettings& settings) {
  ScheduleParams params;
  params.rank_count = places.rank_count;
  params.host_of_rank.assign(settings.host_of_rank.begin(), settings.host_of_rank.end());
  const std::uint64_t element_bytes = dtype_bytes(shape.dtype);
  params.slot_element_count =
      (spec.lane == Lane::express ? settings.slot_bytes_express : settings.slot_bytes_bulk) /
      element_bytes;
  params.reads_peers = settings.reads_peers;
  params.stream = spec.stream;
  params.narrow = spec.narrow != WireType::own;
  params.fixed_order = spec.fixed_order;
  params.chunk_element_count = spec.chunk_bytes / element_bytes;
  if (!has_counts(shape.kind)) {
    params.element_count = shape.element_count;
    return params;
  }
  const auto ranks = static_cast<std::size_t>(places.rank_count);
  params.counts.assign(ranks, shape.element_count / ranks);
  if (shape.kind == CollectiveKind::alltoall) {
    params.send_counts = params.counts;
  }
  return params;
}

// The search for the fastest choice for one shape.
class Search {
 public:
  Search(const WorkShape& shape, const JobPlaces& places, const SelectorSettings& settings,
         const CostParameters& cost, double ops_most)
      : shape_(shape),
        places_(places),
        settings_(settings),
        cost_(cost),
        ops_most_(ops_most),
        situation_(situation_of(shape, places, settings)) {}

  // rules_stand: whatever is predicted.
  SizeDecision run(bool rules_stand) {
    const Result<const AlgorithmRow*> forced = forced_algorithm(situation_, settings_);
    HVD_CHECK(forced.ok());  // pair: DecisionTable::choose asks first
    const AlgorithmRow& rule = *forced != nullptr ? **forced : row_by_rules(situation_, settings_);
    PredictedChoice by_rules{.row = &rule};
    if (!predict(by_rules)) {
      return {.taken = by_rules, .rules = by_rules, .second = {}, .ops = ops_};
    }
    best_.push_back(by_rules);
    if (*forced == nullptr) {
      try_other_rows(rule);
    }
    if (settings_.chunk_bytes == 0) {
      try_other_chunks();
    }
    return decide(by_rules, rules_stand);
  }

 private:
  // The tree moves log p times the vector through rank 0 in twice the rounds of recursive doubling,
  // which any number of ranks can do. Where hosts have one rank each, there is nothing to do inside
  // them.
  bool is_candidate(const AlgorithmRow& row) const {
    const bool is_behind =
        (row.kind == CollectiveKind::allreduce && row.algorithm == Algorithm::tree) ||
        (row.algorithm == Algorithm::hierarchical && places_.host_count == places_.rank_count);
    return row.kind == shape_.kind && !is_behind && is_possible(row, situation_) &&
           keeps_order(row, situation_);
  }

  void try_other_rows(const AlgorithmRow& rule) {
    for (const AlgorithmRow& row : algorithm_rows()) {
      PredictedChoice choice{.row = &row};
      if (&row != &rule && is_candidate(row) && predict(choice)) {
        best_.push_back(choice);
      }
    }
  }

  void try_other_chunks() {
    for (const std::uint64_t chunk_bytes : kChunks) {
      const double limit = fastest().seconds * kHopeless;
      for (PredictedChoice& best : best_) {
        PredictedChoice choice{.row = best.row, .chunk_bytes = chunk_bytes};
        if (best.seconds < limit && makes_a_difference(choice) && predict(choice) &&
            choice.seconds < best.seconds) {
          best = choice;
        }
      }
    }
  }

  ScheduleSpec spec(const PredictedChoice& choice) const {
    return spec_of(*choice.row, choice.chunk_bytes, shape_, situation_, settings_);
  }

  bool makes_a_difference(const PredictedChoice& choice) const {
    const std::uint64_t chunk_bytes = spec(choice).chunk_bytes;
    return chunk_bytes == choice.chunk_bytes &&
           chunk_bytes != spec({.row = choice.row}).chunk_bytes &&
           chunk_bytes < 2 * piece_bytes_of(*choice.row, situation_);
  }

  // False where that would take too long, or would not tell enough.
  bool predict(PredictedChoice& choice) {
    const ScheduleParams params = params_of(shape_, spec(choice), places_, settings_);
    const PredictionPlan plan = plan_prediction(*choice.row, params, ops_most_ * kShareOfOne);
    const double chunks = plan.elements / static_cast<double>(params.chunk_element_count) *
                          static_cast<double>(piece_bytes_of(*choice.row, situation_)) /
                          static_cast<double>(std::max<std::uint64_t>(1, situation_.bytes));
    const bool tells =
        plan.method != CostMethod::extrapolated || (!plan.is_along_hosts && chunks >= kChunksLeast);
    if (!tells || ops_ + plan.ops > ops_most_) {
      return false;
    }
    const Result<Cost> cost =
        predict_algorithm(*choice.row, params, shape_.dtype, cost_, ops_most_ * kShareOfOne);
    ops_ += plan.ops;
    if (!cost.ok()) {
      return false;
    }
    if (cost->method == CostMethod::every_rank) {  // the plan's are a bound
      ops_ += cost->op_count - plan.ops;
    }
    choice.seconds = cost->seconds;
    ++predicted_count_;
    return true;
  }

  const PredictedChoice& fastest() const {
    return *std::min_element(best_.begin(), best_.end(), [](const auto& one, const auto& other) {
      return one.seconds < other.seconds;
    });
  }

  SizeDecision decide(const PredictedChoice& by_rules, bool rules_stand) const {
    SizeDecision decision{.taken = by_rules,
                          .rules = by_rules,
                          .second = {},
                          .ops = ops_,
                          .by_time = !rules_stand && predicted_count_ > 1};
    if (decision.by_time && fastest().seconds < by_rules.seconds * kClearlyFaster) {
      decision.taken = fastest();
    }
    for (const PredictedChoice& choice : best_) {
      const bool is_first =
          decision.second.row == nullptr || choice.seconds < decision.second.seconds;
      if (choice.row != decision.taken.row && is_first) {
        decision.second = choice;
      }
    }
    return decision;
  }

  const WorkShape& shape_;
  const JobPlaces& places_;
  const SelectorSettings& settings_;
  const CostParameters& cost_;
  const double ops_most_;
  const Situation situation_;
  std::vector<PredictedChoice> best_;  // of each algorithm
  double ops_ = 0;
  int predicted_count_ = 0;
};

// Of float32, which may be narrow on the wire, and of all other types.
constexpr int kWireClassCount = 2;
bool may_be_narrow(const WorkShape& shape) {
  return reduces(shape.kind) && shape.dtype == DType::float32;
}

SelectorSettings as_the_rules_take_them(SelectorSettings settings) {
  if (settings.deterministic) {
    settings.tuning = {};
  }
  return settings;
}

}  // namespace

int size_class_of(std::uint64_t bytes) {
  return std::min(kSizeClassCount - 1,
                  bytes <= 1 ? 0 : static_cast<int>(std::bit_width(bytes - 1)));
}

WorkShape representative(CollectiveKind kind, int size_class, int rank_count) {
  const std::size_t elements = (std::size_t{1} << size_class) / sizeof(float);
  const std::size_t unit = has_counts(kind) ? static_cast<std::size_t>(rank_count) : 1;
  return {.kind = kind,
          .dtype = DType::float32,
          .op = ReduceOp::sum,
          .element_count = kind == CollectiveKind::barrier
                               ? 0
                               : std::max<std::size_t>(1, elements / unit) * unit};
}

DecisionTable::DecisionTable(int rank_count, const SelectorSettings& settings,
                             const CostParameters& cost)
    : places_(places_of_job(settings.host_of_rank, rank_count)),
      settings_(as_the_rules_take_them(settings)),
      cost_(settings.deterministic ? CostParameters{} : cost) {}

bool DecisionTable::is_open(const WorkShape& shape) const {
  const bool is_adasum = reduces(shape.kind) && shape.op == ReduceOp::adasum;
  // Of parts that differ, and of two ranks' messages, the root does not know enough.
  return places_.host_count > 1 && !is_adasum && !is_point_to_point(shape.kind) &&
         (!has_counts(shape.kind) || shape.even_parts);
}

const SizeDecision& DecisionTable::decision(const WorkShape& shape) {
  HVD_CHECK(is_open(shape));
  const int size_class = size_class_of(shape.element_count * dtype_bytes(shape.dtype));
  if (decisions_.empty()) {
    decisions_.resize(std::size_t{kCollectiveKindCount} * kSizeClassCount * kWireClassCount);
  }
  const bool is_narrow = may_be_narrow(shape) && settings_.narrow != WireType::own;
  const auto kind = static_cast<std::size_t>(shape.kind);
  const auto place =
      (kind * kSizeClassCount + static_cast<std::size_t>(size_class)) * kWireClassCount +
      (is_narrow ? 1 : 0);
  SizeDecision& known = decisions_[place];
  if (known.taken.row == nullptr) {
    SelectorSettings settings = settings_;
    settings.narrow = is_narrow ? settings.narrow : WireType::own;
    known = Search(representative(shape.kind, size_class, places_.rank_count), places_, settings,
                   cost_, kDecisionOpsMost)
                .run(false);
  }
  return known;
}

SizeDecision DecisionTable::study(CollectiveKind kind, int size_class) {
  const WorkShape shape = representative(kind, size_class, places_.rank_count);
  if (is_open(shape)) {
    if (const SizeDecision& known = decision(shape); known.by_time) {
      return known;
    }
  }
  return Search(shape, places_, settings_, cost_, kStudyOpsMost).run(true);
}

std::uint64_t DecisionTable::chunk_bytes_of(const PredictedChoice& choice, int size_class) const {
  const WorkShape shape = representative(choice.row->kind, size_class, places_.rank_count);
  const Situation situation = situation_of(shape, places_, settings_);
  return spec_of(*choice.row, choice.chunk_bytes, shape, situation, settings_).chunk_bytes;
}

Result<ScheduleChoice> DecisionTable::choose(const WorkShape& shape, bool prefers_single_copy) {
  SelectorSettings settings = settings_;
  settings.in_arena = shape.within_reach;
  settings.reads_peers = settings.reads_peers && shape.within_reach;
  settings.prefers_single_copy = prefers_single_copy;
  if (!is_open(shape)) {
    return hvd::choose(shape, places_, settings);
  }
  const Situation situation = situation_of(shape, places_, settings);
  HVD_TRY(forced_algorithm(situation, settings).status());
  const PredictedChoice& taken = decision(shape).taken;
  if (!is_possible(*taken.row, situation)) {  // the class is of two lanes, and one has no slots
    return hvd::choose(shape, places_, settings);
  }
  return pack_choice(spec_of(*taken.row, taken.chunk_bytes, shape, situation, settings));
}

}  // namespace hvd
