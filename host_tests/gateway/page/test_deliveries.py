# SPDX-License-Identifier: MIT
"""What is POSTed to a `targetUri` is what the OpenAPI document says, in its callbacks."""

import asyncio

import aiocoap

from host_tests.gateway.page import described
from host_tests.gateway.scripted import ApplicationServer, Ue, gateway, run
from tools.store.server.grouptables import Member

A, B = "ue:a", "ue:b"
_POST = described.DOCUMENT["paths"]["/msgs-asregistration/v1/registrations"]["post"]["callbacks"]["delivery"]
DELIVERY = _POST["{$request.body#/targetUri}"]["post"]["requestBody"]["content"]["application/json"]["schema"]


async def taken(as_, count):
    """The next bodies that came to an Application Server, each as it is described."""
    schema = described.sent(DELIVERY)
    bodies = []
    for _ in range(count):
        bodies.append(await as_.next())
        schema.validate(bodies[-1])
    assert as_.inbox.empty()
    return bodies


def test_messages():
    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as as_:
            await a.register()
            await as_.register()
            await a.send(as_.name, "text \u00e4\U0001f321", "AS", isDelivStatReq=True, appId="thermometer")
            await a.send(as_.name, "data:;base64,AAECAw==", "AS", priority="HIGH")
            await a.send(as_.name, None, "AS", appId=["one", "two"])
            await a.send(as_.name, "later", "AS", sfFlag=True)
            until = {"expireTime": "2098-12-31T23:59:59Z"}
            await a.send(as_.name, "until", "AS", sfFlag=True, sfParam=until)
            for body in a.segments(as_.name, ["in ", "three ", "pieces"], "AS"):
                assert await a.code(body) == "2.04"
            bodies = await taken(as_, 6)
            assert [body.get("payload") for body in bodies] == [
                "text \u00e4\U0001f321",
                "data:;base64,AAECAw==",
                None,
                "later",
                "until",
                "in three pieces",
            ]
            assert [body.get("delivStReqInd") for body in bodies] == [True] + [None] * 5
            assert [body["stoAndFwInd"] for body in bodies] == [False] * 3 + [True] * 2 + [False]
            assert bodies[2]["appId"] == ["one", "two"]

    run(main())


def test_messages_to_a_group():
    """Of a UE and of another Application Server: the group is the recipient."""

    async def main():
        async with (
            gateway() as g,
            Ue(g, A) as a,
            ApplicationServer(g) as as_,
            ApplicationServer(g, "as:other") as other,
        ):
            await a.register()
            await as_.register()
            await other.register()
            with g.store.transaction():
                g.store.add_group("group:1", "NORMAL", None, 0, {}, [Member(A), Member(as_.name)])
            await a.send("group:1", "from a UE", "GROUP", isDelivStatReq=True)
            (body,) = await taken(as_, 1)
            assert body["oriAddr"] == {"addrType": "UE", "addr": A}
            assert body["destAddr"] == {"addrType": "GROUP", "addr": "group:1"}
            status, ack = await other.deliver(other.message("group:1", "from an AS", "GROUP"))
            assert (status, ack.get("status")) == (200, None)
            (body,) = await taken(as_, 1)
            assert body["oriAddr"] == {"addrType": "AS", "addr": "as:other"}
            assert body["destAddr"] == {"addrType": "GROUP", "addr": "group:1"}

    run(main())


def test_no_message_comes_from_another_application_server():
    async def main():
        async with gateway() as g, ApplicationServer(g) as as_, ApplicationServer(g, "as:other") as other:
            await as_.register()
            await other.register()
            status, ack = await other.deliver(other.message(as_.name, "hi", "AS"))
            assert (status, ack["status"]) == (200, "DELY_FAILED")
            assert as_.inbox.empty()

    run(main())


def test_reports_of_ues_and_of_the_server():
    async def main():
        async with gateway(hold=0.2) as g, Ue(g, A) as a, Ue(g, B) as b, ApplicationServer(g) as as_:
            await a.register()
            await b.register()
            await as_.register()
            for delivered, cause in ((True, None), (False, "no such\u202e application")):
                status, _ = await as_.deliver(as_.message(A, "x", delivStReqInd=True))
                assert status == 200
                assert await a.report(await a.next("MSG"), delivered, cause) == "2.04"
            done, not_done = await taken(as_, 2)
            assert (done["delivSt"], not_done["delivSt"]) == ("REPT_DELY_SUCCESS", "REPT_DELY_FAILED")
            assert not_done["failureCause"] == "no such? application"
            # In the recipient's name: it does not take a message, or goes away before it does.
            a.answer = lambda body: None
            b.answer = lambda body: aiocoap.FORBIDDEN
            for name in (A, B):
                assert (await as_.deliver(as_.message(name, "x")))[0] == 200
            assert await a.code(a.own("DEREG")) == "2.04"
            bodies = await taken(as_, 2)
            assert {body["delivSt"] for body in bodies} == {"REPT_DELY_FAILED"}
            assert {body["oriAddr"]["addr"] for body in bodies} == {A, B}

    run(main())


def test_what_comes_is_json_by_its_type():
    """So that a program made from the document reads it."""

    async def main():
        async with gateway() as g, Ue(g, A) as a, ApplicationServer(g) as as_:
            heads = asyncio.Queue()
            server = await asyncio.start_server(
                lambda reader, writer: heads.put_nowait(reader) or writer, "127.0.0.1", 0
            )
            async with server:
                await a.register()
                await as_.register(targetUri="http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1])
                await a.send(as_.name, "x", "AS")
                head = await (await heads.get()).readuntil(b"\r\n\r\n")
                assert b"\r\ncontent-type: application/json\r\n" in head.lower()
                assert head.startswith(b"POST / HTTP/1.1\r\n")

    run(main())
