#include "collectives/generators/hierarchical_reduce_scatter.h"

#include "collectives/generators/exchange.h"
#include "collectives/generators/hosts.h"
#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kPublished: what this rank contributes in a turn lies in its slots. kTaken: it has combined what
// the others put there for it.
enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

// In step s a host combines the parts of the host that is s ahead of it, dealt to all its ranks:
// the i-th part to the i-th rank, around the end. A rank goes through its parts chunk by chunk, one
// turn for each. All steps have as many turns; beside those of step 1 the host's own parts are
// combined.
class HierarchicalReduceScatter {
 public:
  explicit HierarchicalReduceScatter(const ScheduleParams& params)
      : params_(params),
        hosts_(params),
        parts_(blocks_of_counts(params.counts)),
        own_(parts_[params.rank.index()]),
        window_(params, kAnyLength, stripe_count(hosts_)),
        last_step_(hosts_.count() - 1),
        builder_(CollectiveKind::reduce_scatter, params) {
    for (int from = 0; from < hosts_.count(); ++from) {
      const auto worker_count = hosts_.ranks[static_cast<std::size_t>(from)].size();
      for (int to = 0; to < hosts_.count(); ++to) {
        for (std::size_t worker = 0; worker < worker_count; ++worker) {
          turns_per_step_ = std::max(turns_per_step_, chunk_count_for(to, worker, worker_count));
        }
      }
    }
  }

  Schedule make() {
    if (shares()) {
      builder_.slot(window_.slot_element_count(), hosts_.local());
    }
    if (shares() || params_.prescale) {
      builder_.scratch(window_.chunk_element_count());
    }
    const std::uint64_t turn_count = turns_per_step_ * static_cast<std::uint64_t>(last_step_);
    std::uint64_t next = 0;
    std::vector<std::uint64_t> ends;  // of each turn among the works
    for (std::uint64_t turn = 0; turn < turn_count; ++turn) {
      add_works(turn);
      ends.push_back(works_.size());
    }
    exchange_in_turn(
        turn_count, static_cast<std::uint64_t>(params_.send_ahead),
        [&](std::uint64_t turn) {
          for (; next < ends[turn]; ++next) {
            publish_up_to(next + window_.ahead());
            combine(next);
          }
        },
        [&](std::uint64_t turn) { receive(turn); });
    return builder_.take();
  }

 private:
  static constexpr std::uint64_t kAnyLength = std::numeric_limits<std::uint64_t>::max() / 2;

  // A chunk of the part of a rank; count 0: none.
  struct Piece {
    Rank owner;
    Block chunk;
  };
  // What a host combines at once.
  struct Work {
    int step;
    std::uint64_t turn;
  };

  static int stripe_count(const Hosts& hosts) {
    std::size_t most = 1;
    for (const std::vector<Rank>& of_host : hosts.ranks) {
      most = std::max(most, of_host.size());
    }
    return static_cast<int>(most);
  }

  bool shares() const { return hosts_.local().size() > 1; }
  int host_at(int distance) const {
    return (hosts_.mine + distance + hosts_.count()) % hosts_.count();
  }

  std::uint64_t chunk_count_for(int host, std::size_t worker, std::size_t worker_count) const {
    const std::vector<Rank>& owners = hosts_.ranks[static_cast<std::size_t>(host)];
    std::uint64_t count = 0;
    for (std::size_t i = worker; i < owners.size(); i += worker_count) {
      count += window_.chunk_count_of(parts_[owners[i].index()].count);
    }
    return count;
  }

  // Of the parts of a host, what one of so many workers has in a turn.
  Piece piece(int host, std::size_t worker, std::size_t worker_count, std::uint64_t turn) const {
    const std::vector<Rank>& owners = hosts_.ranks[static_cast<std::size_t>(host)];
    for (std::size_t i = worker; i < owners.size(); i += worker_count) {
      const Block part = parts_[owners[i].index()];
      const std::uint64_t count = window_.chunk_count_of(part.count);
      if (turn < count) {
        return {owners[i], window_.chunk(part, turn)};
      }
      turn -= count;
    }
    return {};
  }
  Piece local_piece(Work work, std::size_t index) const {
    return piece(host_at(work.step), index, hosts_.local().size(), work.turn);
  }

