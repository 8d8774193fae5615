# SPDX-License-Identifier: MIT
# heap: 224k, the stand-ins for modules that are C on the chip lie in it too
"""A device that sleeps by its schedule, in virtual time: what its application awaits, and what it hears."""

import asyncio
import json

import coap
import idf
import virtual
from common import equal
from device import health, runner, start
from msgin5g import GroupError, MemoryStorage

PEER = ("192.0.2.1", 65401)
CONFIG = {
    "role": "client",
    "ue_service_id": "ue:a@x",
    "peer": "coap://192.0.2.1",
    "security": {"mode": "none"},
    "registration": {"lifetime": 86400},
    "availability": {"interval": 600, "duration": 20},
}


class Link:
    """A radio with a server behind it, which answers at once, about groups never; `push` sends a message, lost where
    the board sleeps."""

    peer = PEER
    dropped = 0
    on_back = None

    def __init__(self):
        self.came = asyncio.Event()
        self.waiting = []
        self.asleep = False
        self.kinds = []
        self.mid = 0

    async def open(self):
        pass

    async def receive(self):
        while not self.waiting:
            self.came.clear()
            await self.came.wait()
        return self.waiting.pop(0), PEER

    def send(self, octets, address):
        message = coap.decode(bytes(octets))
        if message.code == coap.GET:
            self.kinds.append("GROUP")  # nobody answers
        elif 1 <= message.code < 32:
            kind = json.loads(str(message.payload, "utf-8"))["msgType"]
            self.kinds.append(kind)
            said = b'{"result":true,"regExpTime":86400}' if kind == "REG" else b""
            answer = coap.Message(coap.CHANGED, said, [], coap.ACK, message.mid, message.token)
            self.hear(coap.encode(answer))
        return True

    def hear(self, octets):
        if not self.asleep:
            self.waiting.append(octets)
            self.came.set()

    def push(self, number):
        self.mid += 1
        body = {
            "msgIden": "urn:3gpp:msgin5g",
            "msgType": "MSG",
            "oriAddr": {"oriAddrType": "UE", "addr": "ue:b@x"},
            "destAddr": {"destAddrType": "UE", "addr": "ue:a@x"},
            "msgId": "m-%d" % number,
            "payload": "%d" % number,
        }
        options = coap.path_options("/msgin5g") + [(coap.CONTENT_FORMAT, b"\x32")]
        message = coap.Message(coap.POST, json.dumps(body).encode(), options, coap.CON, self.mid, b"\x70")
        self.hear(coap.encode(message))

    def close(self):
        pass


class Board:
    """`slept` has when each sleep began and ended, in ms since `began`."""

    def __init__(self):
        self.began = 0
        self.storage = MemoryStorage()
        self.link = Link()
        self.slept = []

    def links(self, config):
        return self.link

    def reset_cause(self):
        return "power-on"

    def sleep(self, ms):
        assert ms > 0
        at = self.ms()
        self.link.asleep = True
        while ms > 0:
            ms -= idf.advance(ms)
        self.link.asleep = False
        self.slept.append((at, self.ms()))

    def ms(self):
        return idf.now() - self.began


def play(act, **more):
    """Runs `act(client, board)` in virtual time, with the ticks of a board; the Board."""
    board = Board()
    config = dict(CONFIG)
    config.update(more)

    async def main():
        client = await start(config, board)
        board.began = idf.now()  # the first task of a loop is told real ticks
        try:
            await act(client, board)
        finally:
            client.abandon()

    real = runner._now, runner.log, health.now, health.clock
    runner._now = health.now = lambda: idf.now() & 0x1FFFFFFF
    runner.log = lambda *arguments: None
    health.clock = lambda: None  # nobody has set it, as on most boards
    try:
        virtual.run(main())
    finally:
        runner._now, runner.log, health.now, health.clock = real
    return board


def seconds(pairs):
    return [(round(began / 1000), round(ended / 1000)) for began, ended in pairs]


