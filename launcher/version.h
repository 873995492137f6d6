// launcher/version.h: the version that hvdrun prints; the build gives it from meson.build.
// Not here: the C API's version (bindings/c/hvd.h).
// Threads: constant.  Limits: none.
// Read next: options.h.
#pragma once

#ifndef HVD_VERSION
#define HVD_VERSION "outside of its build"  // tests/tidy compiles each file alone
#endif

namespace hvd {
inline constexpr const char* kVersion = HVD_VERSION;
}  // namespace hvd
