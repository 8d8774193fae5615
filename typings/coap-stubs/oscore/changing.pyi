# SPDX-License-Identifier: MIT
# Made of the source: python -m tools.project.stubs

"""OSCORE for an endpoint whose key is being changed: what comes under the old key or the new one is taken, and what
goes out goes under the new one, until somebody decides which of them stays.
"""
from collections.abc import Callable
from typing import Any
from .._contracts import Peer
from .._contracts import Tick
from ..message import Message
from .context import Binding
from .context import Context
from .keyring import Keyring
from .security import Security

class Changing(Keyring):
    """The old key is that of `old`, a Security, whose counters go on; `new` is a Context, and another one by both its
    IDs. `proved()` is called for each response that verifies under it, and says whether that may be taken.
    """
    new: Context
    stats: Any
    def __init__(self, old: Security, new: Context, proved: Callable[[], bool]) -> None: ...
    def protect_request(self, message: Message, peer: Peer, like: Binding | None=None) -> tuple[Message, Binding | None]:
        """As Security.protect_request. What follows up a request under the old key goes under the new one."""
    def unprotect_response(self, message: Message, binding: Binding, now: Tick) -> Message | None:
        """As Security.unprotect_response."""
