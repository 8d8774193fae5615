# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.4.1.2.6 d 5, a message to a Broadcast Area, at the MSGin5G Server: by MSGin5G-7 (MSGG_BGDelivery
of TS 29.538) to the Broadcast Message Gateway, which is aiohttp, or to each UE of an area of the server's own, which is
aiocoap (TS 23.554 clause 8.3.3)."""

import pytest

from host_tests.conformance.server.gateways.stub import AREA, AS, ASK, ID, address, problem, scene
from host_tests.conformance.server.registering import GW, A, msg, own
from tools.programs.patience import run

MODULES = (
    "tools/server/procedures/broadcast.py",
    "tools/store/server/areatables.py",
    "tools/wire/rest.py",
)
HALL = "area:hall"


@pytest.mark.parametrize(
    ("priority", "said"), [("HIGH", "HIGH"), ("NORMAL", "MIDDLE"), ("LOW", "LOW"), (None, "MIDDLE")]
)
def test_it_is_posted_to_the_broadcast_message_gateway(tmp_path, priority, said):
    async def talk():
        async with scene(tmp_path) as world:
            body = msg(GW, AREA, kind="BC", appId="app", isDelivStatReq=True, priority=priority)
            assert await world.gateway.code_of(body) == "2.04"
            assert await world.stub.next() == (
                "/msgg-bgdelivery/v1/deliver-message",
                {
                    "oriAddr": address("UE", GW),
                    "destAddr": address("BC", AREA),
                    "msgId": body["msgId"],
                    "appId": "app",
                    "delivStReqInd": True,
                    "payload": "21.5",
                    "priority": said,
                },
            )

    run(talk())


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (503, 3), (404, 1)])
def test_what_the_gateway_does_not_take_is_a_failure_in_words(tmp_path, status, tries):
    async def talk():
        async with scene(tmp_path) as world:
            world.stub.answers = [problem(status, "no cell")] * 9
            body = msg(GW, AREA, kind="BC")
            assert await world.gateway.code_of(body) == "2.04"
            came = await world.gateway.next()
            assert (came["msgType"], came["msgId"], came["DelSta"]) == ("MSGRESP", body["msgId"], "failure")
            assert came["Cause"].endswith(": no cell")
            assert world.stub.inbox.qsize() == tries

    run(talk())


def test_each_registered_ue_of_an_area_gets_it_with_the_area_and_no_recipient(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            with world.server.store.transaction():
                world.server.store.add_area(HALL, ["*"])
            body = msg(GW, HALL, kind="BC", isDelivStatReq=True, sfFlag=True)
            assert await world.gateway.code_of(body) == "2.04"
            came = await world.display.next()
            assert came["destAddr"] == {"destAddrType": "BC", "addr": HALL}
            assert (came["msgId"], came["isDelivStatReq"]) == (body["msgId"], True)
            assert came.keys() == {
                "msgIden",
                "msgType",
                "oriAddr",
                "destAddr",
                "msgId",
                "isDelivStatReq",
                "payload",
            }
            to = {"destAddrType": "UE", "addr": GW}
            imdn = own("IMDN", A, destAddr=to, msgId=body["msgId"], DelSta="success")
            assert await world.display.code_of(imdn) == "2.04"
            assert (await world.gateway.next())["msgType"] == "IMDN"  # and no copy of its own

    run(talk())


def test_who_is_away_misses_it_also_with_store_and_forward(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            with world.server.store.transaction():
                world.server.store.add_area(HALL, ["*"])
            assert await world.display.code_of(own("DEREG", A)) == "2.04"
            assert await world.gateway.code_of(msg(GW, HALL, kind="BC", sfFlag=True)) == "2.04"
            assert (await world.gateway.next())["DelSta"] == "failure"  # nobody else is there
            await world.display.ask(own("REG", A))
            assert await world.gateway.code_of(msg(GW, A, 2)) == "2.04"
            assert (await world.display.next())["destAddr"]["destAddrType"] == "UE"

    run(talk())


def test_what_does_not_fit_a_ue_comes_in_segments(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            with world.server.store.transaction():
                world.server.store.add_area(HALL, [A])
            await world.display.ask(own("REG", A, cliProfile={"maxSegSize": 300}))
            assert await world.gateway.code_of(msg(GW, HALL, kind="BC", payload="x" * 800)) == "2.04"
            came = [await world.display.next() for _ in range(3)]
            assert "".join(each["payload"] for each in came) == "x" * 800
            assert [each["segParams"]["segNumb"] for each in came] == [1, 2, 3]

    run(talk())


@pytest.mark.parametrize(
    ("who", "area", "cause"),
    [("display", AREA, "this UE may not broadcast"), ("gateway", "area:none", "unknown broadcast area")],
)
def test_who_may_not_and_where_is_unknown_is_told(tmp_path, who, area, cause):
    async def talk():
        async with scene(tmp_path) as world:
            peer, ue = getattr(world, who), {"display": A, "gateway": GW}[who]
            assert await peer.code_of(msg(ue, area, kind="BC")) == "2.04"
            came = await peer.next()
            assert (came["msgType"], came["DelSta"], came["Cause"]) == ("MSGRESP", "failure", cause)
            assert world.stub.inbox.empty()

    run(talk())


def test_an_application_server_may(tmp_path):
    async def talk():
        async with scene(tmp_path) as world:
            assert (await world.post("/msgs-asregistration/v1/registrations", {"asSvcId": AS}, None))[
                0
            ] == 201
            body = {"oriAddr": address("AS", AS), "destAddr": address("BC", AREA), "msgId": ID % 1}
            body |= {"stoAndFwInd": False, "payload": "fire", "priority": "HIGH"}
            status, ack = await world.post(ASK + "deliver-as-message", body, None)
            assert (status, ack) == (200, {"oriAddr": address("AS", AS), "msgId": ID % 1})
            assert (await world.stub.next())[1]["priority"] == "HIGH"

    run(talk())
