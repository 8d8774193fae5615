# SPDX-License-Identifier: MIT
"""/metrics: what happened is what it counts, by names that Prometheus' own check has nothing against, and however many
devices there are and whatever they write, it has no line more."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import threading

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from host_tests.gateway.page import described
from host_tests.gateway.page.asked import AWAY, SENSOR, WEATHER, three
from host_tests.gateway.scripted import Ue, gateway, run
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.options import Options
from tools.gateway.running.server import ServerProgram
from tools.gateway.runtime import Gateway
from tools.page.events import Events
from tools.page.tallies import Spread, Tallies
from tools.programs.peers import peer
from tools.server.settings import Settings
from tools.store.server.figures import Figures
from tools.store.store import Store

HERE = ("127.0.0.1", 0)
UPSTREAM = {"upstream": ("127.0.0.1", 9), "name": "ue:gw@example.org"}
PROGRAMS = {
    "gateway": (Gateway, {}),
    "gateway, oscore": (Gateway, {"security": "oscore"}),
    "server": (ServerProgram, {}),
    "gateway with upstream": (GatewayUe, UPSTREAM),
}


async def read(g):
    """The text, as somebody on this machine gets it."""
    async with (
        aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http,
        http.get("/metrics") as response,
    ):
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return await response.text()


def samples(text):
    """{(name, label values): value}"""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextlib.asynccontextmanager
async def program(name, store=":memory:"):
    kind, more = PROGRAMS[name]
    async with kind(Options(Settings(), HERE, HERE, store, **more), Events()) as running:
        yield running


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_check_of_prometheus_has_nothing_to_say(name, tmp_path):
    async def main():
        async with program(name, str(tmp_path / "gateway.db")) as g:
            text = await read(g)
        done = subprocess.run(
            [peer("promtool"), "check", "metrics"], input=text, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        families = {family.name: family for family in text_string_to_metric_families(text)}
        assert all(family.documentation and family.type != "unknown" for family in families.values())
        assert {
            "process_resident_memory_bytes",
            "process_cpu_seconds",
            "msgin5g_commit_seconds",
        } <= families.keys()
        told = families["msgin5g_build_info"].samples[0].labels
        assert told["mode"] == name.partition(",")[0]
        assert told["security"] == ("oscore" if "oscore" in name else "none")
        assert ("msgin5g_upstream_registered" in families) == ("upstream" in name)
        assert ("msgin5g_oscore_failures" in families) == ("oscore" in name)

    run(main())


def test_a_story_is_counted_as_it_went():
    async def main():
        async with three() as (g, ue, away, as_):
            before = samples(await read(g))
            await ue.send(WEATHER, "21.5", "AS")
            await ue.send(WEATHER, "21.6", "AS")
            await as_.next()
            await as_.next()
            await g.journal.wait("delivered", 2)
            await ue.send(AWAY, "later", sfFlag=True)
            await g.journal.wait("stored")
            assert await away.code(away.msg(SENSOR, "x")) == "4.01"
            await g.journal.wait("refused")
            after = samples(await read(g))
            grown = {key: value - before.get(key, 0) for key, value in after.items()}
            assert grown["msgin5g_messages_accepted_total", "MSG"] == 3
            assert grown["msgin5g_messages_delivered_total", "MSG"] == 2
            assert grown["msgin5g_messages_stored_total", "MSG"] == 1
            assert grown["msgin5g_messages_failed_total", "MSG"] == 0
            assert grown["msgin5g_deliveries_total", "done", "AS"] == 2
            assert grown["msgin5g_delivery_seconds_count", "AS"] == 2
            assert grown["msgin5g_requests_refused_total", "4.01", "coap"] == 1
            assert after["msgin5g_registered_ues",] == 1
            assert after["msgin5g_waiting_messages", "stored", "MSG"] == 1
            assert after["msgin5g_waiting_bytes", "stored", "MSG"] == len("later")
            assert after["msgin5g_store_rows", "application_server"] == 1
            assert grown["msgin5g_coap_requests_total",] == 4
            assert grown["msgin5g_commit_seconds_count",] > 0
            named = {key[1] for key in after if key[0] == "msgin5g_events_total"}
            assert "registered" in named and not named & {"accepted", "delivered", "stored"}  # counted once

    run(main())


def test_a_device_that_does_not_answer_is_asked_again():
    """RFC 7252 section 4.2: MAX_RETRANSMIT times."""

    async def main():
        async with gateway(ack_timeout=0.02) as g, Ue(g, SENSOR) as ue:
            await ue.register()
            body = {"msgIden": "urn:3gpp:msgin5g", "msgType": "MSG"}
            manager = ue._context.request_interfaces[0].token_interface
            manager.message_interface.send = lambda message: None  # not even an acknowledgement
            g.server.push({"to": SENSOR, "body": body}, g.clock())
            g._pump_soon()
            await g.journal.wait("retry")
            after = samples(await read(g))
            assert after["msgin5g_coap_retransmissions_total",] >= 4
            assert after["msgin5g_deliveries_total", "later", "UE"] >= 1
            assert after["msgin5g_deliveries_retried_total", "PUSH"] >= 1

    run(main())


def test_a_datagram_that_comes_twice_is_answered_twice_and_counted():
    """RFC 7252 section 4.5."""

    async def main():
        async with gateway() as g:
            loop = asyncio.get_running_loop()
            heard = asyncio.Queue()

            class Raw(asyncio.DatagramProtocol):
                def datagram_received(self, octets, address):
                    heard.put_nowait(octets)

            transport, _ = await loop.create_datagram_endpoint(Raw, remote_addr=("127.0.0.1", g.coap_port))
            # CON GET, message ID 7, Token "t", Uri-Path "nothing": RFC 7252 sections 3 and 3.1
            request = b"\x41\x01\x00\x07t" + b"\xb7nothing"
            answers = []
            for _ in range(2):
                transport.sendto(request)
                answers.append(await heard.get())
            assert answers[0] == answers[1]
            transport.sendto(b"\xff" * 20)  # version 3
            while not g.coap.door.broken:
                await asyncio.sleep(0)
            transport.close()
            after = samples(await read(g))
            assert after["msgin5g_coap_duplicates_total",] == 1
            assert after["msgin5g_coap_datagrams_received_total",] == 3
            assert after["msgin5g_coap_datagrams_sent_total",] == 2
            assert after["msgin5g_coap_datagrams_dropped_total", "broken"] == 1

    run(main())


def test_what_oscore_refuses_is_counted_by_cause():
    """However many are told."""

    async def main():
        async with program("gateway, oscore") as g, Ue(g, SENSOR) as ue:
            for _ in range(20):
                assert await ue.code(ue.own("REG")) == "4.01"
            after = samples(await read(g))
            assert after["msgin5g_oscore_failures_total", "not protected"] == 20
            assert g.events.counts["refused"] < 20

    run(main())


def test_no_label_grows_with_devices_or_with_what_they_write():
    async def main():
        async with gateway() as g, Ue(g, SENSOR) as ue:
            series = []
            for first, last in ((0, 3), (3, 33)):
                for number in range(first, last):
                    ue.name = "ue:%d@example.org" % number
                    await ue.register()
                    assert await ue.code(ue.own("NONSENSE-%d" % number)) == "4.00"
                    await ue.send("as:nobody-%d@example.org" % number, "x", "AS")
                while g.tallies.deliveries["UE", "done"] < last:  # each hears that it failed
                    await asyncio.sleep(0)
                series.append({key for key in samples(await read(g)) if key[0].startswith("msgin5g_")})
            assert series[0] == series[1]
            assert not [key for key in series[1] if "NONSENSE" in str(key) or "@" in str(key)]

    run(main())


def test_the_store_is_read_beside_what_the_loop_does(tmp_path):
    """By another thread, on a connection of its own, and nothing is written."""

    async def main():
        async with program("server", str(tmp_path / "gateway.db")) as g:
            await read(g)
            figures, seen = g._metrics._figures, []
            assert figures._db not in (g.store._db, g.store._aside)
            figures._read = lambda now, read=figures._read: seen.append(threading.get_ident()) or read(now)
            await asyncio.gather(*(read(g) for _ in range(5)))
            assert len(seen) == 5 and threading.get_ident() not in seen
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                figures._db.execute("DELETE FROM device")

    run(main())


def test_where_the_store_cannot_be_read_the_rest_is_told(tmp_path):
    async def main():
        async with program("server", str(tmp_path / "gateway.db")) as g:
            assert samples(await read(g))["msgin5g_store_readable",] == 1

            def fails(now):
                raise sqlite3.OperationalError("disk I/O error")

            g._metrics._figures._read = fails
            after = samples(await read(g))
            assert after["msgin5g_store_readable",] == 0
            assert ("msgin5g_registered_ues",) not in after and ("msgin5g_coap_requests_total",) in after

    run(main())


def test_a_table_that_grows_and_grows_is_counted_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.store.server.figures._MOST", 10)
    store = Store(str(tmp_path / "gateway.db"))
    with store.transaction():
        for number in range(30):
            store.add_device("ue:%d@example.org" % number)
    figures = Figures(store)
    assert figures.read(0)["rows"]["device"] == 10
    figures.close()
    assert figures.read(0) == {}  # and nothing is opened again
    store.close()


def test_how_long_something_took():
    spread = Spread((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7):
        spread.note(seconds)
    assert spread.buckets() == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]  # le: less or equal
    assert spread.sum == pytest.approx(7.65)


def test_a_type_that_nobody_knows_is_another_one():
    tallies = Tallies()
    for kind in ("MSG", "REG\n", "x" * 1000, None):
        tallies.hear({"event": "failed", "kind": kind})
    assert tallies.types == {("failed", "MSG"): 1, ("failed", "other"): 3}


def test_of_a_node_it_tells_what_is_its_own(monkeypatch, tmp_path):
    """By the words of the store, as one of several programs on a database says them."""
    each = {"name": "a", "state": "up", "coap": "192.0.2.1:65401", "http": "192.0.2.1:8065", "leads": True}
    nodes = [
        each | {"leases": 3, "silent": 0.1, "here": True},
        each | {"name": "b", "state": "down", "leads": False, "leases": 7, "silent": 60.0, "here": False},
    ]
    monkeypatch.setattr(Store, "node", "a")
    monkeypatch.setattr(Store, "statements", 4711)
    monkeypatch.setattr(Store, "reconnects", 2)
    monkeypatch.setattr(Store, "nodes", lambda store: nodes)

    async def main():
        async with program("server", str(tmp_path / "gateway.db")) as g:
            text = await read(g)
            async with (
                aiohttp.ClientSession("http://127.0.0.1:%d" % g.http_port) as http,
                http.get("/status.json") as response,
            ):
                octets = await response.read()
                described.check("/status.json", "get", 200, response.headers, octets)
                assert json.loads(octets)["nodes"] == nodes
        check = subprocess.run(
            [peer("promtool"), "check", "metrics"], input=text, capture_output=True, text=True
        )
        assert (check.returncode, check.stdout, check.stderr) == (0, "", "")
        found = samples(text)
        assert found["msgin5g_node_info", "a"] == 1
        assert found["msgin5g_node_leader",] == 1
        assert found["msgin5g_node_leases",] == 3
        states = {"starting": 0, "up": 1, "draining": 0, "down": 1}
        assert {state: found["msgin5g_nodes", state] for state in states} == states
        assert found["msgin5g_store_statements_total",] == 4711
        assert found["msgin5g_store_reconnects_total",] == 2
        assert found["msgin5g_store_conflicts_total",] == 0

    run(main())


def test_a_store_of_ones_own_has_no_metric_of_nodes():
    async def main():
        async with program("server") as g:
            assert "msgin5g_node" not in await read(g)

    run(main())


def test_rounds_are_timed_and_what_waits_for_one_is_counted(tmp_path):
    async def main():
        async with program("server", str(tmp_path / "gateway.db")) as g:
            before = g.tallies.rounds.buckets()[-1][1]
            events = [g._event(lambda now: None) for _ in range(3)]
            assert samples(await read(g))["msgin5g_round_seconds_count",] >= before
            for event in events:
                await event
            assert g.undecided == 0
            assert g.tallies.rounds.buckets()[-1][1] > before
            waiting = [g._event(lambda now: None) for _ in range(3)]
            assert g.undecided == 3
            for event in waiting:
                await event

    run(main())
