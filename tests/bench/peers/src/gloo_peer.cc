// Gloo as a peer: TCP transport, file rendezvous, one process per rank, ring allreduce.
#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/alltoall.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/math.h>
#include <gloo/reduce_scatter.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/rendezvous/prefix_store.h>
#include <gloo/transport/tcp/device.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include "tests/bench/peers/src/bench.h"

namespace {

using ReduceFunction = void (*)(void*, const void*, const void*, size_t);
using ContextPtr = std::shared_ptr<gloo::rendezvous::Context>;

ContextPtr connect(const std::string& name) {
  gloo::transport::tcp::attr attr;
  attr.hostname = peers::environment("HVD_BENCH_ADDRESS", "127.0.0.1");
  auto device = gloo::transport::tcp::CreateDevice(attr);
  auto context = std::make_shared<gloo::rendezvous::Context>(
      std::stoi(peers::environment("HVD_BENCH_RANK", "0")),
      std::stoi(peers::environment("HVD_BENCH_SIZE", "1")));
  context->setTimeout(std::chrono::seconds(50));
  gloo::rendezvous::FileStore files(peers::environment("HVD_BENCH_STORE"));
  gloo::rendezvous::PrefixStore store(name, files);
  context->connectFullMesh(store, device);
  return context;
}

void sum_over(const ContextPtr& context, float* data, std::size_t count) {
  gloo::AllreduceOptions options(context);
  options.setOutput(data, count);
  options.setReduceFunction(static_cast<ReduceFunction>(&gloo::sum<float>));
  gloo::allreduce(options);
}

class GlooCollectives final : public peers::Collectives {
 public:
  int rank() const override { return context_->rank; }
  int size() const override { return context_->size; }
  void barrier() override {
    gloo::BarrierOptions options(context_);
    gloo::barrier(options);
  }
  void max_over_ranks(double* values, std::size_t count) override {
    gloo::AllreduceOptions options(context_);
    options.setOutput(values, count);
    options.setReduceFunction(static_cast<ReduceFunction>(&gloo::max<double>));
    gloo::allreduce(options);
  }
  void forget_buffers() override {
    barrier();  // a peer may still be receiving into a plan's buffers
    plans_.clear();
  }
  void allreduce(float* data, std::size_t count) override { sum_over(context_, data, count); }
  void broadcast(float* data, std::size_t count, int root) override {
    gloo::BroadcastOptions options(context_);
    options.setOutput(data, count);
    options.setRoot(root);
    gloo::broadcast(options);
  }
  void allgather(const float* in, float* out, std::size_t count) override {
    gloo::AllgatherOptions options(context_);
    options.setInput(const_cast<float*>(in), count);
    options.setOutput(out, count * static_cast<std::size_t>(size()));
    gloo::allgather(options);
  }
  // In place: the rank's block ends up at the front of `in`; the copy out is part of the call.
  void reduce_scatter(float* in, float* out, std::size_t count) override {
    auto& plan = plans_[{in, count}];
    if (!plan) {
      const std::vector<int> blocks(static_cast<std::size_t>(size()), static_cast<int>(count));
      plan = std::make_unique<gloo::ReduceScatterHalvingDoubling<float>>(
          context_, std::vector<float*>{in}, static_cast<int>(count) * size(), blocks);
    }
    plan->run();
    std::memcpy(out, in, count * sizeof(float));
  }
  void alltoall(const float* in, float* out, std::size_t count) override {
    const std::size_t total = count * static_cast<std::size_t>(size());
    gloo::AlltoallOptions options(context_);
    options.setInput(const_cast<float*>(in), total);
    options.setOutput(out, total);
    gloo::alltoall(options);
  }
  // On a second context and a thread, as torch does it.
  void start_big(float* data, std::size_t count) override {
    if (!second_) {
      second_ = connect("second");
    }
    done_ = false;
    worker_ = std::thread([this, data, count] {
      sum_over(second_, data, count);
      done_ = true;
    });
  }
  bool big_done() override { return done_; }
  void wait_big() override { worker_.join(); }

 private:
  ContextPtr context_ = connect("first"), second_;
  std::map<std::pair<float*, std::size_t>, std::unique_ptr<gloo::Algorithm>> plans_;
  std::thread worker_;
  std::atomic<bool> done_{true};
};

}  // namespace

int main(int argc, char** argv) {
  GlooCollectives comm;
  peers::run_peer(comm, peers::Options(argc, argv));
  comm.barrier();
}
