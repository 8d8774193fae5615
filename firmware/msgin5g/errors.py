# SPDX-License-Identifier: MIT
"""The errors that an application may see; all of them are importable from `msgin5g`.

A class of MicroPython can have only one built-in base, and applications rely on the one that each has. So `Error`
is no base class but a tuple of them all. An error that may become a response carries its `code` (RFC 7252 section
12.1.2), and `max_age`, the seconds after which the peer may come again, or None.
"""

from coap import numbers


class ConfigError(ValueError):
    """A key of the configuration is missing or wrong. `key` names it ("coap.nstart"), str() says what is allowed."""

    def __init__(self, key: str, allowed: str) -> None:
        super().__init__("%s: %s" % (key, allowed))
        self.key = key


class OutboxFull(Exception):
    """The outbox has no room: the message was not taken. Wait for others to end, or raise outbox.* ."""


class StorageError(OSError):
    """The board's storage failed: the message was not taken. Free space, or send with volatile=True.

    `args` are the errno and a sentence.
    """

    code = numbers.INTERNAL_SERVER_ERROR
    max_age = None

    def __init__(self, error: Exception) -> None:
        super().__init__(
            error.args[0] if error.args else None, "the storage failed: the message was not taken"
        )


class BodyError(ValueError):
    """A JSON body breaks clause 7.3 of TS 24.538. `member` names the culprit, str() is fit for a diagnostic payload."""

    code = numbers.BAD_REQUEST
    max_age = None

    def __init__(self, member: str, why: str) -> None:
        super().__init__("%s: %s" % (member, why))
        self.member = member


class ClientError(RuntimeError):
    """The client ended by a fault, and `start` begins anew; or `start` finds one with another configuration that runs.
    str() says which, and what to do."""


class SubscriptionError(Exception):
    """A topic was not subscribed, or not unsubscribed; str() says why."""


class StoppedError(EOFError):
    """The client was stopped, so the call has no effect; `start` begins anew."""


class Unsupported(Exception):
    """The board has no such thing; str() is a sentence that says what it has instead."""


Error = (
    BodyError,
    ClientError,
    ConfigError,
    OutboxFull,
    StoppedError,
    StorageError,
    SubscriptionError,
    Unsupported,
)
