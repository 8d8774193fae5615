# SPDX-License-Identifier: MIT
"""What was answered 2.04 survives kill -9; the store's file; starting and stopping the program."""

import asyncio
import json
import signal
import socket
import sqlite3
import sys

import pytest

from host_tests.gateway.scripted import ROOT, ApplicationServer, Process, Ue, gateway, run
from tools.programs.patience import finish
from tools.store.store import Store, StoreError
from tools.wire.identity import Peer

A, B = "ue:a", "ue:b"
AS = "as:weather@example.org"


def test_messages_reports_segments_and_registrations_survive_kill_9(tmp_path):
    async def main():
        g = Process(tmp_path)
        await g.start()
        async with Ue(g, A) as a, Ue(g, B) as b:
            async with ApplicationServer(g) as server:
                await server.register()
                await a.register()
                await b.register()
                b.answer = lambda body: None  # acknowledged by nothing: it stays with the gateway
                ids = [await a.send(B, "number %d" % number) for number in range(5)]
                parts = a.segments(AS, ["one ", "two ", "three"], "AS")
                for part in parts[:2]:
                    assert await a.code(part) == "2.04"
                again = a.msg(B, "number 0", msgId=ids[0])
                assert await g.kill() == -signal.SIGKILL

                b.answer = lambda body: 68  # 2.04
                await g.start()
                got = [await b.next("MSG") for _ in ids]  # no new registration was needed
                assert [message["msgId"] for message in got] == ids
                assert await a.code(again) == "2.04"  # a duplicate is one after the restart, too
                assert await a.code(parts[2]) == "2.04"
                assert (await server.next())["payload"] == "one two three"
                assert (await a.next("SEGCONFIR"))["result"] is True
                assert b.inbox.empty()

                # A report that was accepted is not lost either.
                a.answer = lambda body: None
                assert await b.report(got[0]) == "2.04"
                await g.kill()
                a.answer = lambda body: 68
                await g.start()
                assert (await a.next("IMDN"))["msgId"] == ids[0]
                assert await g.kill(signal.SIGTERM) == 0

    run(main())


def test_a_set_that_goes_out_continues_after_kill_9(tmp_path):
    async def main():
        g = Process(tmp_path)
        await g.start()
        async with Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register(cliProfile={"maxSegSize": 20})
            halfway = asyncio.Event()

            def until_third(body):
                if body["segParams"]["segNumb"] < 3:
                    return 68
                halfway.set()
                return None

            b.answer = until_third
            text = "".join("%04d" % number for number in range(30))  # 120 octets: six segments
            await a.send(B, text)
            await halfway.wait()
            await g.kill()
            b.answer = lambda body: 68
            await g.start()
            pieces = {}
            while len(pieces) < 6:
                message = await b.next("MSG")
                params = message["segParams"]
                pieces[params["segNumb"]] = message["payload"]
            assert "".join(pieces[number] for number in sorted(pieces)) == text
            numbers = [body["segParams"]["segNumb"] for body in b.received]
            assert numbers.count(1) == numbers.count(2) == 1  # what was acknowledged is not sent again
            assert await b.about_set("SEGCONFIR", params["segId"], result=True) == "2.04"
            assert (await g.wait("delivered"))["confirmed"] is True
            await g.kill()

    run(main())


def test_registrations_without_a_process(tmp_path):
    """The same over a gateway that ends in order, in this process."""

    async def main():
        path = str(tmp_path / "g.db")
        async with gateway(path) as g, Ue(g, A) as a:
            await a.register()
            assert [r["ue"] for r in g.snapshot()["registered"]] == [A]
        async with gateway(path) as g:
            assert [r["ue"] for r in g.snapshot()["registered"]] == [A]

    run(main())


# ---- the store -------------------------------------------------------------------------------------------------------


def test_a_transaction_that_fails_leaves_nothing(tmp_path):
    store = Store(str(tmp_path / "g.db"))
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.register(A, Peer("192.0.2.1", 1), 0, 100, None, {})
        raise ZeroDivisionError
    assert store.registration(A, 1) is None
    with store.transaction():
        store.register(A, Peer("192.0.2.1", 1), 0, 100, None, {})
    store.close()
    store = Store(str(tmp_path / "g.db"))
    assert store.registration(A, 1).peer == Peer("192.0.2.1", 1)
    store.close()


def test_a_store_has_one_gateway_and_any_number_of_device_commands(tmp_path):
    path = str(tmp_path / "g.db")
    store = Store(path)
    with pytest.raises(StoreError, match="in use by another gateway"):
        Store(path)
    side = Store(path, serving=False)
    assert side.add_device(A)
    assert store.provisioned(A)  # seen at once
    side.close()
    store.close()
    Store(path).close()


