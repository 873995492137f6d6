#include "collectives/generators/hierarchical_allreduce.h"

#include <bit>

#include "collectives/generators/halving_doubling_allreduce.h"
#include "collectives/generators/hosts.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kPublished: what this rank contributes to the stretch lies in its slots. kReady: the owner's
// piece of the result does. kTaken: this rank has collected the pieces of others.
enum Flag : std::uint32_t { kPublished = 0, kReady = 1, kTaken = 2 };

// A piece below this is not worth a message of its own, so that short vectors have one owner.
constexpr std::uint64_t kPieceElementCountMin = 512;
// How many chunks each host combines of a piece that three hosts or more exchange: two, so that one
// is under way while the other is combined.
constexpr std::uint64_t kChunksPerHost = 2;

class HierarchicalAllreduce {
 public:
  explicit HierarchicalAllreduce(const ScheduleParams& params)
      : params_(params),
        hosts_(params),
        owner_count_(find_owner_count()),
        is_owner_(hosts_.my_index < owner_count_),
        exchanges_whole_(hosts_.count() == 2),
        window_(window_params(), params.element_count),
        builder_(CollectiveKind::allreduce, params) {}

  Schedule make() {
    builder_.slot(shares() ? window_.slot_element_count() : 0,
                  shares() ? hosts_.local() : std::vector<Rank>{});
    // One stretch after the other where only one fits into the slots.
    const std::uint64_t lag = window_.ahead();
    const std::uint64_t exchange_lag = params_.send_ahead > 1 ? 2 * lag : lag;
    for (std::uint64_t turn = 0; turn < window_.chunk_count() + exchange_lag; ++turn) {
      at(turn, lag, exchange_lag);
    }
    return builder_.take();
  }

 private:
  bool shares() const { return hosts_.local().size() > 1; }

  int find_owner_count() const {
    const std::uint64_t worth =
        params_.element_count / std::min(params_.chunk_element_count, kPieceElementCountMin);
    return static_cast<int>(
        std::clamp<std::uint64_t>(worth, 1, static_cast<std::uint64_t>(hosts_.fewest)));
  }

  // The window's chunks are the stretches: a chunk for each owner, or as many as let the hosts
  // exchange a piece in blocks.
  ScheduleParams window_params() const {
    ScheduleParams wide = params_;
    const std::uint64_t per_owner =
        exchanges_whole_ ? 1 : kChunksPerHost * static_cast<std::uint64_t>(hosts_.count());
    wide.chunk_element_count *= per_owner * static_cast<std::uint64_t>(owner_count_);
    return wide;
  }

  // Stretch by stretch in several stages at a time, the oldest but for one thing first: what is
  // sent to other hosts goes before what must come from there is waited for.
  void at(std::uint64_t turn, std::uint64_t lag, std::uint64_t exchange_lag) {
    const std::uint64_t count = window_.chunk_count();
    const bool overlaps = lag > 0;
    const auto if_in_range = [&](std::uint64_t behind, auto stage) {
      if (turn >= behind && turn - behind < count) {
        stage(turn - behind);
      }
    };
    if (!overlaps) {
      if_in_range(0, [&](std::uint64_t k) { put(k); });
    }
    if_in_range(lag, [&](std::uint64_t k) {
      combine(k);
      send(k);
    });
    if_in_range(exchange_lag, [&](std::uint64_t k) {
      receive(k);
      collect(k);
    });
    if (overlaps) {
      if_in_range(0, [&](std::uint64_t k) { put(k); });
    }
  }

  // Of stretch k, from its begin on. Not longer than a chunk where pieces are exchanged whole.
  Block piece(std::uint64_t k, int owner) const {
    const std::uint64_t count = window_.chunk(k).count;
    return params_.chunk_element_count % kShareAlignment == 0
               ? aligned_share(count, owner_count_, owner)
               : even_block(count, owner_count_, owner);
  }
  Block own_piece(std::uint64_t k) const { return is_owner_ ? piece(k, hosts_.my_index) : Block{}; }
  std::uint64_t begin(std::uint64_t k) const { return window_.chunk(k).offset; }

  void put_part(std::uint64_t k, Block part) {
    if (part.count > 0) {
      builder_.copy(at_slot(params_.rank, window_.offset(k) + part.offset),
                    at_input(begin(k) + part.offset), part.count,
                    pre_flag(params_) | stream_flag(params_));
    }
  }

