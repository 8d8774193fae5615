# SPDX-License-Identifier: MIT
"""The power is cut before and after every single write, of either side: no nonce twice, no request twice, and it goes
on (RFC 8613 appendix B.1). Replace is atomic, as msgin5g.store.storage asks of a board: a cut leaves the old or the
new.
"""

import coap
from common import Random, equal
from msgin5g import MemoryStorage
from oscore_scene import CLIENT, SERVER, Nonces, Party


class PowerCut(BaseException):  # that nothing takes for an error of the storage
    pass


class CutStorage(MemoryStorage):
    """Cuts the power at its write number `at`, before it or after it."""

    def __init__(self):
        MemoryStorage.__init__(self)
        self.writes = 0
        self.at = None
        self.after = False

    def replace(self, name, octets):
        self.writes += 1
        cut = self.writes == self.at
        if cut and not self.after:
            raise PowerCut
        MemoryStorage.replace(self, name, octets)
        if cut:
            raise PowerCut


class Story:
    """Exchanges in both directions, one after the other; whoever loses power begins again from its storage."""

    def __init__(self, messages):
        self.client = Party(CLIENT, b"\x01", b"", CutStorage())
        self.server = Party(SERVER, b"", b"\x01", CutStorage())
        self.messages = messages
        self.executed = -1  # the last, of all that come in order
        self.delivered = 0
        self.cuts = 0

    def run(self, restarts=None):
        for number in range(self.messages):
            sides = (self.client, self.server) if number % 3 else (self.server, self.client)
            self._exchange(sides[0], sides[1], number)
            if restarts and restarts.chance(10):
                restarts.choice((self.client, self.server)).restart()

    def _exchange(self, asker, other, number):
        # The application asks until it is answered; a request that was taken and not answered is another one next time.
        for attempt in range(4):
            asker.events.clear()
            if self._attempt(asker, other, b"%d" % (4 * number + attempt)):
                self.delivered += 1
                return
        raise AssertionError("does not go on after the power came back")

    def _attempt(self, asker, other, payload):
        for exchange in asker.endpoint._exchanges[:]:
            asker.endpoint.cancel(exchange, 0)  # as if its time had run out
        try:
            waiting = [(other, asker, each) for each in asker.ask(other, payload)]
        except PowerCut:
            self._cut(asker)
            return False
        while waiting:
            to, source, datagram = waiting.pop(0)
            try:
                out = to.take(datagram, source.address)
            except PowerCut:
                self._cut(to)
                continue
            finally:
                self._see(to)
            waiting += [(source if peer == source.address else to, to, octets) for octets, peer in out]
        return (
            bool(asker.events)
            and asker.events[0][0] == coap.RESPONSE
            and asker.events[0][2].code == coap.CHANGED
        )

    def _see(self, party):
        for message in party.got:
            number = int(bytes(message.payload))
            assert number > self.executed, "a request was taken twice"
            self.executed = number
        party.got.clear()

    def _cut(self, party):
        self.cuts += 1
        party.restart()


def test_every_cut():
    with Nonces():
        story = Story(200)
        story.run()
    writes = (story.client.storage.writes, story.server.storage.writes)
    # Of 200 requests a third is the server's; each writes once in 64, and the first of the other side makes it write.
    equal(writes, (3, 2))
    for side in range(2):
        for at in range(1, writes[side] + 1):
            for after in (False, True):
                with Nonces():
                    story = Story(200)
                    storage = (story.client, story.server)[side].storage
                    storage.at = at
                    storage.after = after
                    story.run()
                equal((story.cuts, story.delivered), (1, 200))


def test_restarts_at_any_time():
    for seed in range(8):
        with Nonces():
            story = Story(120)
            story.run(Random(seed))
            equal(story.delivered, 120)


def test_cut_after_cut():
    # Each of the first writes of a side is cut, so that it takes several boots until one message is out.
    with Nonces():
        story = Story(10)
        for party in (story.client, story.server):
            party.storage.at = 1
        story.run()
        equal((story.cuts, story.delivered), (2, 10))
        for party in (story.client, story.server):
            party.storage.at = party.storage.writes + 1
            party.storage.after = True
            party.restart()
        story.messages = 100
        story.executed = -1
        story.run()
        equal(story.cuts, 4)
