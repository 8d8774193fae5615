# SPDX-License-Identifier: MIT
"""Registrations that may wait (TS 24.538 clause 6.3.4), through programs that run: the server in the gateway's process,
or apart. What is decided about them is looked at in `gateway/function`."""

import contextlib
import sqlite3

import pytest

from host_tests.conformance.raw import Peer
from host_tests.gateway.apart import scene
from host_tests.gateway.apart.raw_server import SERVICE, body
from tools.programs.patience import run

UES = ["ue:%d@example.org" % number for number in range(3)]
COMBINED, APART = "combined", "apart"


def own(ue, kind, **members):
    return {"msgIden": SERVICE, "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}} | members


class Programs:
    """`await start()` and `await stop()` are of the gateway, which keeps its port and its store."""

    def __init__(self, kind, folder, stack, **function):
        self._kind, self._stack, self.function = kind, stack, function
        self._store = str(folder / "gateway.db")
        self._server = None
        self.gateway = self.port = None

    async def start(self):
        place = ("127.0.0.1", self.port or 0)
        if self._kind == COMBINED:
            made = scene.combined(self._store, place, self.function)
        else:
            if self._server is None:
                self._server = await self._stack.enter_async_context(scene.server(ues=UES))
            made = scene.gateway(self._server.coap_port, self._store, place, self.function)
        self.gateway = await self._stack.enter_async_context(made)
        self.port = self.gateway.coap_port

    async def stop(self):
        await self.gateway.stop()

    @property
    def journal(self):
        """Of the server."""
        return (self._server or self.gateway).journal


@pytest.fixture(params=[COMBINED, APART])
def stage(request, tmp_path):
    """`stage(play, **function)`: `play(programs, devices)`, each device registered to the gateway service."""

    def on_stage(play, **function):
        async def whole():
            async with contextlib.AsyncExitStack() as stack:
                programs = Programs(request.param, tmp_path, stack, **function)
                await programs.start()
                devices = [await stack.enter_async_context(Peer(programs.port)) for _ in UES]
                for ue, each in zip(UES, devices, strict=True):
                    assert body(await each.ask(own(ue, "GWREG", expiredTime=600)))["result"] is True
                await play(programs, devices)

        run(whole())

    return on_stage


async def may_wait(devices, kind="REG"):
    for ue, each in zip(UES, devices, strict=True):
        answer = body(await each.ask(own(ue, kind, urgentTag=False)))
        assert answer["oriAddr"]["addr"] == ue and answer["expectedTime"] > 0


async def responses(devices, kind):
    for ue, each in zip(UES, devices, strict=True):
        said = await each.next()
        assert (said["msgType"], said["oriAddr"]["addr"], said["result"]) == (kind, ue, True)


def test_they_are_registered_together_and_then_taken_for_registered(stage):
    async def play(programs, devices):
        await may_wait(devices)
        await responses(devices, "REGRESP")
        assert len(programs.journal.find("registered", ue=UES[0])) == 1
        message = own(UES[0], "MSG", msgId="6d1b1a4e-6d0f-4b9d-8f0e-0d6a1f6c2a11", payload="hi", sfFlag=False)
        message["destAddr"] = {"destAddrType": "UE", "addr": UES[2]}
        assert await devices[0].code_of(message) == "2.04"
        assert (await devices[2].next())["payload"] == "hi"
        await may_wait(devices, "DEREG")
        await responses(devices, "DEREGRESP")
        await programs.journal.wait("deregistered", ue=UES[2])

    stage(play, bulk_max=3)


def test_what_was_held_when_the_gateway_died_goes_on(stage):
    async def play(programs, devices):
        await may_wait(devices)
        await programs.stop()
        assert not programs.journal.find("registered", ue=UES[0])
        programs.function["bulk_max"] = 3
        await programs.start()
        await responses(devices, "REGRESP")
        assert [len(programs.journal.find("registered", ue=ue)) for ue in UES] == [1, 1, 1]

    stage(play, bulk_interval=3600)


def test_an_urgent_one_does_not_wait_for_the_others(stage):
    async def play(programs, devices):
        await may_wait(devices)
        answer = body(await devices[1].ask(own(UES[1], "REG", urgentTag=True)))
        assert answer["result"] is True and "expectedTime" not in answer
        await programs.journal.wait("registered", ue=UES[1])
        assert not programs.journal.find("registered", ue=UES[0])

    stage(play, bulk_interval=3600)


def busy_once(owner, name, monkeypatch):
    """The store takes nothing while that is called for the first time."""
    method, calls = getattr(owner, name), []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return method(*arguments)

    monkeypatch.setattr(owner, name, once)
    return calls


def test_an_answer_that_cannot_be_noted_is_noted_later(stage, monkeypatch):
    async def play(programs, devices):
        calls = busy_once(programs.gateway.function, "asked", monkeypatch)
        await may_wait(devices)
        await responses(devices, "REGRESP")
        assert len(calls) == 2

    stage(play, bulk_max=3)


def test_a_registration_that_cannot_be_noted_is_answered_for_later(stage, monkeypatch):
    """Else its way would not be known, and what comes for it would be refused."""

    async def play(programs, devices):
        calls = busy_once(programs.gateway.function, "forwarded", monkeypatch)
        answer = await devices[0].ask(own(UES[0], "REG", urgentTag=True))
        assert (answer.code.dotted, answer.opt.max_age) == ("5.03", 1)
        assert body(await devices[0].ask(own(UES[0], "REG", urgentTag=True)))["result"] is True
        assert len(calls) == 2
        assert programs.gateway.journal.find("store-error")

    stage(play)
