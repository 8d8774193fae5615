# SPDX-License-Identifier: MIT
"""Giving a peer up before aiocoap does: it listens no longer, so nothing is sent to it again."""

from aiocoap import error


class Hush:
    """Ends what is out to a peer as its last retransmission would."""

    def __init__(self):
        self._managers = []

    def attach(self, manager):
        """`manager`: aiocoap's MessageManager."""
        self._managers.append(manager)

    def end(self, remote):
        """`remote`: the endpoint of a message, without OSCORE."""
        for manager in self._managers:
            for key in [key for key in manager._active_exchanges if key[0] == remote]:
                _, retransmission = manager._active_exchanges.pop(key)
                retransmission.cancel()
                manager._backlogs.pop(remote, None)
            # also what was acknowledged, and waits for its response
            manager.token_manager.dispatch_error(error.ConRetransmitsExceeded("its window ended"), remote)
