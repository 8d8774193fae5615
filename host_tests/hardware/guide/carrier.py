# SPDX-License-Identifier: MIT
"""The computer at the other end of the emulated Pico's UART0: it sends its datagrams by UDP, and brings answers."""

import contextlib
import select
import socket
import threading
import time

END, ESC = b"\xc0", b"\xdb"


class Carrier:
    """A context manager. The board's socket numbers are sockets here, on this computer alone."""

    def __init__(self, port):
        self._line = socket.create_connection(("127.0.0.1", port))
        self._sockets = {}
        self._rest = b""
        self._open = True
        self._bound = set()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._open = False
        self._thread.join()
        self._line.close()
        for sock in self._sockets.values():
            sock.close()

    def listens(self, port, more):
        """Whether the board has a socket at this port, before `more()` says that it took too long."""
        while port not in self._bound:
            if not more():
                return False
            time.sleep(0.01)
        return True

    def _carry(self):
        while self._open:
            numbers = {sock: number for number, sock in self._sockets.items()}
            ready, _, _ = select.select([self._line, *numbers], [], [], 0.05)
            for sock in ready:
                if sock is self._line:
                    octets = self._line.recv(65536)
                    if not octets:
                        return
                    *frames, self._rest = (self._rest + octets).split(END)
                    for frame in frames:
                        self._take(frame.replace(b"\xdb\xdc", END).replace(b"\xdb\xdd", ESC))
                elif sock.fileno() >= 0:
                    with contextlib.suppress(OSError):  # nobody listened at a port that was sent to
                        octets, (host, port) = sock.recvfrom(65536)
                        self._give(numbers[sock], host, port, octets)

    def _give(self, number, host, port, octets):
        content = bytes([number]) + socket.inet_aton(host) + port.to_bytes(2, "big") + octets
        self._line.sendall(content.replace(ESC, b"\xdb\xdd").replace(END, b"\xdb\xdc") + END)

    def _take(self, frame):
        if len(frame) < 8 or frame[1:2] not in b"obsdc":  # what the board said before
            return
        number, what = frame[0], frame[1:2]
        address = socket.inet_ntoa(frame[2:6]), int.from_bytes(frame[6:8], "big")
        if what == b"o" or what == b"c":
            if number in self._sockets:
                self._sockets.pop(number).close()
            if what == b"o":
                self._sockets[number] = sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                # The board's network is this computer, for groups too.
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        elif number in self._sockets:
            with contextlib.suppress(OSError):  # lost, as on a network
                if what == b"b":
                    self._sockets[number].bind(("127.0.0.1", address[1]))
                    self._bound.add(address[1])
                elif what == b"s":
                    self._sockets[number].setsockopt(frame[8], address[1], frame[9:])
                else:
                    self._sockets[number].sendto(frame[8:], address)
