#include "backends/net/handshake.h"

#include <rapidcheck.h>

#include <algorithm>

#include "tests/catch.h"

namespace hvd {
namespace {

// Moves what `from` has to say to `to`, in pieces of at most `piece_bytes`.
void deliver(Handshake& from, Handshake& to, std::size_t piece_bytes = 1000) {
  const Bytes output = from.take_output();
  std::span<const std::byte> rest(output);
  while (!rest.empty() && to.wanted_bytes() > 0) {
    const std::size_t count = std::min({piece_bytes, rest.size(), to.wanted_bytes()});
    to.receive(rest.first(count));
    rest = rest.subspan(count);
  }
}

void run(Handshake& connecting, Handshake& accepting, std::size_t piece_bytes = 1000) {
  deliver(connecting, accepting, piece_bytes);
  deliver(accepting, connecting, piece_bytes);
  deliver(connecting, accepting, piece_bytes);
}

constexpr auto kConnecting = HandshakeSide::connecting;
constexpr auto kAccepting = HandshakeSide::accepting;

}  // namespace

TEST_CASE("both sides are done when they share secret and purpose, byte by byte too",
          "[handshake]") {
  const Secret secret = Secret::random();
  for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    Handshake connecting(kConnecting, secret, "control");
    Handshake accepting(kAccepting, secret, "control");
    run(connecting, accepting, piece_bytes);
    REQUIRE(connecting.done());
    REQUIRE(accepting.done());
    REQUIRE(accepting.wanted_bytes() == 0);
  }
}

TEST_CASE("with different secrets nobody is done and the connecting side says why", "[handshake]") {
  Handshake connecting(kConnecting, Secret::random(), "control");
  Handshake accepting(kAccepting, Secret::random(), "control");
  run(connecting, accepting);
  REQUIRE_FALSE(connecting.done());
  REQUIRE_FALSE(accepting.done());
  REQUIRE(connecting.failure().code() == StatusCode::permission_denied);
  REQUIRE(connecting.failure().message().find("the secrets differ") != std::string::npos);
  REQUIRE(connecting.failure().message().find("HVD_SECRET_FILE") != std::string::npos);
  REQUIRE(connecting.take_output().empty());  // no proof for somebody who gave none
}

TEST_CASE("a connection for one purpose is not taken for another", "[handshake]") {
  const Secret secret = Secret::random();
  Handshake connecting(kConnecting, secret, "control");
  Handshake accepting(kAccepting, secret, "shm");
  run(connecting, accepting);
  REQUIRE_FALSE(connecting.done());
  REQUIRE_FALSE(accepting.done());
}

TEST_CASE("a replayed proof does not open a second connection", "[handshake]") {
  const Secret secret = Secret::random();
  Handshake connecting(kConnecting, secret, "control");
  Handshake accepting(kAccepting, secret, "control");
  const Bytes hello = connecting.take_output();
  accepting.receive(hello);
  deliver(accepting, connecting);
  const Bytes proof = connecting.take_output();
  accepting.receive(proof);
  REQUIRE(accepting.done());

  Handshake second(kAccepting, secret, "control");
  second.receive(hello);
  REQUIRE(second.take_output().size() == kChallengeBytes);
  second.receive(proof);
  REQUIRE_FALSE(second.done());
  REQUIRE(second.failure().code() == StatusCode::permission_denied);
}

// The attacker knows no secret and has only what the honest sides say.
TEST_CASE("our own frames sent back to us prove nothing", "[handshake]") {
  const Secret secret = Secret::random();
  Handshake connecting(kConnecting, secret, "control");
  Bytes echo = connecting.take_output();
  echo.resize(kChallengeBytes);
  connecting.receive(echo);
  REQUIRE_FALSE(connecting.done());
  REQUIRE_FALSE(connecting.failure().ok());

  // The accepting side's MAC over the same nonces, returned to it as a proof.
  Handshake victim(kAccepting, secret, "control");
  Handshake stranger(kConnecting, Secret::random(), "control");
  deliver(stranger, victim);
  const Bytes challenge = victim.take_output();
  Handshake honest(kConnecting, secret, "control");
  Bytes proof = honest.take_output();
  proof.resize(kHandshakeTagBytes);
  proof[6] = std::byte{'p'};
  proof.insert(proof.end(), challenge.end() - kMacBytes, challenge.end());
  REQUIRE(proof.size() == victim.wanted_bytes());
  victim.receive(proof);
  REQUIRE_FALSE(victim.done());
}

TEST_CASE("a changed bit anywhere in the frames never ends in success on both sides",
          "[handshake][fuzz]") {
  REQUIRE(rc::check([] {
    const Secret secret = Secret::random();
    Handshake connecting(kConnecting, secret, "control");
    Handshake accepting(kAccepting, secret, "control");
    const auto frame = *rc::gen::inRange(0, 3);
    const auto flip = [](Bytes bytes) {
      const auto bit = *rc::gen::inRange<std::size_t>(0, 8 * bytes.size());
      bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      return bytes;
    };
    for (int step = 0; step < 3; ++step) {
      Handshake& from = step == 1 ? accepting : connecting;
      Handshake& to = step == 1 ? connecting : accepting;
      const Bytes output = from.take_output();
      if (output.size() == to.wanted_bytes() && !output.empty()) {
        to.receive(step == frame ? flip(output) : output);
      }
    }
    RC_ASSERT(!(connecting.done() && accepting.done()));
  }));
}

TEST_CASE("another version of the handshake is named, other programs are told apart",
          "[handshake]") {
  Handshake accepting(kAccepting, Secret::random(), "control");
  Bytes hello = Handshake(kConnecting, Secret::random(), "control").take_output();
  hello[kHandshakeTagBytes - 1] = std::byte{9};
  accepting.receive(hello);
  REQUIRE(accepting.failure().code() == StatusCode::unsupported);
  REQUIRE(accepting.failure().message().find("version 9") != std::string::npos);

  Handshake other(kAccepting, Secret::random(), "control");
  Bytes noise(kHelloBytes, std::byte{'G'});
  other.receive(noise);
  REQUIRE(other.failure().code() == StatusCode::permission_denied);
}

}  // namespace hvd
