# SPDX-License-Identifier: MIT
"""Applications (MSGin5G-5) behind a Gateway UE whose server is elsewhere: they are answered for what it answered, and
told to come again where it takes long. Exchanges over a line are in serial/test_serial_exchanges.py."""

import asyncio
import contextlib
import json

import pytest

from host_tests.conformance.raw import Peer
from host_tests.gateway.apart.scene import both, gateway
from host_tests.gateway.scripted import SERVICE, new_id, run
from tools.gateway.applications import RefusedError, digest
from tools.gateway.running import apart
from tools.server.delivery.pushes import DONE, Outcome
from tools.transport.coap import Unanswered
from tools.wire import l3
from tools.wire.answers import Answer, Request
from tools.wire.bodies import Address

LINE, OWN, SECRET = "l3:/dev/one", "ue:one@example.org", b"secret"
TO = Address("AS", "as:weather@example.org")


class Upstream:
    """In the place of the server: `answer(body)` is awaited. `asked` has the bodies."""

    def __init__(self, lower):
        self.asked = []
        self.answer = self.well
        lower.upstream._send = self._send

    async def _send(self, request):
        body = json.loads(request.payload)
        self.asked.append(body)
        return await self.answer(body)

    async def well(self, body):
        said = {"result": True, "regExpTime": 600} if body["msgType"] == "REG" else None
        return Answer("2.04", said)

    def kinds(self):
        return [body["msgType"] for body in self.asked if body["oriAddr"]["addr"] == OWN]


@contextlib.asynccontextmanager
async def stage():
    """(ask, Upstream): `await ask(name, *arguments)` is what a line or A.3 asks of Applications."""
    async with gateway(9) as lower:
        upstream = Upstream(lower)
        while not await lower.upstream._join():  # at nobody, perhaps, before there was an Upstream
            pass
        lower.upstream._waking.clear()
        with lower.store.transaction():
            lower.store.add_application(7, OWN, digest(SECRET))

        async def ask(name, *arguments):
            return await lower._application_event(getattr(lower.applications, name), *arguments)

        ask.lower = lower
        yield ask, upstream


def message(msg_id):
    return LINE, TO, msg_id, "it rains", False, None


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """What is answered is not late because this computer has other work: time of the wall counts there."""
    monkeypatch.setattr(apart, "PATIENCE", 60)


def test_a_registration_and_a_message_wait_for_the_server():
    async def play():
        async with stage() as (ask, upstream):
            assert await ask("register", LINE, 7, SECRET)
            await ask("send", *message(new_id()))
            assert upstream.kinds() == ["REG", "MSG"]
            with pytest.raises(RefusedError) as refused:
                await ask("register", LINE, 7, b"another")
            assert refused.value.cause == l3.INVALID_CREDENTIALS
            assert upstream.kinds() == ["REG", "MSG"]

    run(play())


@pytest.mark.parametrize("code", ["5.02", "5.04"])
def test_a_server_that_says_nothing_is_congestion_and_nothing_is_kept(code):
    async def play():
        async with stage() as (ask, upstream):

            async def silent(body):
                raise Unanswered(code, "no answer")

            upstream.answer = silent
            with pytest.raises(RefusedError) as refused:
                await ask("register", LINE, 7, SECRET)
            assert refused.value.cause == l3.CONGESTION
            with pytest.raises(RefusedError) as refused:
                await ask("send", *message(new_id()))
            assert refused.value.cause == l3.CONNECTION_GONE  # it is registered nowhere
            upstream.answer = upstream.well
            assert await ask("register", LINE, 7, SECRET)

    run(play())


def test_a_slow_server_is_congestion_and_the_next_try_gets_the_answer(monkeypatch):
    async def play():
        async with stage() as (ask, upstream):
            await ask("register", LINE, 7, SECRET)
            answered = asyncio.Event()

            async def slow(body):
                await answered.wait()
                return Answer("2.04")

            upstream.answer = slow
            asked = message(new_id())
            with monkeypatch.context() as hasty:
                hasty.setattr(apart, "PATIENCE", 0.05)
                for _ in range(3):
                    with pytest.raises(RefusedError) as refused:
                        await ask("send", *asked)
                    assert refused.value.cause == l3.CONGESTION
            assert upstream.kinds() == ["REG", "MSG"]  # one question, whoever asks it how often
            again = asyncio.create_task(ask("send", *asked))
            await asyncio.sleep(0)
            answered.set()
            await again
            assert upstream.kinds() == ["REG", "MSG"]
            # asked once more it goes to the server, which knows the msgId
            await ask("send", *asked)
            assert upstream.asked[-1] == upstream.asked[-2]

    run(play())


def test_a_server_that_has_forgotten_the_application_is_told_of_it_again():
    async def play():
        async with stage() as (ask, upstream):
            await ask("register", LINE, 7, SECRET)
            forgotten = [True]

            async def forgetful(body):
                if body["msgType"] == "MSG" and forgotten:
                    forgotten.clear()
                    return Answer("4.01", None, "not registered")
                return await upstream.well(body)

            upstream.answer = forgetful
            await ask("send", *message(new_id()))
            assert upstream.kinds() == ["REG", "MSG", "REG", "MSG"]

    run(play())


