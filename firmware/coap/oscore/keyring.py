# SPDX-License-Identifier: MIT
"""OSCORE for an Endpoint with several peers: `Endpoint(security=Keyring([first, second]))`, with plain peers beside
them where a rule says so. For one peer, `Security` is smaller.

    keyring = Keyring([sensor, lamp], {"192.0.2.7": sensor, "lamp.example": lamp}, plain=("/.well-known/core",))

Which Context a request of ours is protected with is said by `choose`: a dict by Uri-Host, peer, or host of the peer; or
a callable, `choose(message, peer)`; or for one request by `request_by`. Where that says nothing, it is the one that the
peer was last heard with. A request of a peer says by its kid and kid context which one it was made with;
where several have both, it is the one that the peer's address belongs to, and none where that is not known.
`binding.context` of an Incoming is that Context, and `binding` is None for a plain request. A response has the Context
of its request.

Each Context has limits of its own for what comes in vain, those of `Security`. So neither a stranger's address nor a
peer that went wrong uses up what is meant for others.
"""

from .. import numbers
from ..compat import const
from ..message import Message
from .context import RefusedError, read_request_option
from .security import Security

_TYPING = const(False)
if _TYPING:
    from collections.abc import Callable, Container, Sequence
    from typing import Any

    from contracts import Peer, Tick

    from .context import Binding, Context

_MOST = const(16)
_BY_RULE = const(0)  # for which Context is asked for: none in particular