def test_files_that_are_no_store(tmp_path):
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="give another --store"):
        Store(str(junk))
    assert junk.read_bytes() == b"not a database" * 100
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="some other program's"):
        Store(str(other))
    with sqlite3.connect(other) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="version 99"):
        Store(str(other))


def test_a_store_that_fails_later_answers_5_03_and_recovers(tmp_path):
    async def main():
        async with gateway(str(tmp_path / "g.db")) as g, Ue(g, A) as a, Ue(g, B) as b:
            await a.register()
            await b.register()
            g.store._db.execute("PRAGMA query_only=ON")  # what a full or failing disk looks like
            answer = await a.post(a.msg(B, "x"))
            assert (answer.code.dotted, answer.opt.max_age) == ("5.03", 10)
            g.store._db.execute("PRAGMA query_only=OFF")
            assert await a.send(B, "x") == (await b.next("MSG"))["msgId"]
            assert g.journal.find("store-error")

    run(main())


# ---- the program -----------------------------------------------------------------------------------------------------


def program(*arguments):
    command = [sys.executable, "-m", "tools.gateway", *arguments]
    return finish(command, 30, cwd=ROOT, capture_output=True, text=True)


def test_device_list(tmp_path):
    store = str(tmp_path / "g.db")
    assert program("device", "add", A, "--store", store).stdout == "added ue:a\n"
    assert program("--store", store, "device", "add", B).stdout == "added ue:b\n"
    assert program("device", "add", A, "--store", store).stdout == "ue:a is there already\n"
    assert program("device", "list", "--store", store).stdout == "ue:a\nue:b\n"
    assert program("device", "remove", A, "--store", store).returncode == 0
    gone = program("device", "remove", A, "--store", store)
    assert (gone.returncode, gone.stderr.count("\n")) == (2, 1)
    assert program("device", "list", "--store", store).stdout == "ue:b\n"


def test_errors_of_the_user_are_one_line_that_helps(tmp_path):
    store = str(tmp_path / "g.db")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEPORT, 1
        )  # as another gateway on aiocoap would have it
        taken.bind(("127.0.0.1", 0))
        busy = "127.0.0.1:%d" % taken.getsockname()[1]
        free = ["--security", "none", "--http", "127.0.0.1:0"]
        cases = [
            (["--store", store, "--http", "127.0.0.1:0", "--coap", busy], "give another --coap HOST:PORT"),
            ([*free, "--store", store, "--coap", busy], "give another --coap HOST:PORT"),
            ([*free, "--store", str(tmp_path / "no" / "g.db")], "give another --store FILE"),
            ([*free, "--store", store, "--events", str(tmp_path / "no" / "e")], "No such file"),
        ]
        for arguments, word in cases:
            done = program(*arguments)
            assert done.returncode == 2
            assert word in done.stderr
            assert done.stderr.count("\n") == 1
    for arguments in (
        ["--coap", "nowhere"],
        ["--segment-gap", "0"],
        ["--max-datagram", "9"],
        ["--security", "some"],
    ):
        done = program(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_output_for_people_and_for_programs(tmp_path):
    async def main():
        events = tmp_path / "events.jsonl"
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "tools.gateway", "--security", "none", "--open", "--store", ":memory:"],
            *["--coap", "127.0.0.1:0", "--http", "127.0.0.1:0", "--events", str(events), "--no-discovery"],
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            await talk(process, events)
        finally:
            if process.returncode is None:
                process.kill()

    async def talk(process, events):
        assert (await process.stdout.readline()).startswith(b"WARNING: --security none")
        assert b"listening: CoAP on 127.0.0.1:" in await process.stdout.readline()
        listening = json.loads(events.read_text())

        class Where:
            coap_port = int(listening["coap"].rpartition(":")[2])

        async with Ue(Where, "ue:\x9bsensor") as odd:
            assert await odd.code(odd.own("REG")) == "4.00"  # a control character
        assert b"refused REG" in await process.stdout.readline()
        async with Ue(Where, A) as a:
            await a.register(cliProfile={"maxSegSize": 500})
        line = (await process.stdout.readline()).decode()
        assert "registered ue:a from 127.0.0.1:" in line
        assert line.endswith("for 3600 s, segments up to 500 octets\n")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert (await process.stdout.read()) == b"stopped\n"
        assert [json.loads(line)["event"] for line in events.read_text().splitlines()] == [
            "listening",
            "refused",
            "registered",
        ]

    run(main())
