# SPDX-License-Identifier: MIT
"""Requests that may be on their way to a peer beside others: it has said that it takes several (NSTART above 1, RFC
7252 section 4.7)."""

from aiocoap.numbers.constants import TransportTuning

BESIDE = TransportTuning()  # the `transport_tuning` of a message that waits for no other


def let_beside(manager, end):
    """`manager`: aiocoap's MessageManager, which sends a peer one at a time; all else still waits for its turn there.
    `end(remote)`: ends what is out to a peer. One that is never acknowledged ends all of it: aiocoap expects one."""
    retransmit, send = manager._retransmit, manager.send_message
    manager._backlogs = backlogs = _Backlogs()

    def sending(message, monitor):
        if message.transport_tuning is BESIDE:
            backlogs.passing = message.remote
        try:
            return send(message, monitor)
        finally:
            backlogs.passing = None

    def retransmitting(message, timeout, counter):
        if counter < message.transport_tuning.MAX_RETRANSMIT:
            retransmit(message, timeout, counter)
        else:
            end(message.remote)

    manager.send_message, manager._retransmit = sending, retransmitting


class _Backlogs(dict):
    """What waits for the exchange with a peer to end, by peer; who is passing sees none."""

    passing = None

    def __contains__(self, remote):
        return not self._passes(remote) and super().__contains__(remote)

    def __setitem__(self, remote, waiting):
        if self._passes(remote):
            self.setdefault(remote, waiting)
        else:
            super().__setitem__(remote, waiting)

    def _passes(self, remote):
        return self.passing is not None and remote == self.passing
