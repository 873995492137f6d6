// core/base/thread_annotations.h: names for clang's -Wthread-safety attributes; empty under gcc.
// Not here: the types that carry them (mutex.h, thread_role.h).
// Threads: compile time only.  Limits: none.
// Read next: mutex.h.
#pragma once

#if defined(__clang__)
#define HVD_ANNOTATE(x) __attribute__((x))
#else
#define HVD_ANNOTATE(x)
#endif

#define HVD_CAPABILITY(name) HVD_ANNOTATE(capability(name))
#define HVD_SCOPED_CAPABILITY HVD_ANNOTATE(scoped_lockable)
#define HVD_GUARDED_BY(x) HVD_ANNOTATE(guarded_by(x))
#define HVD_REQUIRES(...) HVD_ANNOTATE(requires_capability(__VA_ARGS__))
#define HVD_EXCLUDES(...) HVD_ANNOTATE(locks_excluded(__VA_ARGS__))
#define HVD_ACQUIRE(...) HVD_ANNOTATE(acquire_capability(__VA_ARGS__))
#define HVD_TRY_ACQUIRE(...) HVD_ANNOTATE(try_acquire_capability(__VA_ARGS__))
#define HVD_RELEASE(...) HVD_ANNOTATE(release_capability(__VA_ARGS__))
#define HVD_ASSERT_CAPABILITY(x) HVD_ANNOTATE(assert_capability(x))
#define HVD_NO_THREAD_SAFETY_ANALYSIS HVD_ANNOTATE(no_thread_safety_analysis)
