# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.4, registration through a Gateway Client, at the Gateway UE: aiocoap is the UE on one side and
the MSGin5G Server on the other, so that nothing here is only tried against its own other half."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import GW, SERVICE, A, B, ori, own, said, scene
from tools.programs.patience import run

MODULES = (
    "tools/gateway/function/held.py",
    "tools/gateway/function/bulk.py",
    "tools/gateway/function/fanout.py",
)
ALSO = (
    "host_tests/gateway/function/test_function_bulk.py",
    "host_tests/gateway/function/test_function_fanout.py",
    "host_tests/gateway/function/test_function_many.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def read(answer):
    assert answer.opt.content_format == 50
    return json.loads(answer.payload)


async def joined(made, *ues):
    """The UEs, registered to the gateway service."""
    found = [await made.ue(ue) for ue in ues]
    for ue, peer in zip(ues, found, strict=True):
        await made.serve(ue, peer)
    return found


# ---- 6.3.4.3.1, 6.3.4.3.4: what the gateway does with a request ------------------------------------------------------


@pytest.mark.parametrize("kind", ["REG", "DEREG"])
@pytest.mark.parametrize("members", [{"urgentTag": True}, {}], ids=["urgent", "absent"])
def test_an_urgent_request_is_forwarded_without_any_change(tmp_path, mode, kind, members):
    async def main():
        async with scene(tmp_path, mode) as made:
            (a,) = await joined(made, A)
            await a.ask(own("REG", A))
            await made.upper.next()
            body = own(kind, A, cliProfile={"maxSegSize": 700}, anything=["else"], **members)
            payload = json.dumps(body, indent=1).encode()
            answer = await a.ask(payload)
            assert await made.upper.next() == ("POST", ("msgin5g",), (), body)
            assert made.upper.raw[-1] == payload
            assert answer.code.dotted == "2.04" and read(answer)["result"] is True

    run(main())


def test_the_servers_answer_to_it_comes_back_as_it_is(tmp_path):
    async def main():
        async with scene(tmp_path) as made:
            (a,) = await joined(made, A)
            made.upper.answers["REG"] = aiocoap.Message(
                code=aiocoap.FORBIDDEN, payload=b"not here", max_age=7
            )
            answer = await a.ask(own("REG", A, urgentTag=True))
            assert (answer.code.dotted, answer.payload, answer.opt.max_age) == ("4.03", b"not here", 7)

    run(main())


def test_a_registration_that_may_be_delayed_is_answered_with_the_ue_and_the_expected_time(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode) as made:
            (a,) = await joined(made, A)
            answer = await a.ask(own("REG", A, urgentTag=False, reqExpTime=40))
            assert answer.code.dotted in ("2.01", "2.04")
            body = read(answer)
            assert body["oriAddr"] == ori(A) and 0 < body["expectedTime"] <= 40
            assert "result" not in body and made.upper.asked.empty()

    run(main())


def test_a_de_registration_that_may_be_delayed_is_answered_so_too(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode) as made:
            (a,) = await joined(made, A)
            await a.ask(own("REG", A))
            await made.upper.next()
            answer = await a.ask(own("DEREG", A, urgentTag=False))
            assert answer.code.dotted == "2.04"
            assert read(answer)["oriAddr"] == ori(A) and read(answer)["expectedTime"] > 0
            assert made.upper.asked.empty()

    run(main())


# ---- 6.3.4.3.2, 6.3.4.3.5: the request to the server -----------------------------------------------------------------


def test_with_the_most_that_is_held_a_bulk_registration_goes_to_the_server(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode, bulk_max=2) as made:
            a, b = await joined(made, A, B)
            await a.ask(own("REG", A, urgentTag=False, reqExpTime=900, cliProfile={"maxSegSize": 700}))
            assert made.upper.asked.empty()
            await b.ask(own("REG", B, urgentTag=False))
            elements = [own("REG", A, cliProfile={"maxSegSize": 700}), own("REG", B)]
            assert await made.upper.next() == (
                "POST",
                ("msgin5g",),
                (),
                {
                    "msgIden": SERVICE,
                    "msgType": "BREG",
                    "oriAddr": ori(GW),
                    "totalRegCount": 2,
                    "regList": elements,
                },
            )

    run(main())


@pytest.mark.parametrize(
    "function, members",
    [({"bulk_interval": 0.2}, {}), ({}, {"reqExpTime": 1})],
    ids=["periodic", "of the UE"],
)
def test_a_timer_sends_it_as_well(tmp_path, function, members):
    async def main():
        async with scene(tmp_path, **function) as made:
            (a,) = await joined(made, A)
            await a.ask(own("REG", A, urgentTag=False, **members))
            assert (await made.upper.next())[3]["regList"] == [own("REG", A)]

    run(main())


def test_bulk_de_registration_is_a_dereg_with_a_list(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode, bulk_max=2) as made:
            peers = await joined(made, A, B)
            for ue, peer in zip((A, B), peers, strict=True):
                await peer.ask(own("REG", ue))
                await made.upper.next()
            for ue, peer in zip((A, B), peers, strict=True):
                await peer.ask(own("DEREG", ue, urgentTag=False))
            assert (await made.upper.next())[3] == {
                "msgIden": SERVICE,
                "msgType": "DEREG",
                "oriAddr": ori(GW),
                "totalDeregCount": 2,
                "deregList": [own("DEREG", A), own("DEREG", B)],
            }
            for ue, peer in zip((A, B), peers, strict=True):
                assert await peer.next() == own("DEREGRESP", ue, result=True)

    run(main())


# ---- 6.3.4.3.3, 6.3.4.3.6: the responses to the UEs ------------------------------------------------------------------


def test_each_ue_gets_a_response_of_its_own(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode, bulk_max=2) as made:
            made.upper.answers["BREG"] = said(
                {
                    "totalRegCount": 2,
                    "regList": [
                        {"oriAddr": ori(A), "result": True, "regExpTime": 777},
                        {"oriAddr": ori(B), "result": False, "cause": "not of this server"},
                    ],
                },
                aiocoap.CREATED,
            )
            a, b = await joined(made, A, B)
            await a.ask(own("REG", A, urgentTag=False))
            await b.ask(own("REG", B, urgentTag=False))
            assert await a.next() == own("REGRESP", A, result=True, regExpTime=777)
            assert await b.next() == own("REGRESP", B, result=False, cause="not of this server")
            await made.journal.wait("responded", count=2)

    run(main())


def test_a_response_is_for_the_ue_whatever_else_the_server_says(tmp_path):
    """Elements that name nobody who was asked for, that are no objects, and none for B: B is asked for again."""

    async def main():
        async with scene(tmp_path, bulk_max=2) as made:
            elements = [None, {"oriAddr": ori("ue:other")}, {"oriAddr": ori(A)}]
            made.upper.answers["BREG"] = said({"totalRegCount": 3, "regList": elements})
            a, b = await joined(made, A, B)
            await a.ask(own("REG", A, urgentTag=False))
            await b.ask(own("REG", B, urgentTag=False))
            assert (await a.next())["result"] is True
            await made.upper.next()
            made.upper.answers["BREG"] = said({"regList": [{"oriAddr": ori(B), "result": True}]})
            assert (await made.upper.next())[3]["regList"] == [own("REG", B)]
            assert (await b.next())["result"] is True

    run(main())


def test_what_the_gateway_answered_outlives_it(tmp_path, mode):
    """It ends before it has asked the server, and again before the UE has its response."""

    async def main():
        async with scene(tmp_path, mode, bulk_interval=1) as made:
            (a,) = await joined(made, A)
            await a.ask(own("REG", A, urgentTag=False))
            await made.restart()
            assert (await made.upper.next())[3]["regList"] == [own("REG", A)]
            assert (await a.next())["result"] is True

    run(main())


def test_a_ue_that_has_no_room_gets_its_response_later(tmp_path):
    async def main():
        async with scene(tmp_path, bulk_max=1) as made:
            (a,) = await joined(made, A)
            a.code = aiocoap.SERVICE_UNAVAILABLE
            await a.ask(own("REG", A, urgentTag=False))
            await a.next()
            await made.journal.wait("retry", kind="REGRESP")
            a.code = aiocoap.CHANGED
            await made.journal.wait("responded", ue=A)

    run(main())


def test_a_response_that_the_ue_refuses_is_dropped(tmp_path):
    async def main():
        async with scene(tmp_path, bulk_max=1) as made:
            (a,) = await joined(made, A)
            a.code = aiocoap.NOT_FOUND
            await a.ask(own("REG", A, urgentTag=False))
            await made.journal.wait("response-dropped", ue=A, kind="REGRESP")
            assert made.gateway.store.owing() == []

    run(main())


# ---- a server that cannot, and one that is away ----------------------------------------------------------------------


@pytest.mark.parametrize("code", [aiocoap.NOT_IMPLEMENTED, aiocoap.BAD_REQUEST])
def test_at_a_server_without_bulk_each_goes_singly(tmp_path, code):
    async def main():
        async with scene(tmp_path, bulk_max=2) as made:
            made.upper.answers["BREG"] = aiocoap.Message(code=code)
            a, b = await joined(made, A, B)
            await a.ask(own("REG", A, urgentTag=False))
            await b.ask(own("REG", B, urgentTag=False))
            asked = [(await made.upper.next())[3] for _ in range(3)]
            singles = sorted(asked[1:], key=lambda body: body["oriAddr"]["addr"])  # two UEs, at once
            assert asked[0]["msgType"] == "BREG" and singles == [own("REG", A), own("REG", B)]
            assert (await a.next())["result"] is True and (await b.next())["result"] is True

    run(main())


def test_a_request_past_its_time_gets_result_false(tmp_path):
    async def main():
        async with scene(tmp_path, bulk_max=1) as made:
            made.upper.answers["BREG"] = aiocoap.Message(code=aiocoap.SERVICE_UNAVAILABLE)
            (a,) = await joined(made, A)
            await a.ask(own("REG", A, urgentTag=False, reqExpTime=1))
            assert await a.next() == own("REGRESP", A, result=False, cause="registration timed out")

    run(main())


def test_in_one_program_with_the_server_it_is_the_same_to_a_ue(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode, apart=False, bulk_max=2) as made:
            a, b = await joined(made, A, B)
            assert "expectedTime" in read(await a.ask(own("REG", A, urgentTag=False)))
            assert "expectedTime" in read(await b.ask(own("REG", B, urgentTag=False)))
            assert (await a.next())["result"] is True and (await b.next())["result"] is True
            assert {each["ue"] for each in made.journal.find("registered")} == {A, B}
            for ue, peer in ((A, a), (B, b)):
                assert "expectedTime" in read(await peer.ask(own("DEREG", ue, urgentTag=False)))
            assert await a.next() == own("DEREGRESP", A, result=True)
            await made.journal.wait("deregistered", ue=B)

    run(main())
