#include "collectives/generators/hierarchical_barrier.h"

#include "collectives/generators/hosts.h"
#include "collectives/schedule_builder.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kCome = 0, kGo = 1 };

}  // namespace

Schedule make_hierarchical_barrier(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::barrier, params);
  const Hosts hosts(params);
  const bool shares = hosts.local().size() > 1;
  if (shares) {
    builder.slot(0, hosts.local());
  }
  if (hosts.my_index > 0) {
    builder.post(kCome, 1).wait(hosts.local().front(), kGo, 1);
    return builder.take();
  }
  if (shares) {
    builder.wait_all(kCome, 1);
  }
  const std::vector<Rank> leaders = hosts.peers_at(0);
  const int count = hosts.count();
  for (int distance = 1; distance < count; distance *= 2) {
    builder.send(leaders[static_cast<std::size_t>((hosts.mine + distance) % count)], Place{}, 0);
    builder.recv(leaders[static_cast<std::size_t>((hosts.mine + count - distance) % count)],
                 Place{}, 0);
  }
  if (shares) {
    builder.post(kGo, 1);
  }
  return builder.take();
}

}  // namespace hvd
