# SPDX-License-Identifier: MIT
"""The errors that an application may see; all of them are importable from `msgin5g`.

Those here are rare: this module is imported when the first of them is raised, or asked for as `msgin5g.OutboxFull`.
Two become responses, BodyError, which stands in wire/payload.py, and StorageError: each has its `code` (RFC 7252
section 12.1.2), and `max_age`, the seconds after which the peer may come again,
or None.

A class of MicroPython can have only one built-in base, and applications rely on the one that each has. So `Error`
is no base class but a tuple of them all.
"""


class ConfigError(ValueError):
    """A key of the configuration is missing or wrong. `key` names it ("coap.nstart"), str() says what is allowed."""

    def __init__(self, key: str, allowed: str) -> None:
        super().__init__("%s: %s" % (key, allowed))
        self.key = key


class OutboxFull(Exception):
    """The outbox has no room: the message was not taken. Wait for others to end, or allow more: outbox.messages,
    outbox.bytes."""


class ClientError(RuntimeError):
    """The client ended by a fault, and `start` begins anew; or `start` finds one with another configuration that runs.
    str() says which, and what to do."""


class SubscriptionError(Exception):
    """A topic was not subscribed, or not unsubscribed; str() says why."""


class GroupError(Exception):
    """A group was not joined or left, or says nothing of itself or its members; str() says why."""


class UpdateError(Exception):
    """A message that waits was not updated or discarded, or not said to be; str() says why."""


class StoppedError(EOFError):
    """The client was stopped, so the call has no effect; `start` begins anew."""


class StorageError(OSError):
    """The board's storage failed: the message was not taken. Free space, or send with volatile=True.

    `args` are the errno and a sentence.
    """

    code = 160  # coap.INTERNAL_SERVER_ERROR
    max_age = None

    def __init__(self, error: Exception) -> None:
        super().__init__(
            error.args[0] if error.args else None, "the storage failed: the message was not taken"
        )


class Unsupported(Exception):
    """The board has no such thing; str() is a sentence that says what it has instead."""


def __getattr__(name):
    if name != "Error":
        raise AttributeError(name)
    # Made when it is asked for: an error of the configuration comes before there is a body.
    from .wire.identifiers import BodyError

    return (
        BodyError,
        ClientError,
        ConfigError,
        GroupError,
        OutboxFull,
        StoppedError,
        StorageError,
        SubscriptionError,
        Unsupported,
        UpdateError,
    )
