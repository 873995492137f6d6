// collectives/generators/exchange.h: the order in which a rank sends and receives many chunks.
// Not here: which chunks (the generators).
// Threads: pure functions.  Limits: see exchange_in_turn.
// Read next: ring_allreduce.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "collectives/generators/blocks.h"

namespace hvd {

// All ranks go through the same `turn_count` turns. The transfer of turn t, if an edge has one, is
// sent at turn t - (ahead - 1) and received at turn t; within a turn a rank first sends, then
// receives. No deadlock with `ahead` slots an edge or more: when every rank has finished all turns
// before u, a send at turn u finds at most ahead - 1 chunks of its edge unconsumed, so all sends of
// turn u go through, then all its receives find their chunk.
// emit_send(t) and emit_recv(t) emit nothing where their edge has no transfer in turn t. If a
// transfer of turn t forwards what came in at turn t - d, ahead must be at most d.
template <typename EmitSend, typename EmitRecv>
void exchange_in_turn(std::uint64_t turn_count, std::uint64_t ahead, EmitSend emit_send,
                      EmitRecv emit_recv) {
  for (std::uint64_t turn = 0; turn < turn_count + ahead - 1; ++turn) {
    if (turn < turn_count) {
      emit_send(turn);
    }
    if (turn + 1 >= ahead) {
      emit_recv(turn + 1 - ahead);
    }
  }
}

// A walk around the ring: in step s a rank sends block (rank - s) to its right neighbour and
// receives block (rank - s - 1) from its left one, chunk by chunk: one turn for each chunk of the
// longest block, so that chunk k of step s + 1 may leave as soon as chunk k of step s came in.
template <typename EmitSend, typename EmitRecv>
void walk_ring(const ScheduleParams& params, const std::vector<Block>& blocks, int step_count,
               EmitSend emit_send, EmitRecv emit_recv) {
  std::uint64_t turns_per_step = 0;
  for (const Block& block : blocks) {
    turns_per_step = std::max(turns_per_step, chunk_count_of(block, params.chunk_element_count));
  }
  if (turns_per_step == 0 || step_count == 0) {
    return;
  }
  const auto chunk_at = [&](std::uint64_t turn, int lag) {
    const int step = static_cast<int>(turn / turns_per_step);
    const int p = params.rank_count;
    const int index = (((params.rank.value - step - lag) % p) + p) % p;
    return chunk_of(blocks[static_cast<std::size_t>(index)], params.chunk_element_count,
                    turn % turns_per_step);
  };
  const std::uint64_t ahead =
      std::min(static_cast<std::uint64_t>(params.send_ahead), turns_per_step);
  exchange_in_turn(
      static_cast<std::uint64_t>(step_count) * turns_per_step, ahead,
      [&](std::uint64_t turn) {
        if (const Block chunk = chunk_at(turn, 0); chunk.count > 0) {
          emit_send(static_cast<int>(turn / turns_per_step), chunk);
        }
      },
      [&](std::uint64_t turn) {
        if (const Block chunk = chunk_at(turn, 1); chunk.count > 0) {
          emit_recv(static_cast<int>(turn / turns_per_step), chunk);
        }
      });
}

// Partners with which a rank exchanges at the same time. One after the other would leave all but
// one connection idle; all at once would have each rank send first to the same slow one.
inline constexpr int kPartnerCountMost = 8;

// Every rank exchanges a block with every other: with rank + s it sends to and rank - s from which
// it receives, s from 1 to p - 1, in groups of kPartnerCountMost. In each group the first chunks of
// all its partners, then the second ones. No deadlock with `send_ahead` slots an edge or more,
// though blocks differ: each edge is used in one group, the groups are the same on all ranks, and
// all sends of a turn come before its receives, as in exchange_in_turn.
template <typename EmitSend, typename EmitRecv>
void exchange_with_all(const ScheduleParams& params, const std::vector<Block>& sent,
                       const std::vector<Block>& received, EmitSend emit_send, EmitRecv emit_recv) {
  const int p = params.rank_count;
  const std::uint64_t chunk = params.chunk_element_count;
  const auto to = [&](int s) { return Rank{(params.rank.value + s) % p}; };
  const auto from = [&](int s) { return Rank{(params.rank.value + p - s) % p}; };
  for (int first = 1; first < p; first += kPartnerCountMost) {
    const int end = std::min(p, first + kPartnerCountMost);
    std::uint64_t turn_count = 0;
    for (int s = first; s < end; ++s) {
      turn_count = std::max({turn_count, chunk_count_of(sent[to(s).index()], chunk),
                             chunk_count_of(received[from(s).index()], chunk)});
    }
    if (turn_count == 0) {
      continue;
    }
    exchange_in_turn(
        turn_count, static_cast<std::uint64_t>(params.send_ahead),
        [&](std::uint64_t turn) {
          for (int s = first; s < end; ++s) {
            if (const Block part = chunk_of(sent[to(s).index()], chunk, turn); part.count > 0) {
              emit_send(to(s), part);
            }
          }
        },
        [&](std::uint64_t turn) {
          for (int s = first; s < end; ++s) {
            if (const Block part = chunk_of(received[from(s).index()], chunk, turn);
                part.count > 0) {
              emit_recv(from(s), part);
            }
          }
        });
  }
}

// The first chunk of each other rank's block, from the next rank on, then the second ones.
template <typename Emit>
void each_chunk_in_turn(const ScheduleParams& params, const std::vector<Block>& blocks, Emit emit) {
  std::uint64_t turn_count = 0;
  for (const Block& block : blocks) {
    turn_count = std::max(turn_count, chunk_count_of(block, params.chunk_element_count));
  }
  for (std::uint64_t turn = 0; turn < turn_count; ++turn) {
    for (int s = 1; s < params.rank_count; ++s) {
      const Rank other{(params.rank.value + s) % params.rank_count};
      const Block chunk = chunk_of(blocks[other.index()], params.chunk_element_count, turn);
      if (chunk.count > 0) {
        emit(other, chunk);
      }
    }
  }
}

}  // namespace hvd
