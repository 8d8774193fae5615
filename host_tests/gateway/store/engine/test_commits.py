# SPDX-License-Identifier: MIT
"""Many events, one COMMIT in another thread: nothing leaves before the COMMIT that holds it, others are served
meanwhile, and what fails in common is decided once more, each event by itself."""

import asyncio
import contextlib
import json
import socket
import sqlite3
import threading

import aiocoap
import aiohttp
import pytest

from host_tests.gateway.scripted import SERVICE, Ue, gateway, run
from tools.bench import limits
from tools.gateway.running import commits
from tools.gateway.runtime import Gateway, Options
from tools.page.events import Events
from tools.server.settings import Settings
from tools.store.engine.transactions import Shared
from tools.store.store import Store
from tools.wire.answers import Refusal
from tools.wire.identity import Peer

A, B = "ue:a", "ue:b"
DISK_FULL = 13  # SQLITE_FULL


class Disk:
    """Of the COMMITs of this process: how many there were, whether they wait, and how the next ones end."""

    def __init__(self, monkeypatch):
        self.commits = 0
        self.fails = []  # of the next ones, in order: whether each fails
        self._go = threading.Event()
        self.begun = threading.Event()
        self._go.set()
        write, disk = Shared.write, self

        def writing(shared):
            if shared.changed:
                disk.commits += 1
                disk.begun.set()
                assert disk._go.wait(20)
                if disk.fails and disk.fails.pop(0):
                    shared._error = sqlite3.OperationalError("database or disk is full")
                    shared._error.sqlite_errorcode = DISK_FULL
                    shared._written.set()
                    return
            write(shared)

        monkeypatch.setattr(Shared, "write", writing)
        monkeypatch.setattr(commits, "SECONDS", 60)  # however slow a machine is, a round holds as many

    @contextlib.contextmanager
    def held(self):
        """Each COMMIT waits as long as this lasts."""
        self.begun.clear()
        self._go.clear()
        try:
            yield
        finally:
            self._go.set()


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def story_of(path, story):
    """Runs `story(gateway)` with a gateway that does not listen, whose pushes are kept in `gateway.begun`."""

    async def whole():
        events = Events()
        running = Gateway(Options(Settings(open=True), store=path), events)
        running.told, running.begun = [], []
        events.callbacks.append(lambda record: running.told.append(record["event"]))

        async def begin(decisions, item):
            running.begun.append(item)

        running.begin = begin
        for name in (A, B):
            assert (await running._request(peer(name), 50, own(name, "REG"))).code == "2.04"
        running.told.clear()
        try:
            await story(running)
        finally:
            running._stopped = True
            if running._timer:
                running._timer.cancel()
            await running._commits.empty()
            running._commits.stop()
            running.store.close()

    run(whole())


def peer(name):
    return Peer("192.0.2.1", 40000 + ord(name[-1]))


