# SPDX-License-Identifier: MIT
# heap: 224k, the stand-ins for modules that are C on the chip lie in it too
"""A running client on the Wi-Fi link, in virtual time: what it does when the network is back."""

import asyncio

import idf
import msgin5g
import virtual
from coap.aio import waiting
from common import equal
from device import health, runner, start
from device.links import station, wifi
from device.starts import look
from msgin5g import MemoryStorage

CONFIG = {
    "role": "client",
    "ue_service_id": "ue:a@x",
    "peer": "coap://127.0.0.1:9",  # nobody there
    "security": {"mode": "none"},
    "wifi": {"ssid": "home", "password": "correct horse"},
}
LONGEST_PAUSE = 30 + 1  # s between two tries to join, and the join


class Board:
    def __init__(self):
        self.storage = MemoryStorage()

    def links(self, config):
        return wifi.link(config)

    def reset_cause(self):
        return "power-on"


def at_home():
    """A chip that was switched on, with its access point there."""
    idf.power_cycle()
    idf.ap_up("home", "correct horse")


def silently(coroutine):
    """Runs it in virtual time, with the ticks of a board."""
    real = runner._now, runner.log, station.log
    runner._now = lambda: idf.now() & 0x1FFFFFFF
    runner.log = station.log = lambda *arguments: None
    try:
        virtual.run(coroutine)
    finally:
        runner._now, runner.log, station.log = real


def test_an_outage_of_an_hour_does_not_put_off_the_registration():
    """By then it is tried every 300 s, but within a second after the station has joined a request goes out."""
    at_home()
    sent = []

    async def main():
        client = await start(dict(CONFIG), Board())
        link = client._link
        send = link.send

        def counted(octets, address):
            if link._station.isconnected():
                sent.append(idf.now())
            return send(octets, address)

        link.send = counted
        await asyncio.sleep(5)
        assert sent and not client.registered
        idf.ap_down("home")
        await asyncio.sleep(3600)
        equal((client.stats["link_outages"], client.core.registration.state), (1, "unreachable"))
        assert client.stats["link_lost"] > 10, client.stats
        # Just given up once more: the next try is four minutes away.
        for on_air in (True, False):
            while bool(client.core.registration._on_air) != on_air:
                await asyncio.sleep(1)
        sent.clear()
        idf.ap_up("home", "correct horse")
        for _ in range(LONGEST_PAUSE * 10):
            await asyncio.sleep_ms(100)
            if link._station.isconnected():
                break
        await asyncio.sleep(1)
        assert sent, "nothing went out"
        await client.stop()

    silently(main())


def play(act, board):
    """Runs `act(client)` in virtual time, on a network that is there."""
    at_home()

    async def main():
        client = await start(dict(CONFIG), board)
        await asyncio.sleep(5)
        try:
            await act(client)
        finally:
            client.abandon()

    silently(main())


class Failing(MemoryStorage):
    fails = False

    def _check(self):
        if self.fails:
            raise OSError(28)

    def append(self, name, octets, more=False):
        self._check()
        super().append(name, octets, more)

    def replace(self, name, octets):
        self._check()
        super().replace(name, octets)


async def refused(client):
    try:
        await client.send("ue:b@x", "hi")
    except OSError:
        return True
    return False


def test_a_storage_that_fails_for_a_minute_is_a_fault():
    board = Board()
    board.storage = Failing()

    async def act(client):
        board.storage.fails = True
        assert await refused(client)
        await asyncio.sleep(50)
        equal(client.fault(), None)
        board.storage.fails = False  # tried again when the minute is over
        await asyncio.sleep(120)
        equal(client.fault(), None)
        board.storage.fails = True
        assert await refused(client)
        await asyncio.sleep(50)
        equal(client.fault(), None)
        await asyncio.sleep(15)
        equal(client.fault(), "the storage fails")
        try:  # no watchdog waits for it here, so the application is told
            await client.receive()
        except msgin5g.ClientError as error:
            assert "the storage fails" in str(error), error
        else:
            raise AssertionError("a message")

    play(act, board)


def test_a_storage_that_fails_at_a_start_is_told_and_counted():
    """The device runs all the same, until something must be kept: then a new client is asked for after a minute."""
    board = Board()
    board.storage.names = broken
    lines = []
    log = health.log
    # start() imports what tells it anew
    health.log = lambda text, *values: lines.append(text % values)

    async def act(client):
        equal([line for line in lines if "storage" in line], lines[-1:])
        assert "[Errno 5]" in lines[-1] and "next start" in lines[-1], lines
        equal((client.stats["journal_unread"], client.stats["journal_failed"]), (1, 0))
        await asyncio.sleep(200)
        equal(client.fault(), None)
        assert await refused(client)
        assert client.stats["journal_failed"] > 0
        await asyncio.sleep(50)
        equal(client.fault(), None)
        del board.storage.names  # it is well again, which only a new client can find out
        await asyncio.sleep(15)
        equal(client.fault(), "the storage fails")

    try:
        play(act, board)
    finally:
        health.log = log


