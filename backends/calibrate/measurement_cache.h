// backends/calibrate/measurement_cache.h: what was measured before, in files of the user's cache.
// Not here: measuring (calibrate.h).
// Threads: any.  Limits: a file counts only whole, of this version of hvd and for the same key; all
// else is as if there were none. Read next: measurement_cache.cc.
#pragma once

#include <string>

#include "collectives/measurements.h"
#include "core/base/log.h"
#include "core/config/config.h"
#include "core/config/environment.h"

namespace hvd {

// HVD_CACHE_DIR, or else hvd in XDG_CACHE_HOME or in ~/.cache; "" where there is neither.
std::string cache_folder(const Config& config, const Environment& environment);

// What figures hold for: the CPU, how many of its cores, this version; and the host with its way to
// rank 0's, from which the interface follows.
struct CacheKeys {
  std::string host;
  std::string network;
};
CacheKeys cache_keys(const Config& config, const std::string& version);

class MeasurementCache {
 public:
  // folder "": keeps nothing.
  MeasurementCache(std::string folder, CacheKeys keys, const Logger& logger)
      : folder_(std::move(folder)), keys_(std::move(keys)), logger_(logger) {}

  // Fields that no file has are 0. What is wrong with a file is a line at level debug.
  Measurements load() const;
  // Each file appears whole or not at all. That it cannot be written is a line at level debug.
  void store(const Measurements& measured) const;

  std::string path_of_host() const;
  std::string path_of_network() const;

 private:
  std::string folder_;
  CacheKeys keys_;
  const Logger& logger_;
};

}  // namespace hvd