  // Those with anything to combine: a host of many ranks is done before one of few is.
  void add_works(std::uint64_t turn) {
    const auto add = [&](Work work) {
      for (std::size_t index = 0; index < hosts_.local().size(); ++index) {
        if (local_piece(work, index).chunk.count > 0) {
          works_.push_back(work);
          return;
        }
      }
    };
    const int step = static_cast<int>(turn / turns_per_step_) + 1;
    add({step, turn % turns_per_step_});
    if (step == 1) {
      add({0, turn});
    }
  }

  // So far ahead, so that what others need is there when they ask.
  void publish_up_to(std::uint64_t k) {
    for (; shares() && published_ < works_.size() && published_ <= k; ++published_) {
      publish(published_);
    }
  }

  void publish(std::uint64_t k) {
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    for (std::size_t index = 0; index < hosts_.local().size(); ++index) {
      const Piece piece = local_piece(works_[k], index);
      // With a prescale its own share goes there too: that is where it is scaled.
      const bool is_needed = static_cast<int>(index) != hosts_.my_index || params_.prescale;
      if (piece.chunk.count > 0 && is_needed) {
        builder_.copy(at_slot(params_.rank, window_.offset(k, static_cast<int>(index))),
                      at_input(piece.chunk.offset), piece.chunk.count,
                      pre_flag(params_) | stream_flag(params_));
      }
    }
    builder_.post(kPublished, done_with(k));
  }

  void combine(std::uint64_t k) {
    const Work work = works_[k];
    const Piece piece = local_piece(work, static_cast<std::size_t>(hosts_.my_index));
    if (piece.chunk.count > 0) {
      const bool is_own = work.step == 0;
      const Place sum = combined(k, piece.chunk, is_own);
      if (!is_own) {
        builder_.send(piece.owner, sum, piece.chunk.count);
      }
    }
    if (shares() && window_.is_reused(k, works_.size())) {
      builder_.post(kTaken, done_with(k));
    }
  }

  // Where the host's contribution to a chunk lies then: the own part is combined in its place.
  Place combined(std::uint64_t k, Block chunk, bool is_own) {
    const Place to = is_own ? at_output(chunk.offset - own_.offset) : at_scratch(0);
    if (shares()) {
      const std::uint64_t slot = window_.offset(k, hosts_.my_index);
      builder_.wait_all(kPublished, done_with(k));
      builder_.reduce_slots(to,
                            params_.prescale ? at_slot(params_.rank, slot) : at_input(chunk.offset),
                            slot, chunk.count);
      return to;
    }
    if (params_.prescale) {
      builder_.copy(to, at_input(chunk.offset), chunk.count, kScalePre);
      return to;
    }
    return at_input(chunk.offset);  // the own part meets what comes first in receive()
  }

  void receive(std::uint64_t turn) {
    const int step = static_cast<int>(turn / turns_per_step_) + 1;
    const int from_host = host_at(-step);
    const std::vector<Rank>& senders = hosts_.ranks[static_cast<std::size_t>(from_host)];
    const std::size_t worker = static_cast<std::size_t>(hosts_.my_index) % senders.size();
    const Piece mine = piece(hosts_.mine, worker, senders.size(), turn % turns_per_step_);
    if (mine.owner != params_.rank || mine.chunk.count == 0) {
      return;
    }
    const Place out = at_output(mine.chunk.offset - own_.offset);
    const bool is_in_input = step == 1 && !shares() && !params_.prescale;
    builder_.recv_reduce(senders[worker], out, is_in_input ? at_input(mine.chunk.offset) : out,
                         mine.chunk.count, step == last_step_ ? post_flag(params_) : 0U);
  }

  const ScheduleParams& params_;
  const Hosts hosts_;
  const std::vector<Block> parts_;
  const Block own_;
  const SlotWindow window_;
  const int last_step_;
  std::uint64_t turns_per_step_ = 0;
  std::vector<Work> works_;
  std::uint64_t published_ = 0;  // works whose contributions lie in the slots
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_hierarchical_reduce_scatter(const ScheduleParams& params) {
  return HierarchicalReduceScatter(params).make();
}

}  // namespace hvd
