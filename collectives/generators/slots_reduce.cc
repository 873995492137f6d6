#include "collectives/generators/slots_reduce.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

class SlotsReduce {
 public:
  explicit SlotsReduce(const ScheduleParams& params)
      : params_(params),
        window_(params, params.element_count),
        builder_(CollectiveKind::reduce, params) {}

  Schedule make() {
    builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
    for (std::uint64_t k = 0; k < window_.chunk_count(); ++k) {
      params_.rank == params_.root ? combine(k) : put(k);
    }
    return builder_.take();
  }

 private:
  void put(std::uint64_t k) {
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait(params_.root, kTaken, value);
    }
    const Block chunk = window_.chunk(k);
    builder_.copy(at_slot(params_.rank, window_.offset(k)), at_input(chunk.offset), chunk.count,
                  pre_flag(params_) | stream_flag(params_));
    builder_.post(kPublished, done_with(k));
  }

  // The root's own contribution is scaled where the result will be.
  void combine(std::uint64_t k) {
    const Block chunk = window_.chunk(k);
    Place mine = at_input(chunk.offset);
    if (params_.prescale) {
      builder_.copy(at_output(chunk.offset), mine, chunk.count, kScalePre);
      mine = at_output(chunk.offset);
    }
    builder_.wait_all(kPublished, done_with(k));
    builder_.reduce_slots(at_output(chunk.offset), mine, window_.offset(k), chunk.count,
                          post_flag(params_));
    if (window_.is_reused(k)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_slots_reduce(const ScheduleParams& params) {
  if (params.rank_count > 1) {
    return SlotsReduce(params).make();
  }
  ScheduleBuilder builder(CollectiveKind::reduce, params);
  copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
  return builder.take();
}

}  // namespace hvd
