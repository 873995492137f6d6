#include "collectives/predict_algorithm.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace hvd {
namespace {

std::uint64_t sum_of(const std::vector<std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    sum += count;
  }
  return sum;
}

std::uint64_t elements_of(CollectiveKind kind, const ScheduleParams& params) {
  return has_counts(kind) ? std::max(sum_of(params.counts), sum_of(params.send_counts))
                          : params.element_count;
}

int host_count_of(const ScheduleParams& params) {
  return params.host_of_rank.empty()
             ? 1
             : *std::max_element(params.host_of_rank.begin(), params.host_of_rank.end()) + 1;
}

// Hosts, or the ranks of the only one.
int unit_count_of(const ScheduleParams& params) {
  const int hosts = host_count_of(params);
  return hosts > 1 ? hosts : params.rank_count;
}

// Of more hosts, or ranks of the only one, a shorter vector is not enough to be quick.
constexpr int kUnitsOfShortVectors = 16;

double op_count_most(const AlgorithmRow& row, const ScheduleParams& params) {
  const auto elements = static_cast<double>(elements_of(row.kind, params));
  const double longest =
      params.counts.empty()
          ? elements / params.rank_count
          : static_cast<double>(*std::max_element(params.counts.begin(), params.counts.end()));
  // Where ranks share slots or hosts matter, making a schedule takes a look at each rank.
  const bool looks_at_all = (row.needs & (kNeedsSlots | kNeedsSeveralHosts)) != 0;
  const double looks = looks_at_all ? params.rank_count / 8.0 : 0;
  return looks + row.op_count_bound({static_cast<double>(params.rank_count), elements, longest,
                                     static_cast<double>(params.chunk_element_count),
                                     static_cast<double>(params.slot_element_count)});
}

// How a job's cost grows with its ranks when what is named stays the same.
enum class Growth : std::uint8_t {
  logarithm,       // with the logarithm; the vector
  ranks,           // in proportion; the vector
  ranks_of_parts,  // in proportion; the part of a rank
};
Growth growth_of(const AlgorithmRow& row) {
  switch (row.algorithm) {
    case Algorithm::recursive_doubling:
    case Algorithm::halving_doubling:
    case Algorithm::tree:
    case Algorithm::dissemination:
    case Algorithm::adasum:
    case Algorithm::double_tree:
      return Growth::logarithm;
    case Algorithm::hierarchical:
    case Algorithm::circulant:
      return has_counts(row.kind) ? Growth::ranks_of_parts : Growth::logarithm;
    case Algorithm::ring:
    case Algorithm::pairwise:
    case Algorithm::bruck:
    case Algorithm::linear:
      return Growth::ranks_of_parts;
    case Algorithm::slots:
    case Algorithm::single_copy:
      return has_counts(row.kind) ? Growth::ranks_of_parts : Growth::ranks;
    case Algorithm::one_shot:
    case Algorithm::two_shot:
    case Algorithm::arena:
    case Algorithm::chain:
    case Algorithm::direct:
      return Growth::ranks;
  }
  return Growth::ranks;
}

bool all_do_the_same(const AlgorithmRow& row, const ScheduleParams& params) {
  const auto ranks = static_cast<unsigned>(params.rank_count);
  if (host_count_of(params) < params.rank_count || params.rank_count < 2) {
    return false;
  }
  switch (row.algorithm) {
    case Algorithm::recursive_doubling:
    case Algorithm::halving_doubling:
      return std::has_single_bit(ranks);
    case Algorithm::ring:
    case Algorithm::pairwise:
    case Algorithm::dissemination:
    case Algorithm::circulant:
    case Algorithm::bruck:
      return true;
    default:
      return false;
  }
}

void set_elements(CollectiveKind kind, std::uint64_t elements, ScheduleParams& params) {
  if (!has_counts(kind)) {
    params.element_count = elements;
    return;
  }
  const auto ranks = static_cast<std::uint64_t>(params.rank_count);
  params.counts.assign(ranks, std::max<std::uint64_t>(1, elements / ranks));
  if (kind == CollectiveKind::alltoall) {
    params.send_counts = params.counts;
  }
}

// A message is of two ranks.
ScheduleParams of_those_in_it(const AlgorithmRow& row, ScheduleParams params) {
  if (is_point_to_point(row.kind)) {
    params.rank_count = std::min(params.rank_count, 2);
    params.peer = Rank{params.rank_count - 1};
    if (params.host_of_rank.size() > 2) {
      params.host_of_rank = {params.host_of_rank[0], params.host_of_rank[1]};
    }
  }
  return params;
}

