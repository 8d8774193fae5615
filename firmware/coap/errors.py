# SPDX-License-Identifier: MIT
"""The errors of `coap`.

A class of MicroPython can have only one built-in base, and callers rely on the one that each has. So `Error` is no
base class but a tuple of them all, for isinstance() and `except coap.Error`, or `except coap.Error + (KeyError,)`
together with others.
"""


class BusyError(Exception):
    """Too many exchanges are open; try again when one has ended."""


class MessageError(ValueError):
    """Octets that are not a CoAP message, or a message that cannot be put in octets; str() says why.

    `reset` is the Message ID that RFC 7252 section 4.2 wants rejected with a Reset message (a confirmable
    one with a format error), or None where silence is the answer.
    """

    def __init__(self, why: str, reset: int | None = None) -> None:
        super().__init__(why)
        self.reset = reset


class StateError(OSError):
    """No message can be protected with this OSCORE key any more; str() says why and what to do."""


Error = (BusyError, MessageError, StateError)