  void put(std::uint64_t k) {
    if (!shares()) {
      return;
    }
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    const std::uint64_t pieces_end = window_.chunk(k).count;
    const Block own = own_piece(k);
    if (own.count == 0) {
      put_part(k, Block{0, pieces_end});
    } else {
      put_part(k, Block{0, own.offset});
      put_part(k, Block{own.offset + own.count, pieces_end - own.offset - own.count});
    }
    builder_.post(kPublished, done_with(k));
  }

  // The piece of this host's ranks, into the output.
  void combine(std::uint64_t k) {
    const Block own = own_piece(k);
    if (own.count == 0) {
      return;
    }
    const std::uint64_t at = begin(k) + own.offset;
    Place mine = at_input(at);
    if (params_.prescale || (!shares() && !params_.in_place)) {
      builder_.copy(at_output(at), mine, own.count, pre_flag(params_));
      mine = at_output(at);
    }
    if (shares()) {
      builder_.wait_all(kPublished, done_with(k));
      builder_.reduce_slots(at_output(at), mine, window_.offset(k) + own.offset, own.count);
    }
  }

  Rank peer() const {
    return hosts_.peers_at(hosts_.my_index)[1 - static_cast<unsigned>(hosts_.mine)];
  }

  void send(std::uint64_t k) {
    const Block own = own_piece(k);
    if (!exchanges_whole_ || own.count == 0) {
      return;
    }
    const std::uint64_t at = begin(k) + own.offset;
    round_to_wire(builder_, params_, Block{at, own.count});  // both sides combine the same
    builder_.send(peer(), at_output(at), own.count);
  }

  void receive(std::uint64_t k) {
    const Block own = own_piece(k);
    if (own.count == 0) {
      return;
    }
    const std::uint64_t at = begin(k) + own.offset;
    if (exchanges_whole_) {
      builder_.recv_reduce(
          peer(), at_output(at), at_output(at), own.count,
          (hosts_.mine == 1 ? unsigned{kReverseOperands} : 0U) | post_flag(params_));
    } else {
      exchange(Block{at, own.count});
    }
    if (shares()) {
      builder_.copy(at_slot(params_.rank, window_.offset(k) + own.offset), at_output(at), own.count,
                    stream_flag(params_));
      builder_.post(kReady, done_with(k));
    }
  }

  // An allreduce of the owners of one piece, in the piece's place.
  void exchange(Block block) {
    ScheduleParams between = params_;
    between.rank = Rank{hosts_.mine};
    between.rank_count = hosts_.count();
    between.element_count = block.count;
    between.in_place = true;
    between.prescale = false;
    builder_.embed(allreduce_between(between), hosts_.peers_at(hosts_.my_index), block.offset);
  }

  // One round after the other costs more than bytes do where a piece is one chunk.
  static Schedule allreduce_between(const ScheduleParams& params) {
    // Of the two algorithms with one order of combining only the first has it on narrow wires.
    if (params.element_count <= params.chunk_element_count ||
        (params.fixed_order && params.narrow)) {
      return make_recursive_doubling_allreduce(params);
    }
    return params.fixed_order || std::has_single_bit(static_cast<unsigned>(params.rank_count))
               ? make_halving_doubling_allreduce(params)
               : make_ring_allreduce(params);
  }

  // From the next owner on, so that not all read the same rank's slots at once.
  void collect(std::uint64_t k) {
    if (!shares()) {
      return;
    }
    for (int i = 0; i < owner_count_; ++i) {
      const int owner = (hosts_.my_index + 1 + i) % owner_count_;
      const Block part = piece(k, owner);
      if (part.count == 0 || owner == hosts_.my_index) {
        continue;
      }
      const Rank from = hosts_.local()[static_cast<std::size_t>(owner)];
      builder_.wait(from, kReady, done_with(k));
      builder_.copy(at_output(begin(k) + part.offset),
                    at_slot(from, window_.offset(k) + part.offset), part.count);
    }
    if (window_.is_reused(k)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const Hosts hosts_;
  const int owner_count_;
  const bool is_owner_;
  const bool exchanges_whole_;
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_hierarchical_allreduce(const ScheduleParams& params) {
  return HierarchicalAllreduce(params).make();
}

}  // namespace hvd