// The same job on the first `host_count` hosts, or, if there is but one, on as many ranks.
ScheduleParams shrunk(const AlgorithmRow& row, const ScheduleParams& params, int unit_count) {
  ScheduleParams smaller = params;
  const std::uint64_t elements = elements_of(row.kind, params);
  if (host_count_of(params) == 1) {
    smaller.rank_count = unit_count;
    smaller.host_of_rank.clear();
  } else {
    smaller.host_of_rank.clear();
    for (const int host : params.host_of_rank) {
      if (host < unit_count) {
        smaller.host_of_rank.push_back(host);
      }
    }
    smaller.rank_count = static_cast<int>(smaller.host_of_rank.size());
  }
  smaller.root = Rank{std::min(params.root.value, smaller.rank_count - 1)};
  const double share = growth_of(row) == Growth::ranks_of_parts
                           ? static_cast<double>(smaller.rank_count) / params.rank_count
                           : 1.0;
  const double wanted = std::round(static_cast<double>(elements) * share);
  set_elements(row.kind,
               elements == 0 ? 0 : std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted)),
               smaller);
  return smaller;
}

Result<Cost> predict_every_rank(const AlgorithmRow& row, const ScheduleParams& params, DType dtype,
                                const CostParameters& parameters) {
  HVD_ASSIGN(const std::vector<Schedule> schedules, make_all_schedules(row, params));
  return predict(schedules, dtype, parameters, params.host_of_rank);
}

struct Point {
  Cost cost;
  double ranks;
};

// Each figure of a job of `ranks` ranks from those of smaller ones; totals by their mean a rank.
template <typename Rule>
Cost extrapolate(std::span<const Point> points, double ranks, Rule rule) {
  const auto figure = [&](double Cost::*field, bool is_total) {
    std::vector<double> known;
    for (const Point& point : points) {
      known.push_back(point.cost.*field / (is_total ? point.ranks : 1));
    }
    return std::max(0.0, rule(known)) * (is_total ? ranks : 1);
  };
  return {.seconds = figure(&Cost::seconds, false),
          .network_bytes = figure(&Cost::network_bytes, true),
          .network_bytes_rank = figure(&Cost::network_bytes_rank, false),
          .slot_bytes = figure(&Cost::slot_bytes, true),
          .message_count = figure(&Cost::message_count, true),
          .message_count_rank = figure(&Cost::message_count_rank, false),
          .round_count = figure(&Cost::round_count, false),
          .op_count = figure(&Cost::op_count, true),
          .method = CostMethod::extrapolated};
}

// `steps` beyond the second of two.
Cost on_the_line(std::span<const Point> points, double steps, double ranks) {
  return extrapolate(points, ranks, [&](const std::vector<double>& known) {
    return known[1] + steps * (known[1] - known[0]);
  });
}

// Each of three is of twice as many hosts as the one before, and there are `doublings` to go.
// Rounds grow as the logarithm; halving sends 1 - 1/p of a vector: a + b lg p + c/p goes through
// the three.
Cost on_the_logarithm(std::span<const Point> points, int doublings, double ranks) {
  return extrapolate(points, ranks, [&](const std::vector<double>& known) {
    const double last = known[2] - known[1];
    const double bend = last - (known[1] - known[0]);
    return known[2] + doublings * std::max(0.0, last + bend) -
           bend * (1 - std::ldexp(1.0, -doublings));
  });
}

// A bound may be far from what there is, as of hosts that share slots. So where it is too much, ops
// are counted, if that is quick: those of the first rank, which has most where there is a root or a
// leader, and of the last, which folds away where the first does not.
double op_count_likely(const AlgorithmRow& row, ScheduleParams params, double ops_most) {
  const double bound = op_count_most(row, params);
  params.rank = Rank{0};
  if (bound * params.rank_count <= ops_most || bound > ops_most ||
      !check_params(row.kind, params).ok()) {
    return bound;
  }
  std::size_t most = 0;
  for (const int rank : {0, params.rank_count - 1}) {
    params.rank = Rank{rank};
    most = std::max(most, row.make(params).ops.size());
  }
  return std::min(bound, static_cast<double>(most) + params.rank_count / 8.0);
}

// The longest half, quarter, ... of the vector that is short enough.
struct Shortened {
  double elements;
  double ops;  // of all ranks
};
Shortened shortened(const AlgorithmRow& row, const ScheduleParams& params, double ops_most) {
  Shortened part{static_cast<double>(elements_of(row.kind, params)), 0};
  ScheduleParams smaller = params;
  do {
    part.elements = std::floor(part.elements / 2);
    set_elements(row.kind, static_cast<std::uint64_t>(part.elements), smaller);
    part.ops = op_count_likely(row, smaller, ops_most) * params.rank_count;
  } while (part.elements > 1 && part.ops > ops_most);
  return part;
}

// Twice as many chunks take twice the steady state's time, once the pipeline is full.
Result<Cost> along_the_vector(const AlgorithmRow& row, const ScheduleParams& params, DType dtype,
                              const CostParameters& parameters, double ops_most) {
  const auto elements = static_cast<double>(elements_of(row.kind, params));
  const double part = shortened(row, params, ops_most).elements;
  ScheduleParams smaller = params;
  set_elements(row.kind, static_cast<std::uint64_t>(part), smaller);
  HVD_ASSIGN(const Cost second, predict_every_rank(row, smaller, dtype, parameters));
  const double half = std::floor(part / 2);
  set_elements(row.kind, static_cast<std::uint64_t>(half), smaller);
  HVD_ASSIGN(const Cost first, predict_every_rank(row, smaller, dtype, parameters));
  const double ranks = params.rank_count;
  return on_the_line(std::array{Point{first, ranks}, Point{second, ranks}},
                     (elements - part) / (part - half), ranks);
}

