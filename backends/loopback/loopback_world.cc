#include "backends/loopback/loopback_world.h"

namespace hvd {
namespace {

std::vector<std::unique_ptr<LoopbackDoor>> make_doors(int rank_count, const Clock& clock) {
  std::vector<std::unique_ptr<LoopbackDoor>> doors;
  doors.reserve(static_cast<std::size_t>(rank_count));
  for (int rank = 0; rank < rank_count; ++rank) {
    doors.push_back(std::make_unique<LoopbackDoor>(clock));
  }
  return doors;
}

}  // namespace

LoopbackWorld::LoopbackWorld(int rank_count, const Clock& clock, const RingGeometry& geometry)
    : doors_(make_doors(rank_count, clock)),
      memory_(rank_count, geometry),
      star_(door_pointers()) {}

std::vector<LoopbackDoor*> LoopbackWorld::door_pointers() const {
  std::vector<LoopbackDoor*> pointers;
  for (const std::unique_ptr<LoopbackDoor>& door : doors_) {
    pointers.push_back(door.get());
  }
  return pointers;
}

std::unique_ptr<LoopbackControlPlane> LoopbackWorld::make_control_plane(Rank rank) {
  return std::make_unique<LoopbackControlPlane>(star_, rank);
}

std::unique_ptr<LoopbackIdle> LoopbackWorld::make_idle(Rank rank) {
  return std::make_unique<LoopbackIdle>(*doors_[rank.index()]);
}

std::unique_ptr<LoopbackTransport> LoopbackWorld::make_transport(Rank rank) {
  return std::make_unique<LoopbackTransport>(memory_, rank, door_pointers());
}

void LoopbackWorld::kill(Rank rank, const std::string& reason) { star_.lose(rank, reason); }

}  // namespace hvd
