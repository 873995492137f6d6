#include "backends/engine/routed_transport.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {

RoutedTransport::RoutedTransport(std::unique_ptr<Transport> local,
                                 std::unique_ptr<Transport> remote, std::vector<bool> is_local,
                                 std::vector<Limits> limits)
    : local_(std::move(local)),
      remote_(std::move(remote)),
      is_local_(std::move(is_local)),
      limits_(std::move(limits)) {
  HVD_CHECK(limits_.size() == kLaneCount);
  const bool alone = std::count(is_local_.begin(), is_local_.end(), true) == 1;
  for (const Lane lane : kLanes) {
    for (const Transport* wire : {local_.get(), remote_.get()}) {
      HVD_CHECK((alone && wire == local_.get()) ||
                (chunk_bytes_max(lane) <= wire->chunk_bytes_max(lane) &&
                 slot_count(lane) <= wire->slot_count(lane)));
    }
  }
}

void RoutedTransport::prepare_sleep() {
  local_->prepare_sleep();
  remote_->prepare_sleep();
}

void RoutedTransport::end_sleep() {
  local_->end_sleep();
  remote_->end_sleep();
}

std::string RoutedTransport::description() const {
  return str(local_->description(), "; ", remote_->description());
}

void RoutedTransport::for_each_fd(const std::function<void(int)>& visit) const {
  local_->for_each_fd(visit);
  remote_->for_each_fd(visit);
}

}  // namespace hvd
