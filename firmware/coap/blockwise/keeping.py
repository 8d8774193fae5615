# SPDX-License-Identifier: MIT
"""Responses of ours that are kept while a peer fetches them block by block: RFC 7959 section 2.4. Imported when there
is the first of them.

Kept is the response to a request that must not run again (all but GET), and one whose octets can be read only once.
"""

from .. import numbers
from ..compat import const
from ..message import Message
from .bodies import Body, find, owner
from .option import identity
from .parts import close

_MAX_RESPONSES = const(3)
_MAX_OF_ONE = const(2)  # of one peer


class Kept(Body):
    """A response that a peer fetches in blocks. `answer` is the whole of it."""

    def __init__(self, owner, identity, deadline, answer):
        super().__init__(owner, identity, deadline)
        self.answer = answer

    def poll(self, endpoint, now):
        """Forget it: its time is over, or there are others."""
        endpoint.bodies.remove(self)
        close(self.answer.payload)


def rest(bodies, message, owner):
    """Return the kept response of which a request with Block2 alone asks for the next block; None where the request
    has to run."""
    if not message.uint(numbers.BLOCK2) >> 4:
        return None
    body = find(bodies, owner, identity(message), True)
    if body:
        return body.answer
    return None if message.code == numbers.GET else Message(numbers.REQUEST_ENTITY_INCOMPLETE)


def keep(endpoint, incoming, response, content, deadline):
    """Keep a response, `content` what gives its parts, until a tick. The one before for the same requests makes room
    for it, of one peer and of all the one that was begun first."""
    whose = owner(incoming)
    key = identity(incoming.message)
    if not hasattr(content, "close"):
        content = bytes(response.payload)
    answer = Message(response.code, content, list(response.options))  # the response itself is the caller's
    kept = Kept(whose, key, deadline, answer)
    bodies = endpoint.bodies
    others = [body for body in bodies if body.answer]
    own = [body for body in others if body.owner == whose]
    victim = find(own, whose, key, True)
    if victim is None and len(own) >= _MAX_OF_ONE:
        victim = own[0]
    if victim is None and len(others) >= _MAX_RESPONSES:
        victim = others[0]
        for body in others:
            if len([each for each in others if each.owner == body.owner]) > 1:
                victim = body  # of who has more than one
                break
    bodies.append(kept)
    if victim:
        victim.poll(endpoint, None)
