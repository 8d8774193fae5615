# SPDX-License-Identifier: MIT
"""A COMMIT whose answer gets lost: what was committed is not decided again, what was not is, and where nobody knows, it
is refused for later."""

import asyncio
import contextlib
import threading

import pytest

from host_tests.gateway.store.engine.test_postgres_commits import Program
from host_tests.nodes.chaos.cut import Line
from tools.gateway.running.commits import Commits, Event
from tools.programs.ports import free_port
from tools.programs.postgres import Cluster
from tools.store.faults import InDoubt
from tools.store.postgres import doubt
from tools.store.postgres.store import PostgresStore
from tools.wire.answers import Refusal

NAMES = ["ue:0", "ue:1"]


class Losing(Program):
    """Between its decisions and their COMMIT, `lose()` is called, once."""

    def __init__(self, store, lose):
        super().__init__(store)
        self._lose = lose

    def note(self):
        lose, self._lose = self._lose, None
        if lose is not None:
            lose()


@contextlib.contextmanager
def line_to(port):
    """(a Line, `do(function, *arguments)` in its loop): of a thread of its own, as decisions wait for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    line = Line(port)

    def do(function, *arguments):
        async def done():
            function(*arguments)

        asyncio.run_coroutine_threadsafe(done(), loop).result(30)

    try:
        asyncio.run_coroutine_threadsafe(line.__aenter__(), loop).result(30)
        yield line, do
        asyncio.run_coroutine_threadsafe(line.__aexit__(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def cluster():
    with Cluster(port=free_port()) as started:
        yield started


@pytest.fixture
def scene(cluster):
    """`play(lose)`: a round of two events, in whose COMMIT `lose(line, do)` happens; gives the Program, what each event
    ended with, and the devices that another one sees then."""
    uri = cluster.uri(cluster.create(), over_tcp=True)

    def play(lose):
        with line_to(cluster.port) as (line, do):
            store = PostgresStore(uri.replace(":%d/" % cluster.port, ":%d/" % line.port))
            program = Losing(store, lambda: lose(line, do))

            async def rounds():
                commits = Commits(store, program)
                events = [commits.add(Event(store.add_device, (name,))) for name in NAMES]
                ends = []
                for event in events:
                    try:
                        await event
                        ends.append("done")
                    except Refusal as refusal:
                        ends.append(refusal)
                commits.stop()
                return ends

            try:
                ends = asyncio.run(rounds())
            finally:
                do(line.mend)
                store.close()
        other = PostgresStore(uri, serving=False)
        try:
            return program, ends, other.devices()
        finally:
            other.close()

    return play


def test_what_was_committed_is_not_decided_again(scene):
    program, ends, devices = scene(lambda line, do: do(line.lose, "answer"))
    assert devices == NAMES
    assert ends == ["done", "done"]
    assert program.tries == 2  # each once


def test_what_did_not_reach_the_database_can_take_effect_no_more_and_is_decided_again(scene):
    """The session knows nothing of it, and would commit yet: it is ended."""
    program, ends, devices = scene(lambda line, do: do(line.lose, "question"))
    # The database is out of reach for a moment still, or is not: what was decided again was refused, or is there.
    assert program.tries == 4 or all(isinstance(end, Refusal) for end in ends)
    assert devices == [name for name, end in zip(NAMES, ends, strict=True) if end == "done"]
    assert not any(isinstance(end, Refusal) and isinstance(end.__cause__, InDoubt) for end in ends)


def test_where_nobody_knows_it_is_refused_and_not_decided_again(scene, monkeypatch):
    monkeypatch.setattr(doubt, "PATIENCE", 0.0)

    def lose(line, do):
        line._to = free_port()  # nobody listens there
        do(line.lose, "answer")

    program, ends, devices = scene(lose)
    assert devices == NAMES  # it was committed, and whoever asks again will hear so
    assert [end.answer.code for end in ends] == ["5.03", "5.03"]
    assert all(isinstance(end.__cause__, InDoubt) for end in ends)
    assert program.tries == 2
