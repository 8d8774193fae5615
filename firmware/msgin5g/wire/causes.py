# SPDX-License-Identifier: MIT
"""The MSGin5G causes of TS 24.538 clause A.2.2.17: octets on L3, their meanings as text in JSON."""

from coap.compat import const

NO_GATEWAY_ACCESS = const(0x01)
INVALID_CREDENTIALS = const(0x02)
IDENTIFIER_CONFLICT = const(0x03)
CONNECTION_GONE = const(0x04)  # the gateway holds no registration of ours: register
LACK_OF_RESOURCES = const(0x05)
CONGESTION = const(0x06)
UNKNOWN_DEVICE = const(0x07)
PROTOCOL_ERROR = const(0x6F)

_TEXTS = (
    "Protocol error, unspecified",
    "Access via a Gateway UE is not allowed",
    "Invalid credentials",
    "Conflict of transport identifier for unicast communication is detected",
    "Connection is not available anymore",
    "Lack of resources for lower layer",
    "Congestion situation",
    "Unknown device",
)


def text(cause):
    """Return the meaning of a cause; a value that the table lacks reads as 0x6F, as the clause says."""
    return _TEXTS[cause if 0 < cause < len(_TEXTS) else 0]


def cause(meaning):
    """Return the value of a meaning, PROTOCOL_ERROR for other words."""
    for value in range(1, len(_TEXTS)):
        if _TEXTS[value].lower() == meaning.lower():
            return value
    return PROTOCOL_ERROR
