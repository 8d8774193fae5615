# SPDX-License-Identifier: MIT
"""A TCP port as a pseudo-terminal, for programs that open a serial device."""

import os
import select
import socket
import threading
import tty

_CHUNK = 4096


class Terminal:
    """`path` is the device to open. Octets go both ways until close(); one client after another may open it. `sent` and
    `received` count those from the port and to it."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Our own end of the device stays open: without any, reading the other side fails between two clients.
        self._ours, self._device = os.openpty()
        tty.setraw(self._device)
        self.path = os.ttyname(self._device)
        self.sent = self.received = 0
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        line = self._socket.fileno()
        while True:
            ready, _, _ = select.select([line, self._ours, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            if line in ready:
                octets = self._from_port()
                if not octets:
                    return
                os.write(self._ours, octets)
                self.sent += len(octets)
            if self._ours in ready:
                octets = os.read(self._ours, _CHUNK)
                self._socket.sendall(octets)
                self.received += len(octets)

    def _from_port(self):
        """Nothing at its end, which may be an abrupt one."""
        try:
            return self._socket.recv(_CHUNK)
        except ConnectionError:
            return b""

    def close(self):
        os.write(self._wake[1], b"x")
        self._thread.join()
        self._socket.close()
        for descriptor in (self._ours, self._device, *self._wake):
            os.close(descriptor)