Result<Cost> along_the_ranks(const AlgorithmRow& row, const ScheduleParams& params, DType dtype,
                             const CostParameters& parameters, double ops_most) {
  const int unit_count = unit_count_of(params);
  // Halved again and again, and never from a number that needs a fold to one that does not.
  const bool folds = !std::has_single_bit(static_cast<unsigned>(unit_count));
  const auto halved = [&](int units) {
    const int half = units / 2;
    return folds && half > 2 && std::has_single_bit(static_cast<unsigned>(half)) ? half + 1 : half;
  };
  int third_units = unit_count;
  int halvings = 0;
  const auto is_small = [&](const ScheduleParams& job) {
    return op_count_most(row, job) * job.rank_count <= ops_most;
  };
  do {
    third_units = halved(third_units);
    ++halvings;
  } while (third_units > 16 && !is_small(shrunk(row, params, third_units)));
  const auto point = [&](int units) -> Result<Point> {
    const ScheduleParams job = shrunk(row, params, units);
    HVD_ASSIGN(const Cost cost, predict_algorithm(row, job, dtype, parameters, ops_most));
    return Point{cost, static_cast<double>(job.rank_count)};
  };
  const double ranks = params.rank_count;
  HVD_ASSIGN(const Point third, point(third_units));
  HVD_ASSIGN(const Point second, point(halved(third_units)));
  if (growth_of(row) != Growth::logarithm) {
    return on_the_line(std::array{second, third},
                       (ranks - third.ranks) / (third.ranks - second.ranks), ranks);
  }
  HVD_ASSIGN(const Point first, point(halved(halved(third_units))));
  return on_the_logarithm(std::array{first, second, third}, halvings, ranks);
}

}  // namespace

Result<std::vector<Schedule>> make_all_schedules(const AlgorithmRow& row,
                                                 const ScheduleParams& whole) {
  ScheduleParams params = of_those_in_it(row, whole);
  std::vector<Schedule> schedules;
  if (is_point_to_point(row.kind)) {
    params.rank = Rank{0};
    params.peer = Rank{1};
    HVD_TRY(check_params(CollectiveKind::send, params));
    schedules.push_back(find_algorithm(CollectiveKind::send, row.algorithm)->make(params));
    params.rank = Rank{1};
    params.peer = Rank{0};
    schedules.push_back(find_algorithm(CollectiveKind::recv, row.algorithm)->make(params));
    return schedules;
  }
  params.rank = Rank{0};
  HVD_TRY(check_params(row.kind, params));
  schedules.reserve(static_cast<std::size_t>(params.rank_count));
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.rank = Rank{rank};
    schedules.push_back(row.make(params));
  }
  return schedules;
}

PredictionPlan plan_prediction(const AlgorithmRow& row, const ScheduleParams& whole,
                               double ops_most) {
  const ScheduleParams params = of_those_in_it(row, whole);
  const double of_one = op_count_likely(row, params, ops_most);
  const auto elements = static_cast<double>(elements_of(row.kind, params));
  if (of_one * params.rank_count <= ops_most) {
    return {.ops = of_one * params.rank_count, .elements = elements};
  }
  if (all_do_the_same(row, params) && of_one <= ops_most * 4) {
    return {.method = CostMethod::one_for_all, .ops = of_one, .elements = elements};
  }
  if (unit_count_of(params) > kUnitsOfShortVectors) {
    return {.method = CostMethod::extrapolated, .is_along_hosts = true, .elements = elements};
  }
  const Shortened part = shortened(row, params, ops_most);
  // It, and half of it.
  return {.method = CostMethod::extrapolated, .ops = part.ops * 2, .elements = part.elements};
}

Result<Cost> predict_algorithm(const AlgorithmRow& row, const ScheduleParams& whole, DType dtype,
                               const CostParameters& parameters, double ops_most) {
  const ScheduleParams params = of_those_in_it(row, whole);
  if (const std::string_view need = unmet_need(row, params); !need.empty()) {
    return error(StatusCode::invalid_argument, "no time can be predicted of ",
                 collective_name(row.kind), " by ", row.name, ": ", need);
  }
  const PredictionPlan plan = plan_prediction(row, params, ops_most);
  if (plan.method == CostMethod::every_rank) {
    return predict_every_rank(row, params, dtype, parameters);
  }
  ScheduleParams of_one = params;
  of_one.rank = Rank{0};
  HVD_TRY(check_params(row.kind, of_one));
  if (plan.method == CostMethod::one_for_all) {
    Result<Cost> cost = predict_symmetric(row.make(of_one), dtype, parameters);
    if (cost.ok()) {
      return cost;
    }
  }
  if (unit_count_of(params) <= kUnitsOfShortVectors) {
    return along_the_vector(row, params, dtype, parameters, ops_most);
  }
  return along_the_ranks(row, params, dtype, parameters, ops_most);
}

}  // namespace hvd
