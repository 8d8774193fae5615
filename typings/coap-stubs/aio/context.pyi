# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""An endpoint on the network: it owns the links, and the tasks that read them and keep time.

async with Context() as coap:
    answer = await coap.get("coap://192.0.2.1/sensors/temp")
"""
from collections.abc import Sequence
from typing import Any
from .._contracts import Link
from .._contracts import Peer
from .._contracts import Security
from ..endpoint import Endpoint
from .call import Calls
from .client import Client
from .serving import Serving

class Context(Client, Serving, Calls):
    """A client and a server at once, to be used by `async with`.

    Without `link` it speaks UDP: a socket for IPv4 and one for IPv6, each opened when it is needed. `host` and `port`
    are where it listens: an address of this machine, "0.0.0.0" and a free port unless given. A server's socket is open
    from the start. `link`, if given, carries datagrams instead: aio.serial.SerialLink, or what has its members.

    `groups` are multicast addresses, such as "224.0.1.187" of All CoAP Nodes, whose requests it answers, too.

    `site` answers the requests of peers (aio.Site). `security` is an oscore.Security. `endpoint`, if given, is a
    coap.Endpoint with limits of its own, and has its `security` itself.

    `stats` counts the datagrams that could not be sent, "unsent" (no way to there, for example; what is confirmable is
    sent again), how often a task waited for memory, "no_memory", and the exceptions that were told since nobody awaits
    them, "raised". `endpoint.stats` has the rest.
    """
    endpoint: Any
    site: Any
    stats: dict
    def __init__(self, link: Link | None=None, host: str | None=None, port: int=0, site: Any=None, security: Security | None=None, endpoint: Endpoint | None=None, groups: Sequence[str]=...) -> None: ...
    async def __aenter__(self) -> Context:
        """Open it. Raise OSError where the socket cannot be had: that port is taken, or there is no such address.

        After Ctrl-C the port may stay taken on a board, by what asyncio keeps of the tasks, until Ctrl-D.
        """
    async def __aexit__(self, *error: Any) -> None: ...
    async def serve(self) -> None:
        """Wait until this task is cancelled, or the context is closed."""
    @property
    def address(self) -> Peer:
        """Where it listens: (host, port), None where the port of MicroPython does not say; the peer of a link that was
        given.
        """
    def check(self) -> None:
        """Raise Closed where the context is not open."""
    def begin(self, coroutine: Any) -> Any:
        """Run a coroutine as a task that is cancelled when the context is closed, or by `end`. Return the task. Raise
        MemoryError, and then it does not run.
        """
    def end(self, task: Any) -> None:
        """Cancel a task that `begin` gave."""
    def flush(self) -> None:
        """Do what follows each call of the endpoint. Raise nothing: the timer task goes on where memory ended."""