class Keyring(Security):
    """What an Endpoint asks of `security`, for up to 16 Contexts.

    `plain` says what may go unprotected, both ways: a callable, `plain(message, peer)`, or peers, hosts of them and
    paths, which begin with "/". By default nothing may. A request to us that may not is answered 4.01.
    `max_unfragmented` is as Security has it, for each Context.
    Raise ValueError for no context or too many, and for a `plain` that is one string.
    """

    def __init__(
        self,
        contexts: "Sequence[Context]",
        choose: "dict | Callable[[Message, Peer], Context | None] | None" = None,
        plain: "Container | Callable[[Message, Peer], bool]" = (),
        max_unfragmented: int = 4096,
    ) -> None:
        if not 0 < len(contexts) <= _MOST:
            raise ValueError("contexts: %d of them, may be from 1 to %d" % (len(contexts), _MOST))
        if isinstance(plain, str):
            raise ValueError("plain: %r, may be a tuple of paths and peers" % plain)  # "/" is in any path
        Security.__init__(self, contexts[0], max_unfragmented)
        self._members = {context: Security(context, max_unfragmented) for context in contexts}
        for member in self._members.values():
            member.stats = self.stats
        self.choose = choose
        self._plain = plain
        self._asked: "Any" = _BY_RULE
        self._last: "Any" = None  # member that the last request was for, and what it had saved

    def poll(self, now: "Tick") -> None:
        """Once a day at least, as Endpoint.poll."""
        Security.poll(self, now)
        for member in self._members.values():
            member.poll(now)
            if member.trouble:
                self.trouble = member.trouble
                member.trouble = None

    # --- requests of ours -------------------------------------------------------------------------------

    def request_by(
        self,
        context: "Context | None",
        endpoint: "Any",
        message: Message,
        peer: "Peer",
        now: "Tick",
        **named: "Any",
    ) -> "Any":
        """Send a request by this Context, whatever the rule says; None sends it plain, where it may be. As
        Endpoint.request, and ValueError for a Context that is not on the ring."""
        return self.by(context, lambda: endpoint.request(message, peer, now, **named))

    def by(self, context: "Context | None", start: "Callable[[], Any]") -> "Any":
        """Return what `start()` returns: what it sends goes by this Context, as with `request_by`. For what sends
        requests itself, such as coap.observe.observe."""
        self._asked = context
        try:
            return start()
        finally:
            self._asked = _BY_RULE

    def protect_request(
        self, message: Message, peer: "Peer", like: "Binding | None" = None
    ) -> "tuple[Message, Binding | None]":
        """Return (protected Message, Binding), or (the same Message, None) where it goes plain. Raise ValueError where
        it may not and no Context is known, StateError, OSError."""
        if like:
            return self._own(like).protect_request(message, peer, like)
        context = self._chosen(message, peer) if self._asked is _BY_RULE else self._asked
        if context is None:
            if self._may_be_plain(message, peer):
                return message, None
            raise ValueError("no context for the peer %s, and plain says nothing of it" % (peer,))
        if context not in self._members:
            raise ValueError("%r is not on the keyring" % context)
        return self._members[context].protect_request(message, peer)

    def _chosen(self, message, peer):
        choose = self.choose
        if callable(choose):
            return choose(message, peer)
        for key in _names(message, peer):
            if choose and key in choose:
                return choose[key]
        for context, member in self._members.items():
            if _hears(member, peer):
                return context
        return None

    def _may_be_plain(self, message, peer):
        plain = self._plain
        if callable(plain):
            return plain(message, peer)
        if not plain:
            return False
        return message.path in plain or any([name in plain for name in _names(message, peer)])

    def read_own(self, message: Message, binding: "Binding") -> Message:
        """As Security.read_own."""
        return self._own(binding).read_own(message, binding)

    def unprotect_response(self, message: Message, binding: "Binding", now: "Tick") -> Message | None:
        """As Security.unprotect_response."""
        return self._own(binding).unprotect_response(message, binding, now)

    def unprotect_notification(
        self, message: Message, bindings: "Sequence[Binding]", now: "Tick", first: bool = False
    ) -> tuple[Message | None, int | None]:
        """As Security.unprotect_notification; all bindings are of one Context."""
        return self._own(bindings[0]).unprotect_notification(message, bindings, now, first)

    def ended(self, message: Message, binding: "Binding") -> None:
        """As Security.ended."""
        self._own(binding).ended(message, binding)

    def _own(self, binding):
        return self._members[binding.context]

    # --- requests of peers ------------------------------------------------------------------------------

    def unprotect_request(
        self, message: Message, peer: "Peer", now: "Tick"
    ) -> "tuple[Message | None, Binding | None, Message | None]":
        """As Security.unprotect_request; and (the same Message, None, None) for a plain one that may be."""
        self._last = None
        if message.option(numbers.OSCORE) is None and self._may_be_plain(message, peer):
            return message, None, None
        try:
            _, kid, id_context = read_request_option(message)
        except (RefusedError, TypeError):  # it has none, or a broken one
            return Security.unprotect_request(self, message, peer, now)
        found = [member for member in self._members.values() if member.context.is_for(kid, id_context)]
        if len(found) > 1:  # one that is made anew may mean any kid context
            found = [member for member in found if member.context.id_context == id_context] or found
        if len(found) > 1:  # with the same kid, as servers have that all call themselves b""
            found = [member for member in found if _hears(member, peer)]
        if len(found) != 1:
            what = "a request: its sender is the recipient_id of no context, or of several"
            return self.refuse("unknown", what, numbers.UNAUTHORIZED, now)
        member = found[0]
        self._last = member, member.save()
        return member.unprotect_request(message, peer, now)

    def save(self) -> object:
        """As Security.save. What is changed is known only later."""
        self._last = None
        return self

    def restore(self, saved: object) -> None:
        """As Security.restore."""
        if self._last:
            member, saved = self._last
            member.restore(saved)

    def protect_response(self, message: Message, binding: "Binding") -> Message:
        """As Security.protect_response."""
        return self._own(binding).protect_response(message, binding)


def _hears(member, peer):
    return peer in (member.peer, member.heard)


def _names(message, peer):
    """Return what a rule may call the other side of a request: its Uri-Host, its address, the host of that."""
    host = message.option(numbers.URI_HOST)
    names = [peer]
    if host is not None:
        try:
            names.insert(0, str(host, "utf-8"))
        except UnicodeError:
            pass
    if isinstance(peer, tuple):
        names.append(peer[0])
    return names
