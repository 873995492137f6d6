#include "collectives/generators/single_copy_broadcast.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// kCome: what the root has can be read. kDone: this rank has read it.
enum Flag : std::uint32_t { kCome = 0, kDone = 1 };

}  // namespace

Schedule make_single_copy_broadcast(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::broadcast, params);
  const bool is_root = params.rank == params.root;
  const bool is_read = params.rank_count > 1;
  if (is_read) {
    builder.slot(0, slot_ranks_of(params));
  }
  if (!is_root) {
    builder.wait(params.root, kCome, 1)
        .copy(at_output(0), at_part(params.root, 0), params.element_count)
        .post(kDone, 1);
    return builder.take();
  }
  if (is_read) {
    builder.offer_parts().post(kCome, 1);
  }
  copy_input_to_output(builder, params, 0);  // while the others read
  if (is_read) {
    builder.wait_all(kDone, 1);
  }
  return builder.take();
}

}  // namespace hvd
