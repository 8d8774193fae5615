# SPDX-License-Identifier: MIT
"""Requests of the peer that are refused (docs/wire-profile.md, "Answers"). Imported with the first that comes."""

from coap import numbers
from coap.message import Message, uint_octets


class Refusal(Exception):
    """A request of the peer that gets `code`; str() is the diagnostic payload, `max_age` seconds or None."""

    def __init__(self, code: int, why: str, max_age: int | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.max_age = max_age


def later(why=""):
    """Return the Refusal of a request that may come again in 10 s."""
    return Refusal(numbers.SERVICE_UNAVAILABLE, why, 10)


def response(error, stats):
    """Return the response for an error that ended a request of the peer, and count it in `stats`
    (docs/wire-profile.md, "Answers"). An error of ours carries its `code`.
    """
    if isinstance(error, (MemoryError, RuntimeError)):  # the second: a stack that is too deep
        # Nothing was taken: the sender keeps it and comes again.
        stats["starved"] += 1
        error = later()
    text = str(error)
    options = []
    if isinstance(error, OSError):
        code = numbers.INTERNAL_SERVER_ERROR
        text = "storage: " + text
    else:
        code = error.code
        if code == numbers.BAD_REQUEST:
            stats["malformed"] += 1
        if error.max_age is not None:
            options.append((numbers.MAX_AGE, uint_octets(error.max_age)))
    return Message(code, text.encode(), options)


def expect_own(body, name, config):
    """Raise Refusal for a message to another UE. A message without that member is taken."""
    if name in body and body.address(name, name[:-4] + "AddrType", ("UE", "AS"))[1] != config.ue_service_id:
        raise Refusal(numbers.NOT_FOUND, name + ": not this UE")
