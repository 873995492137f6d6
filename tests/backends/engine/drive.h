// tests/backends/engine/drive.h: runs a data plane until it is done, sleeping as a coordinator
// does. Not here: which work. Threads: one a rank.  Limits: none. Read next: core/ports/idle.h.
#pragma once

#include "core/ports/data_plane.h"
#include "core/ports/idle.h"

namespace hvd {

inline void drive(DataPlane& plane, Idle& idle) {
  while (plane.busy()) {
    idle.poll();
    if (plane.progress()) {
      continue;
    }
    if (plane.prepare_sleep()) {
      idle.sleep(kNever);
    }
    plane.end_sleep();
  }
}

}  // namespace hvd
