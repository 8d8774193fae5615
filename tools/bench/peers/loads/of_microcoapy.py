# SPDX-License-Identifier: MIT
# Runs on MicroPython. microCoAPy sends a confirmable POST of 100 octets and gives its answer to a callback; the socket
# is in memory. It does not retransmit, match tokens or look for duplicates.
import sys

from microcoapy import Coap

PAYLOAD = bytes(100)
PEER = ("192.0.2.1", 5683)
answered = []


class Socket:
    def sendto(self, octets, _):
        # 2.04 as an acknowledgement, with the message ID and the token of four octets
        self.answer = b"\x64\x44" + octets[2:8]
        return len(octets)

    def recvfrom(self, _):
        return self.answer, PEER

    def setblocking(self, _):
        pass


class Same:
    """In place of chance: the message ID is the same in each run."""

    @staticmethod
    def urandom(_):
        return b"\x12\x34"


sys.modules["microcoapy.microcoapy"].uos = Same  # type: ignore[attr-defined]
coap = Coap()
coap.debug = False
coap.sock = Socket()
coap.resposeCallback = lambda packet, _: answered.append(packet.method)


def exchange():
    coap.post("192.0.2.1", 5683, "msgin5g", PAYLOAD, None, 50, token=b"abcd")
    coap.loop(False)
    assert answered.pop() == 68
