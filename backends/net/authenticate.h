// backends/net/authenticate.h: drives one handshake over a connected socket, blocking, at init
// time. Not here: accepting many strangers at once (listener.h). Threads: any.  Limits: none. Read
// next: handshake.h.
#pragma once

#include <string_view>

#include "backends/net/fd.h"
#include "backends/net/handshake.h"
#include "backends/net/secret.h"
#include "backends/net/socket.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

// For any connected stream socket, Unix sockets too. Reads nothing beyond the handshake.
Status authenticate(int socket, HandshakeSide side, const Secret& secret, std::string_view purpose,
                    Time deadline, const Clock& clock);

// Connects and authenticates, once. Failures that may heal are not_found (nobody listens there yet)
// and aborted (the connection was dropped).
Result<Fd> connect_authenticated(const Endpoint& endpoint, const Secret& secret,
                                 std::string_view purpose, Time deadline, const Clock& clock);

}  // namespace hvd
