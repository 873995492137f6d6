// Not a runtime: a demonstrated floor. How fast can an allreduce be on this machine with nothing
// but shared memory and spinning?
//
//   --np P [--arena 1]
//
// Forks P - 1 ranks that share one mapping. Private tensors, a list taken as one vector, move in
// chunks through slots:
//   P = 2: copy the chunk into the own slot; add the other rank's slot to the own array.
//   P > 2: copy in; each rank sums its share of the chunk over all slots into the result slot;
//          copy the result out.
// Chunk size and ordinary or non-temporal stores are calibrated per size, before timing. With
// --arena 1 the tensors lie in shared memory already: each rank sums its share of all the tensors
// and writes it to all of them.
// Waiting spins and then yields the CPU; at once where there are more ranks than CPUs. No error
// handling, no negotiation, no other data type: whatever a real runtime adds is on top.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "tests/bench/peers/src/bench.h"

#ifdef __AVX__
#include <immintrin.h>
#endif

namespace {

constexpr std::size_t kMaxRanks = 64, kSlots = 3, kLine = 16, kControl = 1024;
constexpr std::size_t kMaxChunk = (1 << 20) / sizeof(float);
constexpr std::size_t kArena = (256 << 20) / sizeof(float);

struct alignas(64) Counter {
  std::atomic<std::uint64_t> value{0};
};

// How many chunks each rank has published, summed (its share of) and taken out so far.
struct Progress {
  std::array<Counter, kMaxRanks> published, summed, taken;
  std::array<double, kControl * kMaxRanks> control;
};
using Counters = std::array<Counter, kMaxRanks>;

struct Plan {
  std::size_t chunk = kMaxChunk / 8;
  bool stream = false;
};

void copy(float* __restrict to, const float* __restrict from, std::size_t n,
          [[maybe_unused]] bool stream) {
#ifdef __AVX__
  if (stream) {
    std::size_t i = 0;
    for (; i < n && reinterpret_cast<std::uintptr_t>(to + i) % 32; ++i) to[i] = from[i];
    for (; i + 8 <= n; i += 8) _mm256_stream_ps(to + i, _mm256_loadu_ps(from + i));
    for (; i < n; ++i) to[i] = from[i];
    _mm_sfence();
    return;
  }
#endif
  std::memcpy(to, from, n * sizeof(float));
}

// into = a + b; `into` may be `a`.
void add(float* into, const float* a, const float* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    into[i] = a[i] + b[i];
  }
}

// A position in a list of tensors that is walked as one vector.
class Cursor {
 public:
  explicit Cursor(const std::vector<peers::Tensor>& tensors) : tensors_(tensors) {}

  // Calls use(pointer, offset, count) for each piece of the next `count` elements.
  template <class Use>
  void advance(std::size_t count, Use use) {
    for (std::size_t done = 0; done < count;) {
      const peers::Tensor& t = tensors_[tensor_];
      const std::size_t piece = std::min(count - done, t.count - at_);
      use(t.data + at_, done, piece);
      done += piece;
      at_ += piece;
      if (at_ == t.count) {
        ++tensor_, at_ = 0;
      }
    }
  }

 private:
  const std::vector<peers::Tensor>& tensors_;
  std::size_t tensor_ = 0, at_ = 0;
};

