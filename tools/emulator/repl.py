# SPDX-License-Identifier: MIT
"""The raw REPL of an emulated board, over its TCP port.

mpremote does the same and is what users have; but it asks a TCP connection again and again whether something came,
which takes a processor from the emulator, and looks at each octet alone.
"""

import socket

from tools.words import in_words

INTERRUPT, ENTER_RAW, END = b"\x03", b"\x01", b"\x04"
ENTER_TRIES = 60  # a second each
RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class ReplError(Exception):
    """The board did not answer as a raw REPL does; or what ran there ended with this traceback."""


class RawRepl:
    """Entered, so that main.py does not run. `timeout_s` is for each pause of the board."""

    def __init__(self, port, *, soft_reset=True, timeout_s=60):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self._timeout_s = timeout_s
        self.enter(soft_reset)

    def enter(self, soft_reset=True):
        # A board in the middle of a reset hears nothing: it is told again. What it says twice stands before what
        # comes next, and is skipped.
        self._socket.settimeout(1)
        for tries in range(ENTER_TRIES):
            self._socket.sendall(b"\r" + INTERRUPT + INTERRUPT + ENTER_RAW)
            try:
                self._until(RAW_PROMPT)
                break
            except ReplError:
                if tries == ENTER_TRIES - 1:
                    raise
        self._socket.settimeout(self._timeout_s)
        if soft_reset:
            self._socket.sendall(END)
            self._until(b"soft reboot\r\n")
            self._until(RAW_PROMPT)

    def begin(self, code):
        """Starts code whose output is read later, by follow(), or never."""
        self._socket.sendall(code.encode() + END)
        self._until(b"OK")

    def follow(self, take=lambda octets: None):
        """(output, traceback) of what was begun; `take` gets the output piece by piece."""
        output = self._until(END, take)
        error = self._until(END)
        self._until(b">")
        return output, error

    def run(self, code):
        """What the code prints, as text. ReplError with the traceback on the board."""
        self.begin(code)
        output, error = self.follow()
        if error:
            raise ReplError(error.decode(errors="replace"))
        return output.decode().replace("\r\n", "\n")

    def said(self):
        """All that comes until the connection ends, which is when the emulator ends."""
        pieces = [self._rest]
        try:
            while octets := self._socket.recv(65536):
                pieces.append(octets)
        except ConnectionError:
            pass
        return b"".join(pieces)

    def _until(self, mark, take=lambda octets: None):
        """What came before the mark. ReplError when the board is silent, or gone."""
        pieces = []
        while True:
            found = self._rest.find(mark)
            if found >= 0:
                pieces.append(self._rest[:found])
                take(self._rest[:found])
                self._rest = self._rest[found + len(mark) :]
                return b"".join(pieces)
            # the beginning of the mark may have come already
            sure = max(0, len(self._rest) - len(mark) + 1)
            pieces.append(self._rest[:sure])
            take(self._rest[:sure])
            self._rest = self._rest[sure:]
            try:
                octets = self._socket.recv(65536)
            except OSError as error:
                raise ReplError(f"the board is silent ({in_words(error)}); expected {mark}") from None
            if not octets:
                raise ReplError(f"the board is gone; expected {mark}")
            self._rest += octets

    def close(self):
        self._socket.close()
