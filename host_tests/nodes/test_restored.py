# SPDX-License-Identifier: MIT
"""A database that was put back from an older copy: no nonce goes out twice, no request is taken twice, and the devices
go on at once."""

import asyncio
import contextlib
import re
import time

from host_tests.gateway.devices import run
from host_tests.nodes.three import ask, in_order, message, registration, three
from tools.cli import main as msgin5g
from tools.store.keys.sectables import Keys
from tools.store.opening import open_store

FAR = 1 << 20  # at least: beyond what was sent since the copy was made


def name_of(uri):
    return re.search(r"@/(\w+)", uri)[1]


def put_back(postgres, database, dump):
    """As people do: into a database of the same name."""
    postgres.drop(name_of(database))
    postgres.create(name_of(database))
    postgres.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", "-", database=name_of(database), input=dump)


def emptied(postgres, database, dump):
    """Into the very tables that are there: as where the files were put back, and the place is the same."""
    name = name_of(database)
    tables = postgres.sql(
        "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
        " WHERE schemaname='public' AND tablename<>'migration'",
        name,
    )
    postgres.sql("TRUNCATE " + tables, name)
    postgres.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", "-", database=name, input=dump)


def patience():
    """Tries of what waits for a new connection."""
    for number in range(200):
        yield number
        time.sleep(0.05)


async def play(postgres, database, back, said=None):
    async with three(database) as (nodes, device):
        await ask(device, nodes.ports["a"], registration())
        for name in "abc":
            assert await ask(device, nodes.ports[name], message()) == ("2.04", 0)
        await asyncio.sleep(0.2)
        words = ("--data-only", "--disable-triggers", "-T", "migration") if back is emptied else ()
        dump = postgres.run("pg_dump", *words, database=name_of(database))
        before = set(device.asked)
        for name in "cabcab":
            assert await ask(device, nodes.ports[name], message()) == ("2.04", 0)
        await asyncio.sleep(0.5)  # and what it was brought
        since = [asked for token, asked in device.asked.items() if token not in before]
        highest = max(device.nonces.own)
        for name in "abc":
            await nodes.stop(name)
        back(postgres, database, dump)
        if said:
            said()
        for name in "abc":
            await nodes.start(name)
        for asked in since:  # recordings, of what the database does not know
            asked.heard.clear()
            device.send(nodes.ports["b"], device.again(asked, 40000 + asked.number), by_another=True)
        await asyncio.sleep(0.5)
        assert all(not protected or code == "4.01" for asked in since for code, _, protected in asked.heard)
        drawn = len(device.nonces.own)
        challenges = [(await ask(device, nodes.ports[name], message())) for name in "abcc"]
        assert challenges == [("2.04", 1), ("2.04", 0), ("2.04", 0), ("2.04", 0)]
        in_order(device)
        new = device.nonces.own[drawn:]
        assert new and min(new) > highest + FAR - 1000


def test_a_dump_that_was_read_again(postgres, database):
    run(play(postgres, database, put_back))


def test_files_that_were_put_back_and_somebody_said_so(postgres, database, capsys):
    def said():
        assert msgin5g(["store", "restored", database]) == 0

    run(play(postgres, database, emptied, said))
    assert re.search(r"the numbers of 1 key gone ahead by [\d,]+$", capsys.readouterr().out.strip())


def test_files_that_were_put_back_below_a_node(postgres, database):
    keys = Keys(b"device", b"\x00", b"s" * 16)
    with contextlib.closing(open_store(database)) as store:
        with store.transaction():
            store.know_context(keys)
            store.note_time(1000.0)
        dump = postgres.run(
            "pg_dump", "--data-only", "--disable-triggers", "-T", "migration", database=name_of(database)
        )
        for now in (1020.0, 1040.0):
            with store.transaction():
                store.note_time(now)
        first = store.draw(keys.digest)
        assert store.take_restored() is None
        for each in (store._main, store._aside):
            each.cut()
        emptied(postgres, database, dump)
        for _ in patience():
            with contextlib.suppress(Exception):
                with store.transaction():
                    again = store.draw(keys.digest)
                break
        told = store.take_restored()
        assert told["keys"] == 1 and "counted further" in told["reason"]
        assert again >= first + FAR


def test_a_node_that_only_lost_its_connection_makes_nothing_of_it(postgres, database):
    with contextlib.closing(open_store(database)) as store:
        for now in (1000.0, 1020.0, 1040.0):
            with store.transaction():
                store.note_time(now)
        for each in (store._main, store._aside):
            each.cut()
        for _ in patience():
            with contextlib.suppress(Exception):
                with store.transaction():
                    store.note_time(1060.0)
                break
        assert store.take_restored() is None


def test_of_a_file_it_is_not_said(tmp_path, capsys):
    assert msgin5g(["store", "restored", str(tmp_path / "server.db")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
