// collectives/schedule_builder.h: the words in which generators write a Schedule.
// Not here: the meaning of the ops (schedule.h), algorithms (generators/).
// Threads: a builder belongs to one thread.  Limits: none.
// Read next: generators/tree_broadcast.cc, the shortest user.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Where an op reads or writes; how many elements is the op's own property.
struct Place {
  BufferKind buffer = BufferKind::none;
  std::uint64_t offset = 0;
  Rank owner;  // slot and part only
};
constexpr Place at_input(std::uint64_t offset) { return {BufferKind::input, offset, {}}; }
constexpr Place at_output(std::uint64_t offset) { return {BufferKind::output, offset, {}}; }
constexpr Place at_scratch(std::uint64_t offset) { return {BufferKind::scratch, offset, {}}; }
constexpr Place at_products(std::uint64_t place) { return {BufferKind::products, place, {}}; }
constexpr Place at_part(Rank owner, std::uint64_t offset) {
  return {BufferKind::peer_part, offset, owner};
}
constexpr Place at_slot(Rank owner, std::uint64_t offset) {
  return {BufferKind::slot, offset, owner};
}

class ScheduleBuilder {
 public:
  ScheduleBuilder(CollectiveKind kind, const ScheduleParams& params);

  ScheduleBuilder& copy(Place dst, Place src, std::uint64_t count, unsigned flags = 0);
  ScheduleBuilder& reduce(Place dst, Place src, std::uint64_t count, unsigned flags = 0);
  // On edges, kNarrow is added where the parameters say so.
  ScheduleBuilder& send(Rank to, Place src, std::uint64_t count);
  ScheduleBuilder& recv(Rank from, Place dst, std::uint64_t count, unsigned flags = 0);
  ScheduleBuilder& recv_reduce(Rank from, Place dst, Place src, std::uint64_t count,
                               unsigned flags = 0);
  ScheduleBuilder& post(std::uint32_t flag, std::uint32_t value);
  ScheduleBuilder& wait(Rank whose, std::uint32_t flag, std::uint32_t value);
  ScheduleBuilder& wait_all(std::uint32_t flag, std::uint32_t value);
  ScheduleBuilder& reduce_slots(Place dst, Place src, std::uint64_t slot_offset,
                                std::uint64_t count, unsigned flags = 0);
  // Of dst and src, into a place of the products; neither is written.
  ScheduleBuilder& dot(std::uint64_t place, Place dst, Place src, std::uint64_t count,
                       unsigned flags = 0);
  ScheduleBuilder& weigh(std::uint64_t place, Place dst, Place src, std::uint64_t count,
                         unsigned flags = 0);
  // Makes it Adasum's.
  ScheduleBuilder& products(std::uint64_t place_count);
  ScheduleBuilder& scratch(std::uint64_t element_count);
  // Shared memory that this rank offers, and the ranks that see it, this one included.
  ScheduleBuilder& slot(std::uint64_t element_count, std::vector<Rank> slot_ranks);

  // The others may read what this rank has for them: peer_part.
  ScheduleBuilder& offer_parts();

  // The ops of a schedule in place, of as many ranks as are given here: its rank i is ranks[i], and
  // its vector begins at `output_offset` of the output.
  ScheduleBuilder& embed(const Schedule& inner, const std::vector<Rank>& ranks,
                         std::uint64_t output_offset);

  Schedule take() { return std::move(schedule_); }

 private:
  ScheduleBuilder& add(const Op& op);
  Schedule schedule_;
};

}  // namespace hvd
