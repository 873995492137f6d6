// tests/collectives/mutations.h: seeded damage to schedules, which a verifier must notice.
// Not here: deciding whether the damage matters (verifier_mutation_test.cc).
// Threads: one.  Limits: none.
// Read next: verifier_mutation_test.cc.
#pragma once

#include <string_view>
#include <vector>

#include "collectives/schedule.h"
#include "core/base/random.h"

namespace hvd {

enum class Damage : int {
  drop_op,
  duplicate_op,
  swap_neighbours,
  move_op,
  change_peer,
  shift_destination,
  shift_source,
  change_count,
  swap_operands,
  toggle_prescale,
  toggle_postscale,
  change_kind,
  change_destination_buffer,
  change_source_buffer,
  change_flag,
  change_value,
  swap_two_peers,
  drop_flag_op,
  lower_wait,
  delay_wait,
  hasten_post,
  toggle_to_slot,
  shift_aux,
  toggle_narrow,
};
inline constexpr int kDamageCount = 24;
std::string_view damage_name(Damage damage);

// Damages one op of one rank; false, and nothing changed, if the damage does not apply to the op
// that was drawn or would not change it.
bool damage_schedules(std::vector<Schedule>& schedules, Damage damage, Random& random);

}  // namespace hvd
