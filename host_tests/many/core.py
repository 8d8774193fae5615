# SPDX-License-Identifier: MIT
"""The firmware's protocol core behind a pipe, on whichever interpreter runs this file: each line is a list of a word
and its arguments, and is answered by one with what the device sends, and how many ms later it wants to be asked again.
"""

import json
import sys
from binascii import hexlify, unhexlify

from coap.compat import ticks_diff
from common import Random
from msgin5g import Client, Config, MemoryStorage


class Core:
    client = None

    def begin(self, tick, config):
        self.client = Client(Config(config), MemoryStorage(), Random(1).bytes)
        self.client.start(tick)

    def receive(self, tick, octets):
        self.client.receive(unhexlify(octets), self.client.peer, tick)

    def poll(self, tick):
        self.client.poll(tick)

    def send(self, tick, to, payload):
        self.client.send(to, payload, tick)

    def said(self, tick):
        client = self.client
        sent = []
        while True:
            item = client.outgoing()
            if item is None:
                break
            sent.append(str(hexlify(bytes(item[0])), "ascii"))
            client.prepare()  # as the tasks of a device do while a datagram is on its way
        ended = []
        while True:
            event = client.next_event()
            if event is None:
                break
            if event[0] == 2 and event[1].final:
                ended.append(event[1].state)
        deadline = client.next_deadline()
        return [
            sent,
            None if deadline is None else max(1, ticks_diff(deadline, tick)),
            ended,
            client.registered,
        ]


def main():
    core = Core()
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        word, tick, *arguments = json.loads(line)
        getattr(core, word)(tick, *arguments)
        print(json.dumps(core.said(tick)))


main()
