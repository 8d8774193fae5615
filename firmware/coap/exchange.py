# SPDX-License-Identifier: MIT
"""The kinds of an endpoint's events, and the states of what it has sent. `endpoint` has these figures itself, so that a
device does not load their names."""

# Kinds of event, and what comes with each
REQUEST = 1  # (REQUEST, incoming, message): answer it with respond(), now or later
RESPONSE = (
    2  # (RESPONSE, exchange, message); with None, silence is what was asked for, or the end of many responses
)
RESET = 3  # (RESET, exchange, None): the peer refused the message; the good end of a ping
TIMEOUT = 4  # (TIMEOUT, exchange, None): nothing came
INCOMPLETE = 5  # (INCOMPLETE, exchange, message): the body changed under way, or is longer than max_body
REFUSED = 6  # (REFUSED, exchange, message): nothing came but a response that does not verify (RFC 8613)
NOTIFICATION = 7  # (NOTIFICATION, observation, message): `observation.accept` it once it is safe
STALE = 8  # (STALE, observation, None): Max-Age is over; `observation.register` again
PIECE = (
    9  # (PIECE, incoming, message): a block of a stream; (PIECE, stream, None): given up; blockwise.streams
)

# States of an exchange
QUEUED = 0  # waits for its turn under NSTART
SENT = 1  # on the air; a confirmable message is repeated until something comes back
ACKNOWLEDGED = 2  # a request whose response comes separately (RFC 7252 section 5.2.2)
