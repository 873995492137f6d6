// backends/tcp/edge_stream.h: chunks in both directions between two ranks, over one socket.
// Not here: how the socket came to be (edge_connector.h, edge_door.h), who waits (tcp_transport.h).
// Threads: baton holder only.  Limits: what the geometry says; nothing blocks.
// Read next: tcp_transport.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "backends/net/fd.h"
#include "backends/tcp/frame_receiver.h"
#include "backends/tcp/frame_sender.h"

namespace hvd {

// Chunks may be committed before there is a socket; they leave when it comes.
class EdgeStream {
 public:
  explicit EdgeStream(const EdgeGeometry& geometry) : sender_(geometry), receiver_(geometry) {}

  void attach(Fd socket) { socket_ = std::move(socket); }
  bool attached() const { return socket_.open(); }
  int fd() const { return socket_.get(); }
  // No byte will come or go any more. Chunks that came can still be taken.
  void detach();

  std::span<std::byte> begin_send() { return sender_.begin(); }
  void commit_send(const ChunkHeader& header) { sender_.commit(header); }
  bool send_from(const ChunkHeader& header, std::span<const std::span<const std::byte>> pieces);
  void offer(std::uint64_t sequence, std::span<std::byte> memory) {
    receiver_.offer(sequence, memory);
  }
  void withdraw_offer() { receiver_.withdraw_offer(); }
  std::optional<IncomingChunk> peek() const { return receiver_.peek(); }
  void release();

  // What the kernel takes and gives at once. False: the connection is over, trouble() says why.
  bool flush();
  bool fill();
  bool unsent() const { return !sender_.empty(); }
  const std::string& trouble() const { return trouble_; }
  // Ok, or what this side lacks so that the edge cannot go on: memory.
  const Status& own_fault() const {
    return own_fault_.ok() ? sender_.memory_failure() : own_fault_;
  }
  // The peer broke the protocol, rather than that the connection ended.
  bool peer_lies() const { return peer_lies_; }

  std::uint64_t bytes_sent() const { return bytes_sent_; }
  std::uint64_t bytes_received() const { return bytes_received_; }

 private:
  Fd socket_;
  FrameSender sender_;
  FrameReceiver receiver_;
  std::string trouble_;
  Status own_fault_;
  bool peer_lies_ = false;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
};

}  // namespace hvd
