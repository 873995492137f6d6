#include "collectives/generators/ring_allreduce.h"

#include "collectives/generators/exchange.h"

namespace hvd {

Schedule make_ring_allreduce(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  const int p = params.rank_count;
  if (p == 1) {
    copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
    return builder.take();
  }
  // Without a prescale nothing is copied first: what is sent in step 0 and what is reduced with the
  // incoming chunk comes straight from the input.
  if (params.prescale) {
    copy_input_to_output(builder, params, kScalePre);
  }
  const BufferKind mine = params.prescale ? BufferKind::output : BufferKind::input;
  const Rank right{(params.rank.value + 1) % p};
  const Rank left{(params.rank.value + p - 1) % p};
  const int last_reduce_step = p - 2;  // from then on a rank holds a block's final value
  walk_ring(
      params, even_blocks(params.element_count, p), 2 * (p - 1),
      [&](int step, Block chunk) {
        builder.send(right, {step == 0 ? mine : BufferKind::output, chunk.offset, {}}, chunk.count);
      },
      [&](int step, Block chunk) {
        if (step > last_reduce_step) {
          builder.recv(left, at_output(chunk.offset), chunk.count);
          return;
        }
        const bool final = step == last_reduce_step;
        builder.recv_reduce(left, at_output(chunk.offset), {mine, chunk.offset, {}}, chunk.count,
                            kReverseOperands | (final ? post_flag(params) : 0U));
        if (final) {
          round_to_wire(builder, params, chunk);
        }
      });
  return builder.take();
}

}  // namespace hvd