def own(name, kind, **members):
    head = {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": name}}
    return json.dumps(head | members).encode()


def msg(number, to=B):
    destination = {"destAddrType": "UE", "addr": to}
    msg_id = "00000000-0000-4000-8000-%012d" % number
    return own(A, "MSG", destAddr=destination, msgId=msg_id, sfFlag=False, payload=str(number))


def on_disk(path):
    """Payloads of the messages that somebody else sees in the store, in order."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        return [value for (value,) in other.execute("SELECT payload FROM part ORDER BY message, number")]


async def turns(count=50):
    for _ in range(count):
        await asyncio.sleep(0)


def test_twenty_events_that_come_together_are_one_commit(tmp_path, disk):
    async def story(g):
        disk.commits = 0
        answers = await asyncio.gather(*(g._request(peer(A), 50, msg(number)) for number in range(20)))
        assert {answer.code for answer in answers} == {"2.04"}
        assert disk.commits == 1
        assert g.told == ["accepted"] * 20
        await turns()
        assert len(g.begun) >= 1  # the work is part of it: what is to be sent began with the same COMMIT
        assert disk.commits == 1

    story_of(str(tmp_path / "g.db"), story)


def test_nothing_leaves_before_its_commit_and_others_are_served(tmp_path, disk):
    async def story():
        path = str(tmp_path / "g.db")
        async with gateway(path) as g, Ue(g, A) as a, Ue(g, B) as b, aiohttp.ClientSession() as http:
            await a.register()
            await b.register()
            await g.journal.wait("registered", 2)
            with disk.held():
                sending = asyncio.create_task(a.send(B, "hello"))
                while not disk.begun.is_set():
                    await asyncio.sleep(0.01)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                    device.setblocking(False)
                    loop = asyncio.get_running_loop()
                    await loop.sock_sendto(device, b"\x40\x00\x12\x34", ("127.0.0.1", g.coap_port))
                    assert await loop.sock_recv(device, 100) == b"\x70\x00\x12\x34"  # a ping
                async with http.get("http://127.0.0.1:%d/status.json" % g.http_port) as response:
                    status = await response.json()
                assert status["errors"] == [] and len(status["registered"]) == 2
                assert status["pending"] == []  # what is not on the disk has not happened
                assert not sending.done() and b.received == []
                assert not g.journal.find("accepted") and not g.journal.find("delivered")
            msg_id = await sending
            assert (await b.next("MSG"))["msgId"] == msg_id
            assert len(g.journal.find("accepted")) == 1

    run(story())


def test_what_fails_in_common_is_decided_once_more_each_by_itself(tmp_path, disk):
    path = str(tmp_path / "g.db")

    async def story(g):
        kept = g.store.kept()

        def remember(number, now):
            kept[number] = True
            return g.server.request(peer(A), 50, msg(number), now)

        disk.fails = [True, False, True]  # all of them; the first; the second
        disk.commits = 0
        events = [g._event(remember, number) for number in range(4)]
        ends = []
        for event in events:
            try:
                ends.append((await event).code)
            except Refusal as refusal:
                ends.append((refusal.answer.code, refusal.answer.max_age))
        assert ends == ["2.04", ("5.03", 10), "2.04", "2.04"]
        assert sorted(kept) == [0, 2, 3]  # memory went back with the one that failed
        assert on_disk(path) == ["0", "2", "3"]
        assert disk.commits == 5 and g.told.count("accepted") == 3 and g.told.count("store-error") == 1
        assert (await g._request(peer(A), 50, msg(1))).code == "2.04"  # it comes again
        assert on_disk(path) == ["0", "2", "3", "1"]

    story_of(path, story)


def test_an_event_that_undoes_the_transaction_takes_no_other_with_it(tmp_path, disk):
    path = str(tmp_path / "g.db")

    async def story(g):
        def broken(now):
            g.store._db.execute("ROLLBACK")  # as SQLite does by itself where there is no memory or room
            raise MemoryError("no room")

        before, bad, after = (
            g._request(peer(A), 50, msg(1)),
            g._event(broken),
            g._request(peer(A), 50, msg(2)),
        )
        answers = await asyncio.gather(before, bad, after, return_exceptions=True)
        assert [answers[0].code, answers[2].code] == ["2.04", "2.04"]
        assert isinstance(answers[1], Refusal) and answers[1].answer.code[0] == "5"
        assert on_disk(path) == ["1", "2"]

    story_of(path, story)


def test_a_store_that_takes_no_work_is_not_tried_without_a_pause(tmp_path, disk):
    """Also where what all decisions have to do is decided once more, each by itself, and some of it is taken."""

    async def story(g):
        def noting(now):
            g.store.note_time(now)
            return []

        g.server.work = noting
        g.server.deadline = lambda now: now  # there is more to do at once
        await turns()
        disk.commits, disk.fails = 0, [True] * 10_000
        g._pump_soon()
        await asyncio.sleep(0.3)
        assert (
            2 <= disk.commits <= 12
        )  # a pause of 0.1 s, doubled each time; three COMMITs at most between two

    story_of(str(tmp_path / "g.db"), story)


def test_what_begins_with_a_round_begins_though_other_work_of_it_failed(tmp_path, disk):
    async def story(g):
        def broken(now):
            raise ZeroDivisionError

        g.server.work, g.function.work = broken, lambda now: ["begins"]
        g._pump_soon()
        await turns()
        assert "error" in g.told and g.begun == ["begins"]

        def noting(now):
            g.store.note_time(now)
            return ["never"]

        g.server.work, disk.fails = noting, [True] * 100
        g._pump_soon()
        while "store-error" not in g.told:
            await asyncio.sleep(0.01)
        assert "never" not in g.begun

    story_of(str(tmp_path / "g.db"), story)


@pytest.mark.parametrize("part", ["jump", "changed"])
def test_an_error_beside_the_events_is_told_and_ends_nothing(tmp_path, disk, part):
    async def story(g):
        def broken():
            raise ZeroDivisionError

        g.clock.jump = broken if part == "jump" else lambda: 0.0
        g.changed = broken
        g._other_version = part == "changed"
        async with asyncio.timeout(20):
            assert (await g._request(peer(A), 50, msg(1))).code == "2.04"
            await turns()
            assert "error" in g.told and g._timer.when() > asyncio.get_running_loop().time()
            g._look()
            assert (await g._request(peer(A), 50, msg(2))).code == "2.04"

    story_of(str(tmp_path / "g.db"), story)


def test_another_writer_is_told_at_once_and_the_loop_waits_for_nobody(tmp_path, disk):
    path = str(tmp_path / "g.db")

    async def story(g):
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(*(g._request(peer(A), 50, msg(number)) for number in range(3)))
        assert [(answer.code, answer.max_age) for answer in answers] == [("5.03", 1)] * 3
        other.execute("ROLLBACK")
        other.close()
        answers = await asyncio.gather(*(g._request(peer(A), 50, msg(number)) for number in range(3)))
        assert {answer.code for answer in answers} == {"2.04"} and on_disk(path) == ["0", "1", "2"]

    story_of(path, story)


def test_who_must_write_now_waits_for_the_commit_that_is_under_way(tmp_path, disk):
    path = str(tmp_path / "g.db")

    async def story(g):
        with disk.held():
            asking = asyncio.create_task(g._request(peer(A), 50, msg(1)))
            while not disk.begun.is_set():
                await asyncio.sleep(0.001)
            assert on_disk(path) == []
            threading.Timer(0.05, disk._go.set).start()
            with g.store.transaction():  # as numbers of OSCORE do, which no event holds
                g.store.remember("somebody", "1", "", 10)
            assert on_disk(path) == ["1"]
        assert (await asking).code == "2.04"
        assert g.store.seen("somebody", "1") == ""

    story_of(path, story)


def test_what_waits_at_the_end_is_decided_before_the_store_is_closed(tmp_path, disk):
    path = str(tmp_path / "g.db")
    events = []

    async def story(g):
        events.extend(g._event(g.server.request, peer(A), 50, msg(number)) for number in range(3))

    story_of(path, story)
    assert [event.outcome().code for event in events] == ["2.04"] * 3 and on_disk(path) == ["0", "1", "2"]


def test_a_message_costs_so_many_statements(tmp_path, disk):
    def statements(count, path):
        seen = []

        async def story(g):
            g.store._db.set_trace_callback(seen.append)
            answers = await asyncio.gather(*(g._request(peer(A), 50, msg(number)) for number in range(count)))
            g.store._db.set_trace_callback(None)
            assert {answer.code for answer in answers} == {"2.04"}

        story_of(path, story)
        return len(seen)

    # The first ones may be the first of something; a round has its own.
    more = statements(30, str(tmp_path / "30.db")) - statements(20, str(tmp_path / "20.db"))
    assert limits.of("accepted.statements").keeps(more / 10), more / 10


def test_a_request_that_waits_for_the_disk_is_answered_in_its_acknowledgement(tmp_path, disk):
    async def story():
        async with gateway(str(tmp_path / "g.db"), ack_timeout=2) as g, Ue(g, A) as a:
            await a.register()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                device.connect(("127.0.0.1", g.coap_port))
                device.setblocking(False)
                loop = asyncio.get_running_loop()
                request = aiocoap.Message(code=aiocoap.POST, payload=own(B, "REG"), uri_path=["msgin5g"])
                request.opt.content_format = 50
                request.mtype, request.mid, request.token = aiocoap.CON, 0x1234, b""
                octets = request.encode()
                with disk.held():
                    await loop.sock_sendall(device, octets)
                    while not disk.begun.is_set():
                        await asyncio.sleep(0.01)
                    await asyncio.sleep(0.3)  # longer than aiocoap waits by itself
                    await loop.sock_sendall(device, octets)  # and a copy of it is answered no sooner
                answer = await loop.sock_recv(device, 2000)
                assert answer[:4] == b"\x60\x44\x12\x34"  # ACK, 2.04, of this request

    run(story())


def test_a_query_is_asked_once_until_something_is_written_or_undone(tmp_path):
    store = Store(str(tmp_path / "g.db"))
    seen = []
    with store.transaction():
        store._db.set_trace_callback(seen.append)
        assert [store.seen("a", "1"), store.seen("a", "1")] == [None, None]
        assert len(seen) == 1
        with contextlib.suppress(ZeroDivisionError), store.savepoint():
            store.remember("a", "1", "set", 10)
            assert store.seen("a", "1") == "set"
            raise ZeroDivisionError
        assert store.seen("a", "1") is None
        store.remember("a", "1", "set", 10)
        assert store.seen("a", "1") == "set"
    with contextlib.closing(sqlite3.connect(tmp_path / "g.db")) as other, other:
        other.execute("DELETE FROM seen")
    assert store.seen("a", "1") is None
    with store.transaction():
        assert store.seen("a", "1") is None
    store._db.set_trace_callback(None)
    store.close()


def test_keys_that_are_not_on_the_disk_yet_are_looked_up_again(tmp_path, disk):
    """What is read while a COMMIT is under way does not know of them: it must not be kept."""

    async def story(g):
        versions = []
        with disk.held():
            event = g._event(lambda now: g.store.bind_key(A, b"digest"))
            while not disk.begun.is_set():
                await asyncio.sleep(0.001)
            versions.append(g.store.keys_version())
            assert g.store.key_of_ue(A) is None
        await event
        versions.append(g.store.keys_version())
        assert g.store.key_of_ue(A) == b"digest" and versions[0] != versions[1]

    story_of(str(tmp_path / "g.db"), story)


def test_what_is_known_again_is_bounded_and_not_counted_each_time(tmp_path):
    store = Store(str(tmp_path / "g.db"))
    seen = []
    with store.transaction():
        for number in range(200):
            store.remember("a", str(number), "", 128)
        store._db.set_trace_callback(seen.append)
        for number in range(200, 1000):
            store.remember("a", str(number), "", 128)
            assert store._one("SELECT count(*) FROM seen") <= 128 + 4
        store._db.set_trace_callback(None)
        assert all(store.seen("a", str(number)) is not None for number in range(872, 1000))
    assert sum(query.startswith("DELETE") for query in seen) == 200
    store.close()
    for number in range(1000, 1040):  # a program that is started again for each message keeps no more
        store = Store(str(tmp_path / "g.db"))
        with store.transaction():
            store.remember("a", str(number), "", 128)
        store.close()
    store = Store(str(tmp_path / "g.db"))
    assert store._one("SELECT count(*) FROM seen") <= 128 + 4
    store.close()