def test_the_loop_of_a_sensor_sleeps_between_its_windows():
    """Reading, sending, listening, sleeping: what the documentation says."""

    async def act(client, board):
        while board.ms() < 1900000:
            await client.send("as:w@x", "21.5", to_type="AS")
            equal(await client.drain(60), True)
            board.sleep(client.next_wake())

    board = play(act)
    equal(seconds(board.slept), [(20, 600), (620, 1200), (1220, 1800), (1820, 2400)])
    equal(board.link.kinds, ["REG"] + ["MSG"] * 4)


def test_who_sends_nothing_hears_what_comes_in_a_window():
    heard = []

    async def listen(client, board):
        async for message in client.messages():
            heard.append((message.payload, board.ms() // 1000))

    async def act(client, board):
        asyncio.create_task(listen(client, board))
        number = 0
        while board.ms() < 1900000:
            equal(await client.drain(60), True)
            board.sleep(client.next_wake())
            await asyncio.sleep(5)  # a window has begun
            number += 1
            board.link.push(number)

    board = play(act)
    equal(heard, [("1", 605), ("2", 1205), ("3", 1805)])
    # nobody asked for a report, so no window is longer
    equal(seconds(board.slept), [(20, 600), (620, 1200), (1220, 1800), (1820, 2400)])


def test_a_drain_right_behind_a_sleep_listens():
    """The core has not heard of the time that was slept over, and nothing was sent."""

    async def act(client, board):
        equal(await client.drain(60), True)
        board.sleep(client.next_wake())
        equal(client.next_wake(), 0)
        began = idf.now()
        equal(await client.drain(60), True)
        equal((idf.now() - began) // 1000, 20)
        assert client.next_wake() > 579000

    play(act)


def test_a_drain_that_is_over_before_the_window_says_so():
    async def act(client, board):
        equal(await client.drain(5), False)
        equal(client.next_wake(), 0)

    play(act)


def test_without_windows_a_drain_waits_for_what_it_always_did():
    async def act(client, board):
        await asyncio.sleep(1)
        began = idf.now()
        equal(await client.drain(60), True)
        equal(idf.now(), began)
        assert client.next_wake() > 3600000

    play(act, availability=None)


def test_what_the_client_calls_may_call_the_client():
    """Without a word against it, an application does; and it has a client afterwards."""
    told = []

    def trigger(purpose):
        return ('{"msgIden":"urn:3gpp:msgin5g","purpose":"%s"}' % purpose).encode()

    async def act(client, board):
        def contact(address):
            told.append(client.triggered(trigger("register")))
            told.append(client.fault())

        client.on_trigger = contact
        await asyncio.sleep(1)
        equal(client.triggered(trigger("contact")), True)
        equal((told, client.fault()), ([True, None], None))
        await asyncio.sleep(1)
        outgoing = await client.send("as:w@x", "21.5", to_type="AS")
        equal(await outgoing.wait(10), "accepted")

    board = play(act, availability=None)
    equal(board.link.kinds, ["REG", "REG", "MSG"])


def test_a_call_in_vain_is_not_asked_again_whatever_else_is_wrong():
    async def act(client, board):
        client.alive(1)
        await asyncio.sleep(2)
        try:
            await client.join("g:pumps@x", 5)
        except GroupError as error:
            equal(str(error)[:40], "join g:pumps@x: still waiting after 5 s,")
        equal(client.fault(), "the application did not call alive() in time")
        equal(client.core.procedure("groups").subscriptions, [])
        await asyncio.sleep(600)

    equal(play(act, availability=None).link.kinds[:2], ["REG", "GROUP"])


def test_a_board_that_wakes_for_moments_is_not_found_at_fault():
    """Whatever its tasks were about when it went to sleep, they have been asleep, and are not late."""

    async def act(client, board):
        await client.drain(60)
        for ms in (0, 1, 2, 3, 4, 5, 6, 10, 100, 1000, 1999, 2001, 2003, 2005) * 2:
            board.sleep(60000)
            await asyncio.sleep_ms(ms)
        equal(client.fault(), None)
        await client.send("ue:b@x", "hi")

    play(act, availability=None)
