# SPDX-License-Identifier: MIT
"""What happens to a request before it is answered: it is sent again, or acknowledged by itself (RFC 7252 sections 4.2
and 5.2.2)."""

from aiocoap import ACK, EMPTY


class Again:
    """`retransmitted(peer)`, `acknowledged(peer)`: called where that happens to what is out to this Peer;
    `came_again(peer)`: where a request of this Peer has come once more. `repeated`: messages that were sent again."""

    def __init__(self, peer_of):
        self._peer_of = peer_of
        self.repeated = 0
        self.retransmitted = self.acknowledged = self.came_again = lambda peer: None

    def watch(self, recent):
        """`recent`: the Recent that knows what comes again."""
        recent.on_duplicate = lambda remote: self.came_again(self._peer_of(remote))

    def attach(self, manager):
        """`manager`: aiocoap's MessageManager."""
        retransmit, remove = manager._retransmit, manager._remove_exchange

        def again(message, timeout, count):
            if count < message.transport_tuning.MAX_RETRANSMIT:  # else it is given up
                self.repeated += 1
                self.retransmitted(self._peer_of(message.remote))
            retransmit(message, timeout, count)

        def acknowledged(message):
            if message.code is EMPTY and message.mtype is ACK:
                self.acknowledged(self._peer_of(message.remote))
            remove(message)

        manager._retransmit, manager._remove_exchange = again, acknowledged
