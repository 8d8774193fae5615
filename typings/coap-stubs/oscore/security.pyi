# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""OSCORE for an Endpoint: `Endpoint(security=Security(context))` protects all that it sends to its one peer and lets
in only what the peer protected, wherever it comes from. `Keyring` is for several peers.

What somebody without the key can cost: a few comparisons for each datagram, verifying 230 of them a second at most
(and 300 more at once), ten answers a second that are not larger than what they are about, and nothing that is kept.
Only what does not verify is counted, so that the peer may be as quick as it likes; and it is counted against the
address that it says it comes from, so that strangers cannot use up what is meant for the peer. Addresses can be
forged: what comes as the peer's is verified up to 200 times a second in vain, and beyond that each is as likely to be
looked at as any other. What that is of a processor's time stands in docs/security.md.
"""
from collections.abc import Sequence
from typing import Any
from .._contracts import Peer
from .._contracts import Tick
from ..message import Message
from .context import Binding
from .context import Context

class Security:
    """See the module. `context` is a Context. `peer` is the address that the last request of ours went to.
    `trouble` says in words what was refused last; whoever reports it sets it to None.

    `max_unfragmented` is MAX_UNFRAGMENTED_SIZE of section 4.1.3.4.2: the octets of the longest protected message that
    may come in pieces, as a proxy makes them; with 0 none may. It bounds what anybody can make us keep of them.
    """
    context: Context
    max_unfragmented: int
    bodies: Any
    peer: Any
    trouble: str | None
    stats: dict
    heard: Any
    def __init__(self, context: Context, max_unfragmented: int=4096) -> None: ...
    def poll(self, now: Tick) -> None:
        """Once a day at least, as Endpoint.poll."""
    def protect_request(self, message: Message, peer: Peer, like: Binding | None=None) -> tuple[Message, Binding | None]:
        """Return (protected Message, Binding) of a request to `peer`; `like` is the binding of the request that it
        follows up, if any. Raise StateError, OSError.
        """
    def read_own(self, message: Message, binding: Binding) -> Message:
        """Return the plain Message that a protected request of ours was made of; or the protected one that asks for
        the next outer block, where that is due.
        """
    def unprotect_response(self, message: Message, binding: Binding, now: Tick) -> Message | None:
        """Return the plain Message, or None where it does not verify. Where `binding.again` is true afterwards, it is
        only a sign that what `read_own` gives must follow.
        """
    def unprotect_notification(self, message: Message, bindings: Sequence[Binding], now: Tick, first: bool=False) -> tuple[Message | None, int | None]:
        """Return (plain Message, its number) where it verifies as a response to one of the requests of these
        bindings, or (None, its number) where it is not newer than `binding.last`, else (None, None).

        `binding.last` stays as it is, but for the `first` response. All others have a Partial IV.
        """
    def ended(self, message: Message, binding: Binding) -> None:
        """Take note that the request of this binding ended with this response, which did not verify.

        Where it says that our number was seen before, our storage was lost or is an old copy, and our next messages
        would use old numbers for other texts: so some are skipped. Anyone on the path can forge such a response,
        once for each request; that costs us numbers, of which there are enough.
        """
    def explain(self, message: Message) -> str:
        """Return what a response that does not verify means to the person who has to put it right."""
    def unprotect_request(self, message: Message, peer: Peer, now: Tick) -> tuple[Message | None, Binding | None, Message | None]:
        """Return (plain Message, Binding, None); with an answer instead of None that must be given at once,
        protected; or (None, None, the bare answer or None for silence).
        """
    def save(self) -> object:
        """Return what `unprotect_request` changes where it lets a request in, for `restore`."""
    def restore(self, saved: object) -> None:
        """Put back what `save` gave, because the request was neither handled nor answered: it may come again."""
    def protect_response(self, message: Message, binding: Binding) -> Message:
        """Return the protected Message. Raise StateError, OSError where it needs a number of our own."""
    def refuse(self, counter: str, what: str | None=None, code: int=0, now: Tick | None=None, options: Sequence[tuple[int, bytes]]=..., text: object='') -> tuple[None, None, Message | None]:
        """Return what `unprotect_request` returns for it: silence where nothing more is known than the counter.
        Section 8.2 wants Max-Age 0 in the answers that it has.
        """