class SharedMemory final : public peers::Collectives {
 public:
  SharedMemory(int size, bool arena)
      : size_(size), spins_(size > static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) ? 0 : 2000) {
    const auto ranks = static_cast<std::size_t>(size);
    progress_ = new (map(sizeof(Progress), MAP_POPULATE)) Progress();
    area_ =
        static_cast<float*>(map((ranks + 1) * kSlots * kMaxChunk * sizeof(float), MAP_POPULATE));
    if (arena) {
      arena_ = static_cast<float*>(map(ranks * kArena * sizeof(float), MAP_NORESERVE));
    }
    for (int r = 1; r < size; ++r) {
      const pid_t pid = fork();
      if (pid < 0) {
        throw std::runtime_error("fork");
      }
      if (pid == 0) {
        rank_ = r;
        children_.clear();
        break;
      }
      children_.push_back(pid);
    }
    peers::pin(rank_);
  }
  ~SharedMemory() override {
    for (pid_t child : children_) {
      waitpid(child, nullptr, 0);
    }
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void barrier() override {
    float nothing = 0;
    const std::vector<peers::Tensor> one{{&nothing, 1}};
    scatter_and_gather(one, 1, Plan());
  }
  void max_over_ranks(double* values, std::size_t count) override {
    if (count > kControl) {
      throw std::runtime_error("too many control values");
    }
    auto& control = progress_->control;
    std::copy(values, values + count, &control[static_cast<std::size_t>(rank_) * kControl]);
    barrier();
    for (int r = 0; r < size_; ++r) {
      const double* theirs = &control[static_cast<std::size_t>(r) * kControl];
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = std::max(values[i], theirs[i]);
      }
    }
    barrier();
  }

  // Every rank allocates the same sizes in the same order, so offsets agree.
  float* allocate(std::size_t count) override {
    if (!arena_) {
      return nullptr;
    }
    float* data = arena_ + static_cast<std::size_t>(rank_) * kArena + arena_used_;
    arena_used_ += (count + kLine - 1) / kLine * kLine;
    if (arena_used_ > kArena) {
      throw std::bad_alloc();
    }
    return data;
  }
  void forget_buffers() override {
    barrier();
    arena_used_ = 0;
  }

  void prepare(const std::vector<peers::Tensor>& tensors) override {
    std::size_t total = 0;
    for (const peers::Tensor& t : tensors) {
      total += t.count;
    }
    if (arena_ || plans_.count(size_class(total))) {
      return;
    }
    std::map<double, Plan> tried;
    for (bool stream : {false, true}) {
      for (std::size_t chunk = kMaxChunk / 32; chunk <= kMaxChunk; chunk *= 2) {
        const Plan plan{chunk, stream};
        std::vector<double> took(5);
        for (double& us : took) {
          const int calls = total < 1 << 16 ? 20 : 1;
          barrier();
          const double start = peers::now_us();
          for (int i = 0; i < calls; ++i) {
            run(tensors, total, plan);
          }
          us = peers::now_us() - start;
        }
        max_over_ranks(took.data(), took.size());
        std::sort(took.begin(), took.end());
        tried[took[2]] = plan;
        if (chunk >= total) {
          break;
        }
      }
    }
    plans_[size_class(total)] = tried.begin()->second;
  }
  void allreduce(float* data, std::size_t count) override {
    single_[0] = {data, count};
    allreduce_list(single_);
  }
  void allreduce_list(const std::vector<peers::Tensor>& tensors) override {
    std::size_t total = 0;
    for (const peers::Tensor& t : tensors) {
      total += t.count;
    }
    if (arena_) {
      return in_arena(tensors[0].data, total);
    }
    const auto plan = plans_.find(size_class(total));
    run(tensors, total, plan == plans_.end() ? Plan() : plan->second);
  }

 private:
  static void* map(std::size_t bytes, int flags) {
    void* p =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);
    if (p == MAP_FAILED) {
      throw std::bad_alloc();
    }
    return p;
  }
  static int size_class(std::size_t count) { return std::ilogb(static_cast<double>(count)); }

  float* slot(int owner, std::uint64_t chunk) {
    return area_ + (static_cast<std::size_t>(owner) * kSlots + chunk % kSlots) * kMaxChunk;
  }
  void await(const Counter& counter, std::uint64_t at_least) const {
    int spins = spins_;
    while (counter.value.load(std::memory_order_acquire) < at_least) {
      if (spins-- <= 0) {
        sched_yield();
      }
#ifdef __AVX__
      _mm_pause();
#endif
    }
  }
  void await_all(const Counters& counters, std::uint64_t at_least) const {
    for (int r = 0; r < size_; ++r) {
      await(counters[static_cast<std::size_t>(r)], at_least);
    }
  }
  void advance(Counters& counters, std::uint64_t to) {
    counters[static_cast<std::size_t>(rank_)].value.store(to, std::memory_order_release);
  }

  void run(const std::vector<peers::Tensor>& tensors, std::size_t total, const Plan& plan) {
    if (size_ == 2) {
      exchange(tensors, total, plan);
    } else {
      scatter_and_gather(tensors, total, plan);
    }
  }
  void publish(Cursor& from, std::uint64_t chunk, std::size_t count, bool stream) {
    float* out = slot(rank_, chunk);
    from.advance(count, [&](float* data, std::size_t offset, std::size_t n) {
      copy(out + offset, data, n, stream);
    });
    advance(progress_->published, chunk + 1);
  }

  // Two ranks: each adds the other's chunk to its own. The next chunk is published before the
  // current one is awaited, so that neither side idles.
  void exchange(const std::vector<peers::Tensor>& tensors, std::size_t total, const Plan& plan) {
    const auto other = static_cast<std::size_t>(1 - rank_);
    const std::size_t chunks = (total + plan.chunk - 1) / plan.chunk;
    const auto length = [&](std::size_t c) { return std::min(plan.chunk, total - c * plan.chunk); };
    Cursor source(tensors), target(tensors);
    const auto put = [&](std::size_t c) {
      const std::uint64_t chunk = next_ + c;
      if (chunk >= kSlots) {
        await(progress_->taken[other], chunk - kSlots + 1);
      }
      publish(source, chunk, length(c), plan.stream);
    };
    put(0);
    for (std::size_t c = 0; c < chunks; ++c) {
      if (c + 1 < chunks) {
        put(c + 1);
      }
      const std::uint64_t chunk = next_ + c;
      await(progress_->published[other], chunk + 1);
      const float* theirs = slot(1 - rank_, chunk);
      target.advance(length(c), [&](float* data, std::size_t offset, std::size_t n) {
        add(data, data, theirs + offset, n);
      });
      advance(progress_->taken, chunk + 1);
    }
    next_ += chunks;
    advance(progress_->summed, next_);  // the two ways share their slots
  }

  void scatter_and_gather(const std::vector<peers::Tensor>& tensors, std::size_t total,
                          const Plan& plan) {
    const std::size_t chunks = (total + plan.chunk - 1) / plan.chunk;
    const auto ranks = static_cast<std::size_t>(size_);
    Cursor source(tensors), target(tensors);
    for (std::size_t c = 0; c < chunks; ++c, ++next_) {
      const std::size_t count = std::min(plan.chunk, total - c * plan.chunk);
      if (next_ >= kSlots) {
        await_all(progress_->taken, next_ - kSlots + 1);
      }
      publish(source, next_, count, plan.stream);
      await_all(progress_->published, next_ + 1);
      const std::size_t share = ((count + ranks - 1) / ranks + kLine - 1) / kLine * kLine;
      const std::size_t begin = std::min(count, share * static_cast<std::size_t>(rank_));
      const std::size_t end = std::min(count, begin + share);
      float* result = slot(size_, next_);
      if (end > begin) {
        const std::size_t n = end - begin;
        add(result + begin, slot(0, next_) + begin, slot(1, next_) + begin, n);
        for (int r = 2; r < size_; ++r) {
          add(result + begin, result + begin, slot(r, next_) + begin, n);
        }
      }
      advance(progress_->summed, next_ + 1);
      await_all(progress_->summed, next_ + 1);
      target.advance(count, [&](float* data, std::size_t offset, std::size_t n) {
        copy(data, result + offset, n, plan.stream);
      });
      advance(progress_->taken, next_ + 1);
    }
  }

  void in_arena(float* data, std::size_t count) {
    const auto ranks = static_cast<std::size_t>(size_);
    const auto offset = static_cast<std::size_t>(data - arena_) % kArena;
    advance(progress_->published, next_ + 1);
    await_all(progress_->published, next_ + 1);
    const std::size_t share = ((count + ranks - 1) / ranks + kLine - 1) / kLine * kLine;
    const std::size_t begin = std::min(count, share * static_cast<std::size_t>(rank_));
    const std::size_t end = std::min(count, begin + share);
    for (std::size_t at = begin; at < end; at += 1024) {
      const std::size_t n = std::min<std::size_t>(1024, end - at);
      const auto of = [&](int r) {
        return arena_ + static_cast<std::size_t>(r) * kArena + offset + at;
      };
      for (int r = 1; r < size_; ++r) {
        add(of(0), of(0), of(r), n);
      }
      for (int r = 1; r < size_; ++r) {
        copy(of(r), of(0), n, false);
      }
    }
    ++next_;
    advance(progress_->summed, next_);
    advance(progress_->taken, next_);
    await_all(progress_->summed, next_);
  }

  int rank_ = 0, size_;
  int spins_;  // before a wait starts to yield
  std::uint64_t next_ = 0;
  Progress* progress_ = nullptr;
  float* area_ = nullptr;
  float* arena_ = nullptr;
  std::size_t arena_used_ = 0;
  std::map<int, Plan> plans_;
  std::vector<pid_t> children_;
  std::vector<peers::Tensor> single_ = std::vector<peers::Tensor>(1);
};

}  // namespace

int main(int argc, char** argv) {
  const peers::Options options(argc, argv);
  SharedMemory comm(static_cast<int>(options.number("np", 2)), options.number("arena", 0) != 0);
  peers::run_peer(comm, options);
}
