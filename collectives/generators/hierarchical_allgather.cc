#include "collectives/generators/hierarchical_allgather.h"

#include "collectives/generators/exchange.h"
#include "collectives/generators/hosts.h"
#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kPublished: what this rank has for the others of its host in a turn lies in its slots.
// kTaken: it has fetched what they had in that turn.
enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

// A place in the slots has room for a chunk of the own part and one of what came from other hosts.
enum Stripe : std::uint8_t { kLocal = 0, kForeign = 1, kStripeCount = 2 };

// The parts of one host are dealt to as many lanes as the smallest host has ranks: each lane is a
// ring of one rank a host, and a step of it takes the parts of one host, chunk by chunk, one turn
// for each. All lanes and steps have as many turns.
class HierarchicalAllgather {
 public:
  explicit HierarchicalAllgather(const ScheduleParams& params)
      : params_(params),
        hosts_(params),
        parts_(blocks_of_counts(params.counts)),
        own_(parts_[params.rank.index()]),
        window_(params, kAnyLength, kStripeCount),
        lane_(hosts_.my_index % hosts_.fewest),
        builder_(CollectiveKind::allgather, params) {
    deal_parts();
  }

  Schedule make() {
    if (shares()) {
      builder_.slot(window_.slot_element_count(), hosts_.local());
    }
    const std::uint64_t ring_turns =
        turns_per_step_ * static_cast<std::uint64_t>(hosts_.count() - 1);
    const std::uint64_t turn_count = std::max(ring_turns, local_turns());
    number_turns(turn_count);
    // At most as far ahead as what is sent on came in.
    const std::uint64_t ahead = std::max<std::uint64_t>(
        1, std::min(static_cast<std::uint64_t>(params_.send_ahead), turns_per_step_));
    exchange_in_turn(
        turn_count + window_.ahead(), ahead, [&](std::uint64_t turn) { send(turn); },
        [&](std::uint64_t turn) {
          receive(turn);
          publish(turn);
          if (turn >= window_.ahead()) {
            take(turn - window_.ahead());
          }
        });
    if (!params_.in_place) {
      copy_block(builder_, params_, own_.offset, Block{0, own_.count});  // nobody waits for it
    }
    return builder_.take();
  }

 private:
  static constexpr std::uint64_t kNoPlace = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kAnyLength = std::numeric_limits<std::uint64_t>::max() / 2;

  // A chunk of a part, and whose part it is.
  struct Piece {
    Rank owner;
    Block chunk;
  };

  bool shares() const { return hosts_.local().size() > 1; }

  void deal_parts() {
    const auto host_count = static_cast<std::size_t>(hosts_.count());
    const auto lane_count = static_cast<std::size_t>(hosts_.fewest);
    pieces_.assign(host_count, std::vector<std::vector<Piece>>(lane_count));
    for (std::size_t host = 0; host < host_count; ++host) {
      for (std::size_t i = 0; i < hosts_.ranks[host].size(); ++i) {
        const Rank owner = hosts_.ranks[host][i];
        std::vector<Piece>& lane = pieces_[host][i % lane_count];
        const Block part = parts_[owner.index()];
        for (std::uint64_t k = 0; k < window_.chunk_count_of(part.count); ++k) {
          lane.push_back({owner, window_.chunk(part, k)});
        }
        turns_per_step_ = std::max<std::uint64_t>(turns_per_step_, lane.size());
      }
    }
  }

  std::uint64_t local_turns() const {
    std::uint64_t turns = 0;
    for (const Rank rank : hosts_.local()) {
      turns = std::max(turns, window_.chunk_count_of(parts_[rank.index()].count));
    }
    return shares() ? turns : 0;
  }

  // What a lane takes of the host `behind` this one in a turn of the ring; nullptr: nothing.
  const Piece* piece_at(std::uint64_t turn, int lane, int lag) const {
    const std::uint64_t step = turns_per_step_ == 0 ? 0 : turn / turns_per_step_;
    const auto last_step = static_cast<std::uint64_t>(hosts_.count() - 1);
    if (turns_per_step_ == 0 || step >= last_step) {
      return nullptr;
    }
    const int behind = static_cast<int>(step) + lag;
    const int host = (hosts_.mine - behind + hosts_.count()) % hosts_.count();
    const auto& pieces = pieces_[static_cast<std::size_t>(host)][static_cast<std::size_t>(lane)];
    const std::uint64_t at = turn % turns_per_step_;
    return at < pieces.size() ? &pieces[at] : nullptr;
  }

  Rank in_lane(int host_distance) const {
    const int host = (hosts_.mine + host_distance + hosts_.count()) % hosts_.count();
    return hosts_.ranks[static_cast<std::size_t>(host)][static_cast<std::size_t>(lane_)];
  }

