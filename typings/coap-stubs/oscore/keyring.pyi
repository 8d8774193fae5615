# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

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
from collections.abc import Callable
from collections.abc import Container
from collections.abc import Sequence
from typing import Any
from .._contracts import Peer
from .._contracts import Tick
from ..message import Message
from .context import Binding
from .context import Context
from .security import Security

class Keyring(Security):
    """What an Endpoint asks of `security`, for up to 16 Contexts.

    `plain` says what may go unprotected, both ways: a callable, `plain(message, peer)`, or peers, hosts of them and
    paths, which begin with "/". By default nothing may. A request to us that may not is answered 4.01.
    `max_unfragmented` is as Security has it, for each Context.
    Raise ValueError for no context or too many, and for a `plain` that is one string.
    """
    choose: dict | Callable[[Message, Peer], Context | None] | None
    trouble: Any
    def __init__(self, contexts: Sequence[Context], choose: dict | Callable[[Message, Peer], Context | None] | None=None, plain: Container | Callable[[Message, Peer], bool]=..., max_unfragmented: int=4096) -> None: ...
    def poll(self, now: Tick) -> None:
        """Once a day at least, as Endpoint.poll."""
    def request_by(self, context: Context | None, endpoint: Any, message: Message, peer: Peer, now: Tick, **named: Any) -> Any:
        """Send a request by this Context, whatever the rule says; None sends it plain, where it may be. As
        Endpoint.request, and ValueError for a Context that is not on the ring.
        """
    def by(self, context: Context | None, start: Callable[[], Any]) -> Any:
        """Return what `start()` returns: what it sends goes by this Context, as with `request_by`. For what sends
        requests itself, such as coap.observe.observe.
        """
    def protect_request(self, message: Message, peer: Peer, like: Binding | None=None) -> tuple[Message, Binding | None]:
        """Return (protected Message, Binding), or (the same Message, None) where it goes plain. Raise ValueError where
        it may not and no Context is known, StateError, OSError.
        """
    def read_own(self, message: Message, binding: Binding) -> Message:
        """As Security.read_own."""
    def unprotect_response(self, message: Message, binding: Binding, now: Tick) -> Message | None:
        """As Security.unprotect_response."""
    def unprotect_notification(self, message: Message, bindings: Sequence[Binding], now: Tick, first: bool=False) -> tuple[Message | None, int | None]:
        """As Security.unprotect_notification; all bindings are of one Context."""
    def ended(self, message: Message, binding: Binding) -> None:
        """As Security.ended."""
    def unprotect_request(self, message: Message, peer: Peer, now: Tick) -> tuple[Message | None, Binding | None, Message | None]:
        """As Security.unprotect_request; and (the same Message, None, None) for a plain one that may be."""
    def save(self) -> object:
        """As Security.save. What is changed is known only later."""
    def restore(self, saved: object) -> None:
        """As Security.restore."""
    def protect_response(self, message: Message, binding: Binding) -> Message:
        """As Security.protect_response."""
