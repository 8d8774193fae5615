# SPDX-License-Identifier: MIT
"""The contract of a procedure of TS 24.538 clause 6 at the server, and what the server gives it to work with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.server.delivery.exposure import Exposure
from tools.server.delivery.pushes import Item, Outcome, Push
from tools.server.delivery.queues import Deliveries
from tools.server.elsewhere import Elsewhere
from tools.server.isolation import Isolation
from tools.server.routing import Routing
from tools.server.settings import Settings
from tools.server.speakers import Speakers
from tools.wire.answers import Answer
from tools.wire.bodies import Address
from tools.wire.http import Route
from tools.wire.identity import Peer

if TYPE_CHECKING:
    from tools.store.store import Store


@dataclass(frozen=True)
class Core:
    """What all procedures share."""

    store: "Store"
    settings: Settings
    isolation: Isolation
    speakers: Speakers  # who a request may come from
    routing: Routing  # from a whole message to the queues
    deliveries: Deliveries  # the queues
    elsewhere: Elsewhere  # who is reached over HTTP but for Application Servers
    exposure: Exposure  # of the network, for what UEs do not answer
    emit_refused: Callable  # (peer, now, **fields): the event of a request that was not taken
    procedures: dict = field(default_factory=dict)  # name: Procedure, for one that needs another


class Procedure:
    """One procedure, made once. It has what it needs of the methods below; the others do nothing.

    `name` is that of its module. What any of them raises is undone, told and, where it belongs to a message, set aside
    with it (`server.isolation`): a procedure catches nothing for that.
    """

    # Whether the leader alone does what is due of it, where several nodes serve.
    of_leader = False

    def __init__(self, core: Core):
        self.name = type(self).__module__.rpartition(".")[2]
        self._core = core
        self._store = core.store
        self._settings = core.settings
        self._isolation = core.isolation
        self._emit = core.isolation.emit
        self._speakers = core.speakers
        self._deliveries = core.deliveries

    def receive(self, kind: str, peer: Peer, body: dict, now: float) -> Answer | None:
        """Handle a request whose msgType is one of the row's. None is answered 2.04.

        Raises Malformed (4.00) or Refusal for one that is not taken; what was done before that stays. Whoever the body
        names as originator is not believed before `speakers` says so.
        """
        raise NotImplementedError

    def route(self, item: Item, now: float) -> tuple[str, str]:
        """Route a whole message to one of the row's kinds of target: (QUEUED, STORED or FAILED; the cause or "")."""
        raise NotImplementedError

    def recipients(self, target: Address, now: float) -> int:
        """How many messages at most one to such a target becomes that wait."""
        return 1

    def routes(self) -> Iterable[Route]:
        """What is asked of it over HTTP."""
        return ()

    def resume(self, now: float) -> None:
        """Once after a start, before the first work."""

    def work(self, now: float, pushes: list[Push]) -> None:
        """Do what is due by now; add Pushes of its own, each with `of=self`, which `turns.begin` has given."""

    def outcome(self, push: Push, outcome: Outcome, now: float) -> None:
        """Hear what came of such a Push, exactly once for each."""

    def look_again(self) -> None:
        """Look at everything with the next `work`: another process has changed nobody knows what."""

    def deadline(self, now: float) -> float | None:
        """When `work` is next needed even if nothing comes in, or None."""

    def clock_set(self, seconds: float) -> None:
        """Set the times that are kept in memory: the clock was set. Those in the store are set already."""