  void send(std::uint64_t turn) {
    const Piece* piece = piece_at(turn, lane_, 0);
    if (piece == nullptr) {
      return;
    }
    const bool is_own = piece->owner == params_.rank;
    // The own part is sent by its rank; what came from other hosts by the first rank of the lane.
    if (!is_own && (turn < turns_per_step_ || hosts_.my_index != lane_)) {
      return;
    }
    builder_.send(in_lane(1),
                  is_own && !params_.in_place ? at_input(piece->chunk.offset - own_.offset)
                                              : at_output(piece->chunk.offset),
                  piece->chunk.count);
  }

  void receive(std::uint64_t turn) {
    const Piece* piece = hosts_.my_index == lane_ ? piece_at(turn, lane_, 1) : nullptr;
    if (piece != nullptr) {
      builder_.recv(turn < turns_per_step_ ? piece->owner : in_lane(-1),
                    at_output(piece->chunk.offset), piece->chunk.count);
    }
  }

  Block own_chunk(Rank rank, std::uint64_t turn) const {
    return window_.chunk(parts_[rank.index()], turn);
  }
  // In a slot's place for each turn in which a rank of the host has something for the others.
  void number_turns(std::uint64_t turn_count) {
    places_.assign(turn_count, kNoPlace);
    for (std::uint64_t turn = 0; turn < turn_count && shares(); ++turn) {
      for (std::size_t i = 0; i < hosts_.local().size(); ++i) {
        if (own_chunk(hosts_.local()[i], turn).count > 0 ||
            foreign_chunk(static_cast<int>(i), turn) != nullptr) {
          places_[turn] = place_count_++;
          break;
        }
      }
    }
  }

  // What the rank at this place of the host has for the others, beside its own part.
  const Piece* foreign_chunk(int index, std::uint64_t turn) const {
    return index < hosts_.fewest ? piece_at(turn, index, 1) : nullptr;
  }

  void publish(std::uint64_t turn) {
    const Block own = own_chunk(params_.rank, turn);
    const Piece* foreign = foreign_chunk(hosts_.my_index, turn);
    if (!shares() || (own.count == 0 && foreign == nullptr)) {
      return;
    }
    const std::uint64_t place = places_[turn];
    if (const std::uint32_t value = window_.taken_before(place); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    if (own.count > 0) {
      builder_.copy(at_slot(params_.rank, window_.offset(place, kLocal)),
                    params_.in_place ? at_output(own.offset) : at_input(own.offset - own_.offset),
                    own.count, stream_flag(params_));
    }
    if (foreign != nullptr) {
      builder_.copy(at_slot(params_.rank, window_.offset(place, kForeign)),
                    at_output(foreign->chunk.offset), foreign->chunk.count, stream_flag(params_));
    }
    builder_.post(kPublished, done_with(place));
  }

  // From the next rank on, so that not all read the same rank's slots at once.
  void take(std::uint64_t turn) {
    const std::uint64_t place = places_[turn];
    if (place == kNoPlace) {
      return;
    }
    const auto local_count = static_cast<int>(hosts_.local().size());
    for (int distance = 1; distance < local_count; ++distance) {
      const int index = (hosts_.my_index + distance) % local_count;
      const Rank other = hosts_.local()[static_cast<std::size_t>(index)];
      const Block own = own_chunk(other, turn);
      const Piece* foreign = foreign_chunk(index, turn);
      if (own.count == 0 && foreign == nullptr) {
        continue;
      }
      builder_.wait(other, kPublished, done_with(place));
      if (own.count > 0) {
        builder_.copy(at_output(own.offset), at_slot(other, window_.offset(place, kLocal)),
                      own.count);
      }
      if (foreign != nullptr) {
        builder_.copy(at_output(foreign->chunk.offset),
                      at_slot(other, window_.offset(place, kForeign)), foreign->chunk.count);
      }
    }
    if (window_.is_reused(place, place_count_)) {
      builder_.post(kTaken, done_with(place));
    }
  }

  const ScheduleParams& params_;
  const Hosts hosts_;
  const std::vector<Block> parts_;
  const Block own_;
  const SlotWindow window_;
  const int lane_;
  std::vector<std::vector<std::vector<Piece>>> pieces_;  // of each host, of each lane
  std::uint64_t turns_per_step_ = 0;
  std::vector<std::uint64_t> places_;  // of each turn
  std::uint64_t place_count_ = 0;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_hierarchical_allgather(const ScheduleParams& params) {
  return HierarchicalAllgather(params).make();
}

}  // namespace hvd
