# SPDX-License-Identifier: MIT
"""Messages between two servers by home domain (MSGin5G-8): both are ours, or the other one is played by aiohttp."""

import asyncio
import contextlib

import aiocoap
import pytest

from host_tests.gateway.apart.peering import introduce, pair
from host_tests.gateway.scripted import ApplicationServer, Process, Ue, gateway, run
from tools.store.server.peertables import PeerServer
from tools.store.store import Store

A, B, C = "ue:a@a.example", "ue:b@b.example", "ue:c@c.example"


@contextlib.asynccontextmanager
async def two(**settings):
    """Two servers that are peers, and a UE at each."""
    async with gateway(**settings) as one, gateway(**settings) as other:
        pair(one, other)
        async with Ue(one, A) as a, Ue(other, B) as b:
            await a.register()
            await b.register()
            yield one, other, a, b


def test_a_message_goes_to_the_server_of_its_home_domain_and_the_report_comes_back():
    async def main():
        async with two() as (one, other, a, b):
            ids = [await a.send(B, "over %d" % number, isDelivStatReq=True) for number in range(5)]
            got = [await b.next("MSG") for _ in ids]
            assert [each["msgId"] for each in got] == ids
            assert [each["payload"] for each in got] == ["over %d" % number for number in range(5)]
            assert got[0]["oriAddr"] == {"oriAddrType": "UE", "addr": A}
            assert got[0]["isDelivStatReq"] is True
            for each in got:
                assert await b.report(each) == "2.04"
            reports = [await a.next("IMDN") for _ in ids]
            assert [each["msgId"] for each in reports] == ids
            assert {each["oriAddr"]["addr"] for each in reports} == {B}

    run(main())


def test_what_waits_there_and_what_fails_there_the_originator_hears():
    async def main():
        async with two() as (one, other, a, b):
            lost = await a.send("ue:nobody@b.example", "x")
            told = await a.next("MSGRESP")
            assert (told["msgId"], told["DelSta"], told["Cause"]) == (lost, "failure", "unknown recipient")
            assert await b.code(b.own("DEREG")) == "2.04"
            stored = await a.send(B, "later", sfFlag=True)
            told = await a.next("MSGRESP")
            assert (told["msgId"], told["DelSta"]) == (stored, "stored for deferred delivery")
            await b.register()
            assert (await b.next("MSG"))["msgId"] == stored

    run(main())


def test_a_failure_long_after_it_was_taken_comes_back_too():
    async def main():
        async with two() as (one, other, a, b):
            b.answer = lambda body: aiocoap.BAD_REQUEST
            refused = await a.send(B, "not wanted")
            told = await a.next("IMDN")
            assert (told["msgId"], told["DelSta"], told["oriAddr"]["addr"]) == (refused, "failure", B)

    run(main())


def test_application_servers_send_and_get_across():
    async def main():
        async with two() as (one, other, a, b):
            async with (
                ApplicationServer(one, "as:x@a.example") as x,
                ApplicationServer(other, "as:y@b.example") as y,
            ):
                await x.register()
                await y.register()
                status, ack = await x.deliver(x.message(B, "from an AS", delivStReqInd=True))
                assert status == 200 and "status" not in ack
                got = await b.next("MSG")
                assert got["oriAddr"] == {"oriAddrType": "AS", "addr": "as:x@a.example"}
                assert await b.report(got) == "2.04"
                assert (await x.next())["delivSt"] == "REPT_DELY_SUCCESS"
                sent = await a.send("as:y@b.example", "to an AS", "AS")
                assert (await y.next())["msgId"] == sent
                lost = await a.send("as:nobody@b.example", "to an AS", "AS")
                assert (await a.next("MSGRESP"))["msgId"] == lost

    run(main())


def test_a_large_message_goes_whole_and_is_cut_for_its_recipient():
    async def main():
        async with two() as (one, other, a, b):
            text = "0123456789" * 500
            await a.send(B, text[:1000])
            assert (await b.next("MSG"))["payload"]
            for body in a.segments(B, [text[i : i + 1000] for i in range(0, 5000, 1000)]):
                assert await a.code(body) == "2.04"
            await a.next("SEGCONFIR")
            await one.journal.wait("delivered", 2, to=B)

    run(main())


def test_a_store_of_before_knows_no_peers_and_takes_some(tmp_path):
    store = Store(str(tmp_path / "gateway.db"))
    with store.transaction():
        store._db.execute("DROP TABLE peer")
    store.close()
    store = Store(str(tmp_path / "gateway.db"))
    assert store.peers() == []
    introduce(store, "b.example", "http://192.0.2.1")
    assert store.peer("b.example") == PeerServer("b.example", "http://192.0.2.1", None, "", "no")
    store.close()


@pytest.mark.parametrize("victim", [0, 1])
def test_neither_a_kill_nor_a_time_without_the_line_loses_or_doubles_anything(tmp_path, victim):
    async def main():
        folders = [tmp_path / name for name in "ab"]
        for folder in folders:
            folder.mkdir()
        servers = [Process(folder, program="server") for folder in folders]
        domains = ("a.example", "b.example")
        for server in servers:
            await server.start()
        uris = ["http://127.0.0.1:%d" % server.http_port for server in servers]
        # a fixed HTTP port, now that it is known; the peers stay where they are
        for server, uri in zip(servers, uris, strict=True):
            await server.kill()
            server._command += ["--http", uri.removeprefix("http://")]
        stores = [Store(str(folder / "gateway.db"), serving=False) for folder in folders]
        tokens = [introduce(stores[i], domains[1 - i], uris[1 - i]) for i in (0, 1)]
        for i in (0, 1):
            with stores[i].transaction():
                stores[i].set_peer(PeerServer(domains[1 - i], uris[1 - i], tokens[1 - i], domains[i], "no"))
            stores[i].close()
        for server in servers:
            await server.start()
        async with Ue(servers[0], A) as a, Ue(servers[1], B) as b:
            await a.register()
            await b.register()
            seen = []

            async def reading():
                while True:
                    got = await b.next("MSG")
                    seen.append(got["msgId"])
                    while await b.report(got) != "2.04":
                        pass

            sent = [await a.send(B, str(number), isDelivStatReq=True) for number in range(10)]
            await servers[victim].kill()
            if victim == 1:
                sent += [await a.send(B, str(number), isDelivStatReq=True) for number in range(10, 20)]
            await servers[victim].start()
            reader = asyncio.create_task(reading())
            reported = set()
            while reported < set(sent):
                reported.add((await a.next("IMDN"))["msgId"])
            reader.cancel()
            assert sorted(set(seen), key=seen.index) == sent
        for server in servers:
            await server.kill()

    run(main())
