# SPDX-License-Identifier: MIT
"""What all procedures of the Gateway UE share: the store, the settings, who may speak as whom, what is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.gateway.function.settings import FunctionSettings
from tools.server.delivery.turns import Turns
from tools.server.isolation import Isolation
from tools.wire.identity import Binding

if TYPE_CHECKING:
    from tools.store.store import Store


@dataclass(frozen=True)
class Core:
    store: "Store"
    settings: FunctionSettings
    isolation: Isolation
    binding: Binding
    turns: Turns  # one request at a time to a UE
    emit_refused: Callable  # (peer, now, **fields): the event of a request that was not taken

    def why_not(self, peer, ue):
        """Why this peer is not believed to be that UE when it registers; None where it is."""
        if not (self.settings.open or self.store.provisioned(ue)):
            return "unknown UE service ID"
        if not self.binding.may_register(peer, ue):
            return "not allowed for this identity"
        return None
