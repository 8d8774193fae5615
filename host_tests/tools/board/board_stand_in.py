# SPDX-License-Identifier: MIT
"""A raw REPL on a TCP port in place of a board that misbehaves, which no real one does when a test wants it.

It knows no raw paste mode, like MicroPython before 1.14. `answer(code)` is asked what each piece of code gives:
(output, traceback), or None to end the connection. What was sent is in `heard`.
"""

import contextlib
import socket
import threading

IDENTITY = b"('MSGin5G 0.1.0 for Raspberry Pi Pico with RP2040', '1.25.0', 'v1.25.0', True)\r\n"
NOT_THERE = b'Traceback (most recent call last):\r\n  File "<stdin>", line 1\r\nOSError: [Errno 2] ENOENT\r\n'


def obedient(code):
    """A board without a configuration that takes everything."""
    if b"uname" in code:
        return IDENTITY, b""
    if b"os.stat" in code:
        return b"", NOT_THERE
    return b"", b""


class BoardStandIn:
    def __init__(self, answer=obedient, speaks=True):
        self.heard = b""
        self._answer = answer
        self._speaks = speaks
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = "socket://127.0.0.1:%d" % self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._server.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection:
                    self._talk(connection)

    def _talk(self, connection):
        code = b""
        while octet := connection.recv(1):
            self.heard += octet
            if not self._speaks:
                continue
            if octet == b"\x01":
                connection.sendall(b"raw REPL; CTRL-B to exit\r\n>")
                code = b""
            elif octet == b"\x02":
                connection.sendall(b"\r\nMicroPython\r\n>>> ")
            elif octet == b"\x04" and not code.strip():
                connection.sendall(b"OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
            elif octet == b"\x04":
                answer = self._answer(code)
                if answer is None:
                    return
                output, error = answer
                connection.sendall(b"OK" + output + b"\x04" + error + b"\x04>")
                code = b""
            else:
                code += octet
