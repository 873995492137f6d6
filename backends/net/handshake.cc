#include "backends/net/handshake.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

static_assert(kMacBytes == crypto_auth_BYTES);
static_assert(kSecretBytes == crypto_auth_KEYBYTES);
static_assert(std::string_view(crypto_auth_PRIMITIVE) == "hmacsha512256");

constexpr std::string_view kMagic = "hvdkey";
constexpr char kVersion = 1;
constexpr char kHello = 'h';
constexpr char kChallenge = 'c';
constexpr char kProof = 'p';
static_assert(kMagic.size() + 2 == kHandshakeTagBytes);

void put_tag(ByteWriter& writer, char frame) {
  for (const char letter : kMagic) {
    writer.put(letter);
  }
  writer.put(frame).put(kVersion);
}

void put_raw(ByteWriter& writer, std::span<const std::byte> bytes) {
  for (const std::byte value : bytes) {
    writer.put(static_cast<std::uint8_t>(value));
  }
}

Bytes take_raw(ByteReader& reader, std::size_t count) {
  Bytes bytes(count);
  for (std::byte& value : bytes) {
    value = static_cast<std::byte>(reader.get<std::uint8_t>());
  }
  return bytes;
}

Bytes fresh_nonce() {
  Bytes nonce(kNonceBytes);
  ::randombytes_buf(nonce.data(), nonce.size());
  return nonce;
}

}  // namespace

Handshake::Handshake(HandshakeSide side, const Secret& secret, std::string_view purpose)
    : side_(side), secret_(secret), purpose_(purpose) {
  HVD_CHECK(::sodium_init() >= 0);
  if (side_ == HandshakeSide::accepting) {
    wanted_bytes_ = kHelloBytes;
    return;
  }
  connecting_nonce_ = fresh_nonce();
  ByteWriter hello;
  put_tag(hello, kHello);
  put_raw(hello, connecting_nonce_);
  output_ = hello.take();
  wanted_bytes_ = kChallengeBytes;
}

Bytes Handshake::take_output() { return std::exchange(output_, {}); }

void Handshake::receive(std::span<const std::byte> bytes) {
  HVD_CHECK(bytes.size() <= wanted_bytes());
  input_.insert(input_.end(), bytes.begin(), bytes.end());
  if (wanted_bytes_ == 0 || input_.size() < wanted_bytes_) {
    return;
  }
  if (side_ == HandshakeSide::connecting) {
    take_challenge();
  } else if (accepting_nonce_.empty()) {
    take_hello();
  } else {
    take_proof();
  }
}

bool Handshake::tag_matches(ByteReader& reader, char frame) {
  ByteWriter expected;
  put_tag(expected, frame);
  const Bytes found = take_raw(reader, kHandshakeTagBytes);
  if (found == expected.bytes()) {
    return true;
  }
  // the version is the tag's last byte
  const bool other_version = std::equal(found.begin(), found.end() - 1, expected.bytes().begin());
  fail(other_version
           ? error(StatusCode::unsupported, "the peer speaks handshake version ",
                   static_cast<int>(found.back()), ", this side ", static_cast<int>(kVersion),
                   "; all ranks and hvdrun must be of one hvd version")
           : error(StatusCode::permission_denied, "the peer does not speak hvd's handshake"));
  return false;
}

void Handshake::take_hello() {
  ByteReader reader(input_);
  if (!tag_matches(reader, kHello)) {
    return;
  }
  connecting_nonce_ = take_raw(reader, kNonceBytes);
  accepting_nonce_ = fresh_nonce();
  ByteWriter challenge;
  put_tag(challenge, kChallenge);
  put_raw(challenge, accepting_nonce_);
  put_raw(challenge, mac(HandshakeSide::accepting));
  output_ = challenge.take();
  input_.clear();
  wanted_bytes_ = kProofBytes;
}

void Handshake::take_challenge() {
  ByteReader reader(input_);
  if (!tag_matches(reader, kChallenge)) {
    return;
  }
  accepting_nonce_ = take_raw(reader, kNonceBytes);
  if (!mac_matches(HandshakeSide::accepting, reader)) {
    fail(error(StatusCode::permission_denied, "the peer could not prove the secret of this job (",
               purpose_,
               " connection): the secrets differ, or it is another program or job. check "
               "that HVD_SECRET, HVD_SECRET_FD or HVD_SECRET_FILE is the same for all ranks"));
    return;
  }
  ByteWriter proof;
  put_tag(proof, kProof);
  put_raw(proof, mac(HandshakeSide::connecting));
  output_ = proof.take();
  input_.clear();
  wanted_bytes_ = 0;
  done_ = true;
}

void Handshake::take_proof() {
  ByteReader reader(input_);
  if (!tag_matches(reader, kProof)) {
    return;
  }
  if (!mac_matches(HandshakeSide::connecting, reader)) {
    fail(error(StatusCode::permission_denied, "a peer could not prove the secret of this job (",
               purpose_, " connection)"));
    return;
  }
  input_.clear();
  wanted_bytes_ = 0;
  done_ = true;
}

void Handshake::fail(Status why) {
  failure_ = std::move(why);
  input_.clear();
  wanted_bytes_ = 0;
}

Bytes Handshake::mac(HandshakeSide prover) const {
  ByteWriter text;  // strings carry their length, so no two texts share one encoding
  text.put_string(kMagic).put(kVersion);
  text.put_string(prover == HandshakeSide::connecting ? "connecting" : "accepting");
  text.put_string(purpose_).put_blob(connecting_nonce_).put_blob(accepting_nonce_);
  Bytes result(kMacBytes);
  ::crypto_auth(reinterpret_cast<unsigned char*>(result.data()),
                reinterpret_cast<const unsigned char*>(text.bytes().data()), text.bytes().size(),
                secret_.bytes().data());
  return result;
}

bool Handshake::mac_matches(HandshakeSide prover, ByteReader& reader) const {
  const Bytes expected = mac(prover);
  const Bytes found = take_raw(reader, kMacBytes);
  return ::sodium_memcmp(expected.data(), found.data(), kMacBytes) == 0;  // in constant time
}

}  // namespace hvd
