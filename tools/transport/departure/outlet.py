# SPDX-License-Identifier: MIT
"""Sending on aiocoap's UDP socket, so that an error of one peer's datagram ends no exchange with another peer.

Linux hands an ICMP error (udp(7), IPV6_RECVERR) to whatever the socket is asked to do next. Where that is the sending
of a datagram, it is not sent, and aiocoap takes its recipient for the one that cannot be reached: it ends everything
with it, the requests that wait for an answer too. One device that has closed its port would silence others that way.
"""

from aiocoap.transports.udp6 import MessageInterfaceUDP6

_TRIES = 8  # each takes one error of other datagrams away


class Outlet:
    """Counts in `unsent` what the system had no room for: a datagram is lost, as on a network. `sent`: those that went
    out."""

    def __init__(self):
        self.sent = self.unsent = 0
        self.tap = None  # is called with what was sent: (octets, ancillary, flags, address)

    def attach(self, manager):
        """`manager`: aiocoap's MessageManager."""
        interface = manager.message_interface
        if isinstance(interface, MessageInterfaceUDP6):
            self._interface = interface
            self._socket = interface.transport.get_extra_info("socket")
            interface.transport.sendmsg = self._send
        self._keep_requests(manager.token_manager)

    def _send(self, octets, ancillary, flags, address):
        """Replaces the transport's own send. An error that comes again belongs to this datagram."""
        error = None
        for _ in range(_TRIES):
            try:
                self._socket.sendmsg((octets,), ancillary, flags, address)
                self.sent += 1
                if self.tap:
                    self.tap(octets, ancillary, flags, address)
                return
            except (BlockingIOError, InterruptedError):
                self.unsent += 1
                return
            except OSError as failure:
                error = failure
        self._interface.error_received(error)

    def _keep_requests(self, tokens):
        """Where a datagram of ours did not arrive, our requests to that peer and its observations end. A request
        that came from there is still decided about and answered: otherwise its repetitions would count as
        duplicates of a request in progress, and would never be answered."""
        dispatch = tokens.dispatch_error

        def dispatching(error, remote):
            everything = tokens.incoming_requests
            if everything is None:
                return dispatch(error, remote)
            kept = {
                key: item
                for key, item in everything.items()
                if key[1] == remote and item[0].request.opt.observe != 0
            }
            for key in kept:
                del everything[key]
            try:
                dispatch(error, remote)
            finally:
                everything.update(kept)

        tokens.dispatch_error = dispatching