def test_a_gateway_that_has_registered_anew_registers_its_applications_anew():
    async def play():
        async with stage() as (ask, upstream):
            await ask("register", LINE, 7, SECRET)
            await ask.lower.upstream._join()
            while upstream.kinds() != ["REG", "REG"]:
                await asyncio.sleep(0.01)

    run(play())


# ---- what the server has for them


UE_A = "ue:a@example.org"


def test_one_that_is_not_there_ends_no_registration_of_its_ue():
    """4.04 of a gateway says that it has no such UE; the other applications behind this one are there."""

    async def play():
        async with both(ues=(OWN,)) as (lower, upper), Peer(upper.coap_port) as a:
            with lower.store.transaction():
                for app_id in (7, 8):
                    lower.store.add_application(app_id, OWN, digest(SECRET))
            await lower._application_event(lower.applications.register, LINE, 7, SECRET)
            brought = bring_all(lower)
            head = {"msgIden": SERVICE, "oriAddr": {"oriAddrType": "UE", "addr": UE_A}}
            assert await a.code_of(head | {"msgType": "REG"}) == "2.04"
            head |= {"msgType": "MSG", "destAddr": {"destAddrType": "UE", "addr": OWN}}
            assert await a.code_of(head | {"msgId": new_id(), "appId": "8", "payload": "x"}) == "2.04"
            response = await a.next()
            assert (response["msgType"], response["DelSta"]) == ("MSGRESP", "failure")
            assert response["Cause"].endswith("the application is not registered")
            assert upper.journal.find("lost") == []
            assert await a.code_of(head | {"msgId": new_id(), "appId": "7", "payload": "y"}) == "2.04"
            await upper.journal.wait("delivered", to=OWN)
            assert [what.value for _, what in brought] == ["y"]

    run(play())


def bring_all(lower):
    """What comes to applications from now on, which take it: (transport identifier, what)."""
    brought = []

    async def bring(identifier, what):
        brought.append((identifier, what))
        return Outcome(DONE)

    lower._sender._bring = bring
    return brought


MESSAGE = {
    "msgIden": SERVICE,
    "msgType": "MSG",
    "oriAddr": {"oriAddrType": "UE", "addr": UE_A},
    "destAddr": {"destAddrType": "UE", "addr": OWN},
    "msgId": "0e4a8ac6-54a9-4d2c-8a6c-00000000000a",
    "payload": "x",
}
RESPONSE = {"msgType": "msgresp", "oriAddr": {"oriAddrType": "UE", "addr": OWN}, "DelSta": "failure"}
REPORT = MESSAGE | {"msgType": "IMDN", "DelSta": "success"}
ITEMS = [{"msgId": "0e4a8ac6-54a9-4d2c-8a6c-00000000000%d" % number, "payload": "x"} for number in (1, 2)]


async def pushed(stage_, body):
    """(the code that the gateway answers such a push with, what was brought)."""
    ask, _ = stage_
    await ask("register", LINE, 7, SECRET)
    brought = bring_all(ask.lower)
    request = Request("POST", ("msgin5g",), payload=json.dumps(body).encode(), content_format=50)
    answer = await ask.lower._pushed(None, request)
    return answer.code, [what for _, what in brought]


@pytest.mark.parametrize(
    ("body", "came"),
    [
        (MESSAGE | {"msgType": "msg"}, 1),
        (MESSAGE | {"msgType": "msg", "msgList": ITEMS}, 2),
        (MESSAGE | {"isDelivStatReq": "TRUE", "appId": ["7", "8"]}, 1),
        (MESSAGE | {"oriDestAddr": {"destAddrType": "bc", "addr": "area:1"}}, 1),
        (REPORT | {"DelSta": "Success"}, 1),
        (REPORT | {"msgType": "imdn", "msgList": [{"msgId": ITEMS[0]["msgId"], "DelSta": "SUCCESS"}]}, 1),
        (MESSAGE | RESPONSE | {"DelSta": "Stored for deferred delivery"}, 0),
    ],
)
def test_a_server_of_another_kind_is_read_kindly(body, came):
    async def play():
        async with stage() as stage_:
            code, brought = await pushed(stage_, body)
            assert (code, len(brought)) == ("2.04", came)
            assert all(getattr(what, "delivered", True) for what in brought)

    run(play())


@pytest.mark.parametrize(
    "change",
    [
        {"oriAddr": None},
        {"oriAddr": {"addr": 5}},
        {"msgId": "7"},
        {"msgId": None},
        {"payload": 5},
        {"msgList": "x"},
        {"msgList": []},
        {"msgList": [{"msgId": "7"}]},
        {"appId": {}},
        {"oriDestAddr": "area"},
        {"isDelivStatReq": 1},
        {"isSegmented": True},
        {"isSegmented": True, "segParams": {"segId": "1", "segNumb": True}},
        {"msgType": "IMDN"},
        {"msgType": "IMDN", "DelSta": True},
        RESPONSE | {"DelSta": None},
        RESPONSE | {"msgId": "7"},
    ],
)
def test_what_it_may_not_say_is_refused_with_a_word(change):
    async def play():
        async with stage() as stage_:
            assert await pushed(stage_, MESSAGE | change) == ("4.00", [])

    run(play())
