# SPDX-License-Identifier: MIT
"""OSCORE for an endpoint whose key is being changed: what comes under the old key or the new one is taken, and what
goes out goes under the new one, until somebody decides which of them stays."""

from ..compat import const
from .keyring import Keyring

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable

    from contracts import Peer, Tick

    from ..message import Message
    from .context import Binding, Context
    from .security import Security


class Changing(Keyring):
    """The old key is that of `old`, a Security, whose counters go on; `new` is a Context, and another one by both its
    IDs. `proved()` is called for each response that verifies under it, and says whether that may be taken."""

    def __init__(self, old: "Security", new: "Context", proved: "Callable[[], bool]") -> None:
        Keyring.__init__(self, (old.context, new), lambda message, peer: new, (), 0)
        self.new = new
        self.stats = old.stats
        for member in self._members.values():
            member.stats = old.stats
        self._proved = proved

    def protect_request(
        self, message: "Message", peer: "Peer", like: "Binding | None" = None
    ) -> "tuple[Message, Binding | None]":
        """As Security.protect_request. What follows up a request under the old key goes under the new one."""
        if like is not None and like.context is not self.new:
            like = None
        return Keyring.protect_request(self, message, peer, like)

    def unprotect_response(self, message: "Message", binding: "Binding", now: "Tick") -> "Message | None":
        """As Security.unprotect_response."""
        plain = Keyring.unprotect_response(self, message, binding, now)
        if plain is not None and binding.context is self.new and not self._proved():
            return None
        return plain
