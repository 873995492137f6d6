// tests/bench/peers/src/collectives.h: what a C++ peer implements, and the words of the protocol
// (README.md). Not here: workloads (bench.h), timing (measure.h). Threads: one per rank.  Limits:
// float32 only. Read next: measure.h.
#pragma once

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace peers {

struct Tensor {
  float* data;
  std::size_t count;
};

// Thrown by a peer for an operation that it lacks; every rank throws alike.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Collectives {
 public:
  virtual ~Collectives() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Never inside a timed region.
  virtual void barrier() = 0;
  virtual void max_over_ranks(double* values, std::size_t count) = 0;
  // A chance to plan or tune for an allreduce of these tensors.
  virtual void prepare(const std::vector<Tensor>&) {}
  // Memory for the tensors, 64-byte aligned; null: malloc'ed, as a framework would hand it out.
  virtual float* allocate(std::size_t) { return nullptr; }
  // All tensors are about to be freed: drop whatever was planned for their addresses.
  virtual void forget_buffers() {}

  // In place, sum.
  virtual void allreduce(float* data, std::size_t count) = 0;
  // The peer's best way to reduce a list of tensors that are all ready.
  virtual void allreduce_list(const std::vector<Tensor>&) { throw Unsupported("list"); }
  virtual void broadcast(float*, std::size_t, int) { throw Unsupported("broadcast"); }
  // `count` floats from each rank.
  virtual void allgather(const float*, float*, std::size_t) { throw Unsupported("allgather"); }
  // `in` holds size() blocks of `count` floats and may be overwritten.
  virtual void reduce_scatter(float*, float*, std::size_t) { throw Unsupported("reduce_scatter"); }
  // size() blocks of `count` floats each way.
  virtual void alltoall(const float*, float*, std::size_t) { throw Unsupported("alltoall"); }
  // An allreduce that runs beside others: start it, ask whether it is done, wait for it.
  virtual void start_big(float*, std::size_t) { throw Unsupported("overlap"); }
  virtual bool big_done() { return true; }
  virtual void wait_big() {}
};

class Options {
 public:
  Options(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
      if (std::strncmp(argv[i], "--", 2) != 0) {
        throw std::runtime_error(std::string("expected an option, got ") + argv[i]);
      }
      values_[argv[i] + 2] = argv[i + 1];
    }
    if (argc % 2 == 0)
      throw std::runtime_error("options come in pairs: --name value");
  }
  std::string text(const std::string& name, const std::string& fallback = "") const {
    auto it = values_.find(name);
    return it == values_.end() ? fallback : it->second;
  }
  double number(const std::string& name, double fallback) const {
    auto it = values_.find(name);
    return it == values_.end() ? fallback : std::stod(it->second);
  }
  std::vector<std::size_t> sizes(const std::string& name) const {
    std::vector<std::size_t> out;
    std::stringstream list(text(name));
    for (std::string item; std::getline(list, item, ',');) out.push_back(std::stoull(item));
    return out;
  }

 private:
  std::map<std::string, std::string> values_;
};

inline std::string environment(const char* name, const char* fallback = "") {
  const char* value = std::getenv(name);
  return value ? value : fallback;
}

// Binds the process to the (index mod n)-th of its n allowed CPUs, if the harness asks for it.
inline void pin(int index) {
  cpu_set_t allowed, one;
  if (environment("HVD_BENCH_PIN") != "1" || sched_getaffinity(0, sizeof allowed, &allowed))
    return;
  std::vector<int> cpus;
  for (int c = 0; c < CPU_SETSIZE; ++c) {
    if (CPU_ISSET(c, &allowed))
      cpus.push_back(c);
  }
  CPU_ZERO(&one);
  CPU_SET(cpus[static_cast<std::size_t>(index) % cpus.size()], &one);
  sched_setaffinity(0, sizeof one, &one);
}

}  // namespace peers