def broken():
    raise OSError(5)


def lose(client):
    """The timer task is out of every queue, and does not know."""
    task = client._tasks["timer"]
    client._kick.waiting.remove(task)
    task.data = None


def test_a_task_that_asyncio_lost_is_a_fault():
    """What Ctrl-C between two lines of asyncio does: not done, and never run again."""

    async def act(client):
        lose(client)
        await asyncio.sleep(10)
        equal(client.fault(), None)
        await asyncio.sleep(10)
        assert client.fault().startswith("the timer task is "), client.fault()
        await asyncio.sleep(3)
        new = await start(dict(CONFIG), Board())
        assert new is not client and new.fault() is None
        equal(runner.running, [new])
        new.abandon()

    play(act, Board())


def test_a_client_that_lost_its_tasks_has_them_again_by_a_second_start():
    async def act(client):
        lose(client)
        asyncio.core._io_queue.remove(client._tasks["reader"])
        assert await start(dict(CONFIG), Board()) is client
        await asyncio.sleep(30)
        equal(client.fault(), None)
        assert client.idle_ms() <= 5000

    play(act, Board())


def test_what_a_procedure_is_asked_for_goes_out_at_once():
    """As with `send`: nobody waits for the next deadline."""
    at_home()
    asked = []
    sent = []

    async def main():
        client = await start(dict(CONFIG), Board())
        await asyncio.sleep(5)
        client._link.send = lambda octets, address: sent.append(octets) or True
        client.core.outgoing = lambda: (b"status", None) if len(sent) < len(asked) else None
        client.core.call = lambda *arguments: asked.append(arguments) or "taken"
        before = len(sent)
        equal(client.call("status", "report", "well"), "taken")
        equal((asked[0][:3], len(asked[0]), sent[before:]), (("status", "report", "well"), 4, [b"status"]))
        await client.stop()

    silently(main())


def test_an_application_that_resets_the_board_each_minute():
    """docs/health.md: a start is good after 60 s. Its own 60 s begin later, when the firmware has been loaded."""
    board, real = Board(), health.now
    health.now = lambda: idf.now() & 0x1FFFFFFF

    async def main():
        for loading in (100, 500, 1000, 1500, 1900) * 2:
            at_home()
            health.starts = None
            starts = look(board)
            starts.begin(health.now())
            board.reset_cause = lambda: "soft"  # from the second time on
            equal((starts.safe, starts.bad), (False, 0))
            idf.advance(loading)
            client = await start(dict(CONFIG), board)
            await asyncio.sleep(60)
            client.abandon()

    try:
        silently(main())
    finally:
        health.starts, health.now = None, real


def test_a_stop_in_the_moment_in_which_the_timer_wakes_up():
    """Its link is closed then: the task must not begin another turn."""

    async def act(client):
        timer = client._tasks["timer"]
        real = waiting.wait_for_ms

        async def stop(ms):
            await asyncio.sleep_ms(ms)
            client.abandon()

        def beside(awaitable, ms):
            waiting.wait_for_ms = real
            asyncio.create_task(stop(ms))
            return real(awaitable, ms)

        waiting.wait_for_ms = beside
        await asyncio.sleep(11)
        equal((runner.running, timer.done()), ([], True))
        assert isinstance(timer.data, asyncio.CancelledError), repr(timer.data)

    play(act, Board())


def test_a_reader_that_never_has_memory_is_a_fault():
    """Though the timer, which wants smaller pieces of the heap, has some. One datagram that is lost is none."""

    async def act(client):
        link = client._link
        lost = []

        async def lose():
            await asyncio.sleep(4 if len(lost) != 1 else 60)
            lost.append(idf.now())
            raise MemoryError

        link.receive = lose
        client.again()
        await asyncio.sleep(30)
        equal((len(lost), client.fault()), (1, None))
        await asyncio.sleep(45)
        assert len(lost) > 3
        equal(client.fault(), "there is no memory")

    play(act, Board())


def test_a_datagram_that_there_is_no_room_for_is_counted_and_told():
    async def act(client):
        sizes = []

        def recvfrom(size):
            sizes.append(size)
            if size > 1:
                raise MemoryError
            return b"", None

        link = client._link
        link.source.recvfrom = recvfrom
        before = link.dropped
        try:
            await link.receive()
        except MemoryError:
            pass
        else:
            raise AssertionError
        equal((link.dropped - before, sizes[1:]), (1, [1]))  # one octet of it takes it out of the socket

    play(act, Board())
