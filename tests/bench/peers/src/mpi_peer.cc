// MPI as a peer: the same source is compiled against Open MPI and MPICH.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include "tests/bench/peers/src/bench.h"

namespace {

class MpiCollectives final : public peers::Collectives {
 public:
  MpiCollectives() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm_dup(MPI_COMM_WORLD, &second_);
  }
  ~MpiCollectives() override { MPI_Comm_free(&second_); }
  MpiCollectives(const MpiCollectives&) = delete;
  MpiCollectives& operator=(const MpiCollectives&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void barrier() override { MPI_Barrier(MPI_COMM_WORLD); }
  void max_over_ranks(double* values, std::size_t count) override {
    MPI_Allreduce(MPI_IN_PLACE, values, static_cast<int>(count), MPI_DOUBLE, MPI_MAX,
                  MPI_COMM_WORLD);
  }
  void allreduce(float* data, std::size_t count) override {
    MPI_Allreduce(MPI_IN_PLACE, data, static_cast<int>(count), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  }
  void allreduce_list(const std::vector<peers::Tensor>& tensors) override {
    std::vector<MPI_Request> requests(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      MPI_Iallreduce(MPI_IN_PLACE, tensors[i].data, static_cast<int>(tensors[i].count), MPI_FLOAT,
                     MPI_SUM, MPI_COMM_WORLD, &requests[i]);
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  }
  void broadcast(float* data, std::size_t count, int root) override {
    MPI_Bcast(data, static_cast<int>(count), MPI_FLOAT, root, MPI_COMM_WORLD);
  }
  void allgather(const float* in, float* out, std::size_t count) override {
    const int n = static_cast<int>(count);
    MPI_Allgather(in, n, MPI_FLOAT, out, n, MPI_FLOAT, MPI_COMM_WORLD);
  }
  void reduce_scatter(float* in, float* out, std::size_t count) override {
    MPI_Reduce_scatter_block(in, out, static_cast<int>(count), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  }
  void alltoall(const float* in, float* out, std::size_t count) override {
    const int n = static_cast<int>(count);
    MPI_Alltoall(in, n, MPI_FLOAT, out, n, MPI_FLOAT, MPI_COMM_WORLD);
  }
  // Progresses inside MPI calls only, as MPI does by default.
  void start_big(float* data, std::size_t count) override {
    MPI_Iallreduce(MPI_IN_PLACE, data, static_cast<int>(count), MPI_FLOAT, MPI_SUM, second_, &big_);
  }
  bool big_done() override {
    int done = 0;
    MPI_Test(&big_, &done, MPI_STATUS_IGNORE);
    return done != 0;
  }
  void wait_big() override { MPI_Wait(&big_, MPI_STATUS_IGNORE); }

 private:
  int rank_ = 0;
  int size_ = 1;
  MPI_Comm second_ = MPI_COMM_NULL;
  MPI_Request big_ = MPI_REQUEST_NULL;
};

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  {
    MpiCollectives comm;
    peers::pin(comm.rank());
    peers::run_peer(comm, peers::Options(argc, argv));
  }
  MPI_Finalize();
}
