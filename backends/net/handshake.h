// backends/net/handshake.h: both sides prove that they know the job's secret; bytes in, bytes out.
// Not here: sockets and patience (listener.h accepts many, authenticate.h drives one).
// Threads: one owner.  Limits: three frames of fixed size, nothing else is read before success.
// Read next: listener.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "backends/net/secret.h"
#include "core/base/bytes.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr std::size_t kNonceBytes = 32;
inline constexpr std::size_t kMacBytes = 32;
inline constexpr std::size_t kHandshakeTagBytes = 8;  // frame name and version
inline constexpr std::size_t kHelloBytes = kHandshakeTagBytes + kNonceBytes;
inline constexpr std::size_t kChallengeBytes = kHandshakeTagBytes + kNonceBytes + kMacBytes;
inline constexpr std::size_t kProofBytes = kHandshakeTagBytes + kMacBytes;

enum class HandshakeSide { connecting, accepting };

//   connecting                         accepting
//   hello: nonce C            ->
//                             <-       challenge: nonce A, MAC("accepting", purpose, C, A)
//   proof: MAC("connecting", purpose, C, A) ->
// Fresh nonces of both sides are in both MACs (HMAC-SHA512-256), so a replay fails; the side's name
// is in it, so a reflection fails; the purpose is in it, so a connection cannot be moved elsewhere.
// The connecting side learns from the challenge that the secrets differ, and can say so.
class Handshake {
 public:
  Handshake(HandshakeSide side, const Secret& secret, std::string_view purpose);

  // Bytes that have to go to the peer now; empty if none.
  Bytes take_output();
  // How many bytes the next frame still lacks; 0 once done or failed. A driver reads no more than
  // this, so what follows the handshake stays in the socket.
  std::size_t wanted_bytes() const { return wanted_bytes_ - input_.size(); }
  // Takes at most wanted_bytes().
  void receive(std::span<const std::byte> bytes);

  bool done() const { return done_; }  // the output may still have to be sent
  // Why it failed; ok while it runs and when it is done.
  const Status& failure() const { return failure_; }

 private:
  void take_hello();
  void take_challenge();
  void take_proof();
  void fail(Status why);
  bool tag_matches(ByteReader& reader, char frame);
  Bytes mac(HandshakeSide prover) const;
  bool mac_matches(HandshakeSide prover, ByteReader& reader) const;

  const HandshakeSide side_;
  const Secret secret_;
  const std::string purpose_;
  Bytes connecting_nonce_;
  Bytes accepting_nonce_;
  Bytes input_;
  Bytes output_;
  std::size_t wanted_bytes_ = 0;
  bool done_ = false;
  Status failure_;
};

}  // namespace hvd
