#include "core/stages/heartbeat.h"

#include <algorithm>

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr Nanos kLimit = 30 * kSecond;
constexpr Time kStart = 1000 * kSecond;

// Lives from beat to beat as the coordinator does; returns whom it finds silent, and when.
struct Found {
  Rank rank;
  Time at = 0;
};

std::optional<Found> live_until(Heartbeat& heartbeat, Time& now, Time until,
                                const std::vector<Rank>& talking) {
  while (heartbeat.next_timer() <= until) {
    now = heartbeat.next_timer();
    for (const Rank rank : talking) {
      heartbeat.heard_of(rank, now);
    }
    if (heartbeat.beat_due(now)) {
      if (const std::optional<Rank> silent = heartbeat.silent_peer(now)) {
        return Found{*silent, now};
      }
    }
  }
  now = until;
  return std::nullopt;
}

TEST_CASE("when a peer was last heard of is known until it is forgotten", "[heartbeat]") {
  Heartbeat heartbeat({Rank(1), Rank(2)}, 30 * kSecond, 5);
  heartbeat.heard_of(Rank(2), 9);
  CHECK(heartbeat.heard_at(Rank(1)) == 5);
  CHECK(heartbeat.heard_at(Rank(2)) == 9);
  heartbeat.forget(Rank(2));
  CHECK_FALSE(heartbeat.heard_at(Rank(2)).has_value());
  CHECK_FALSE(heartbeat.heard_at(Rank(3)).has_value());
}

TEST_CASE("three beats fit into the limit", "[heartbeat]") {
  Heartbeat heartbeat({Rank(1)}, kLimit, kStart);
  CHECK(heartbeat.next_timer() == kStart + 10 * kSecond);
  CHECK_FALSE(heartbeat.beat_due(kStart + 10 * kSecond - 1));
  CHECK(heartbeat.beat_due(kStart + 10 * kSecond));
  CHECK_FALSE(heartbeat.beat_due(kStart + 10 * kSecond));
  CHECK(heartbeat.next_timer() == kStart + 20 * kSecond);
}

TEST_CASE("who is silent for longer than the limit is found soon after it, who talks never is",
          "[heartbeat]") {
  Heartbeat heartbeat({Rank(1), Rank(2), Rank(3)}, kLimit, kStart);
  Time now = kStart;
  const std::optional<Found> found =
      live_until(heartbeat, now, kStart + 1000 * kSecond, {Rank(1), Rank(3)});
  REQUIRE(found.has_value());
  CHECK(found->rank == Rank(2));
  CHECK(found->at > kStart + kLimit);
  CHECK(found->at <= kStart + kLimit + kLimit / 3 + kSecond);
}

TEST_CASE("a rank that was away itself gives everyone a fresh start", "[heartbeat]") {
  Heartbeat heartbeat({Rank(1)}, kLimit, kStart);
  Time now = kStart;
  CHECK_FALSE(live_until(heartbeat, now, kStart + 20 * kSecond, {Rank(1)}).has_value());
  now += 500 * kSecond;  // stopped, then goes on
  REQUIRE(heartbeat.beat_due(now));
  CHECK_FALSE(heartbeat.silent_peer(now).has_value());
  const std::optional<Found> found = live_until(heartbeat, now, now + 1000 * kSecond, {});
  REQUIRE(found.has_value());  // but a fresh start is no pardon
  CHECK(found->rank == Rank(1));
}

TEST_CASE("no pause of the whole job, however long, makes a peer look dead", "[heartbeat]") {
  for (Nanos pause = 0; pause <= 2 * kLimit; pause += kLimit / 100) {
    Heartbeat heartbeat({Rank(1)}, kLimit, kStart);
    // The peer beats just after this rank's looks, so its last beat is a third of the limit old.
    heartbeat.heard_of(Rank(1), kStart + 1);
    REQUIRE(heartbeat.beat_due(kStart + kLimit / 3));
    REQUIRE_FALSE(heartbeat.silent_peer(kStart + kLimit / 3).has_value());
    const Time woken = kStart + kLimit / 3 + std::max(pause, kLimit / 3);
    REQUIRE(heartbeat.beat_due(woken));
    CAPTURE(pause);
    CHECK_FALSE(heartbeat.silent_peer(woken).has_value());
  }
}

TEST_CASE("a rank that ended is waited for no more, and alone nobody beats", "[heartbeat]") {
  Heartbeat heartbeat({Rank(1)}, kLimit, kStart);
  heartbeat.forget(Rank(1));
  CHECK(heartbeat.next_timer() == kNever);
  CHECK_FALSE(heartbeat.beat_due(kStart + 100 * kSecond));
  Heartbeat alone({}, kLimit, kStart);
  CHECK(alone.next_timer() == kNever);
}

TEST_CASE("news of a stranger changes nothing", "[heartbeat]") {
  Heartbeat heartbeat({Rank(1)}, kLimit, kStart);
  heartbeat.heard_of(Rank(7), kStart + kSecond);
  heartbeat.forget(Rank(7));
  CHECK(heartbeat.next_timer() != kNever);
  CHECK(heartbeat.limit() == kLimit);
}

}  // namespace
}  // namespace hvd
