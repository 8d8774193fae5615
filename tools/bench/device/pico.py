# SPDX-License-Identifier: MIT
"""An emulated Pico and a gateway that takes no time, on a serial line of 115200 baud.

The board's time stands still while we work, so what is measured is the board alone, and the same each time. The
gateway is a few lines around aiocoap's messages and the framing of the emulated gateway: it grants a registration, says
2.04 to all requests, and sends requests of its own one after the other.
"""

import aiocoap

from tools.emulator.client import SteppedEmulator
from tools.transport.lines import COAP, Framer, encode
from tools.wire import bodies

MS_AN_OCTET = 10 * 1000 / 115200  # 8N1
_LONGEST_STEP = 1000  # ms
_MAX_DATAGRAM = 1152


class SilentError(Exception):
    """The board did not do what it should have; the text tells what it said."""


class Pico:
    """A context manager. `told` has the lines that the board printed, `ms` is its time since power-on.

    `sent` and `received` count the octets of the line, out of the board and into it. `window` is how many segments of
    one message the board takes at once, as its registration says.
    """

    def __init__(self, image, flash):
        self.ms = 0.0
        self.told = []
        self.sent = self.received = 0
        self.spoke = None  # when the board's first octet began after this was set to None
        self.requests = []  # of the board: JSON bodies
        self.answers = []  # of the board: aiocoap's Messages
        self.window = 1
        self._emulator = SteppedEmulator(image, flash)
        self._framer = Framer(_MAX_DATAGRAM)
        self._text = ""
        self._mid = 0
        self._asked = b""  # what the gateway has to say next

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._emulator.close()

    def until(self, wanted, what, ms):
        """Runs until `wanted()` gives something, and gives that. SilentError after so many ms of the board's time."""
        end = self.ms + ms
        to_board, self._asked = self._asked, b""
        while True:
            to_board = self._run(min(_LONGEST_STEP, end - self.ms), to_board)
            found = wanted()
            if found:
                self._asked = to_board
                return found
            if self.ms >= end:
                raise SilentError(
                    f"expected {what} within {ms} ms; the board said: " + " / ".join(self.told[-8:])
                )

    def line(self, word, ms=60_000):
        """What the board prints behind this word, as a list of words; the first line that begins with it."""

        def find():
            for line in self.told:
                if line.split(" ")[0] == word:
                    return line.split(" ")
            return None

        return self.until(find, f"a line {word!r}", ms)[1:]

    def post(self, body, ms=60_000):
        """Sends a request to the board and waits for its answer: aiocoap's Message."""
        return self.answer(self.ask(body), ms)

    def ask(self, body):
        """Begins a request to the board; its message ID."""
        return self._begin("msgin5g", bodies.encode(body))

    def _begin(self, path, payload):
        self._mid += 1
        message = aiocoap.Message(code=aiocoap.POST, uri_path=(path,), content_format=50, payload=payload)
        message = self._sealed(message)
        message.mtype, message.mid, message.token = aiocoap.CON, self._mid, self._mid.to_bytes(2, "big")
        self._asked += encode(COAP, message.encode())
        return self._mid

    def _sealed(self, message):
        """What goes to the board for a request of the gateway."""
        return message

    def answer(self, mid, ms):
        """Waits for the answer to what was asked: aiocoap's Message."""

        def find():
            return next((answer for answer in reversed(self.answers) if answer.mid == mid), None)

        return self.until(find, "an answer", ms)

    def _run(self, ms, octets):
        """One step; gives what the gateway has to say to what came out."""
        self.received += len(octets)
        self.ms, out, text = self._emulator.run(ms, octets)
        *lines, self._text = (self._text + text.decode(errors="replace")).split("\n")
        self.told += [line.strip() for line in lines]
        self.sent += len(out)
        if out and self.spoke is None:
            self.spoke = self.ms - len(out) * MS_AN_OCTET
        frames = [content for kind, content in self._framer.feed(out) if kind == COAP]
        answers = [self._take(aiocoap.Message.decode(content)) for content in frames]
        return b"".join(encode(COAP, answer.encode()) for answer in answers if answer)

    def _take(self, message):
        if not message.code.is_request():
            self.answers.append(message)
            return None
        body = bodies.parse(message.payload)
        self.requests.append(body)
        answer = aiocoap.Message(code=aiocoap.CHANGED)
        if body["msgType"] == "REG":
            self.window = body["cliProfile"].get("segWindow", 1)
            granted = {"oriAddr": body["oriAddr"], "result": True, "regExpTime": body["regExpTime"]}
            answer.payload = bodies.encode(granted)
            answer.opt.content_format = 50
        answer.mtype, answer.mid, answer.token = aiocoap.ACK, message.mid, message.token
        return answer
