# SPDX-License-Identifier: MIT
"""Groups through a Gateway UE whose server is elsewhere: devices behind it ask as themselves, and as nobody else."""

import json

import aiocoap
import pytest

from host_tests.conformance.raw import Peer
from host_tests.gateway.apart.scene import both, combined
from tools.programs.patience import run

A, B, C = "ue:a@example.org", "ue:b@example.org", "ue:c@example.org"
DOCUMENTS = ("su-gm", "v1", "group-documents")
GROUP = "group:valves@example.org"
GET, POST, PUT, DELETE = aiocoap.GET, aiocoap.POST, aiocoap.PUT, aiocoap.DELETE


def own(kind, ue, **members):
    head = {"msgIden": "urn:3gpp:msgin5g", "msgType": kind, "oriAddr": {"oriAddrType": "UE", "addr": ue}}
    return head | members


async def ask(peer, code, path, body=None, query=(), **more):
    if body is not None:
        more |= {"payload": json.dumps(body).encode(), "content_format": 50}
    return await peer.request(code, path, uri_query=query, **more)


def made(*members, id_=GROUP):
    details = [{"memberId": {"valUserId": ue}, "membershipType": type_} for ue, type_ in members]
    return {"valGroupId": id_, "category": "NORMAL", "memberDetails": details}


@pytest.mark.parametrize("apart", [True, False])
def test_devices_behind_a_gateway_make_join_leave_and_use_groups(apart):
    async def play():
        scene = both(ues=(A, B, C)) if apart else combined()
        async with scene as running:
            gateway = running[0] if apart else running
            port = gateway.coap_port
            async with Peer(port) as a, Peer(port) as b, Peer(port) as c:
                for peer, ue in ((a, A), (b, B), (c, C)):
                    assert await peer.code_of(own("REG", ue)) == "2.04"
                document = made((A, "ADMINISTRATOR"), (B, "EXPLICIT"), (C, "IMPLICIT"))
                answer = await ask(a, POST, DOCUMENTS, document, ["member-id=" + A])
                assert answer.code.dotted == "2.01", answer.payload
                path = tuple(answer.opt.location_path)

                answer = await ask(b, GET, DOCUMENTS, query=["member-id=" + B], observe=0)
                (found,) = json.loads(answer.payload)
                assert found["valGroupId"] == GROUP
                assert (answer.opt.observe is None) is apart  # notifications would name nobody
                mine = {"memberId": {"valUserId": B}, "membershipType": "EXPLICIT"}
                mine |= {"membershipState": {"registered": True}}
                members = (*path, "members")
                assert (await ask(c, PUT, (*members, B), mine)).code.dotted == "4.03"
                assert (await ask(b, PUT, (*members, B), mine)).code.dotted == "2.04"

                text = own("MSG", A, msgId="0e4a8ac6-54a9-4d2c-8a6c-000000000001", payload="21.5")
                text |= {"destAddr": {"destAddrType": "GROUP", "addr": GROUP}}
                assert await a.code_of(text) == "2.04"
                for peer, ue in ((b, B), (c, C)):
                    came = await peer.next()
                    assert (came["msgType"], came["destAddr"]["addr"]) == ("MSG", ue)
                    assert came["oriDestAddr"]["addr"] == GROUP

                assert (await ask(c, DELETE, (*members, B))).code.dotted == "4.03"
                assert (await ask(b, DELETE, (*members, B))).code.dotted == "2.02"
                assert (await ask(b, DELETE, (*members, B))).code.dotted == "4.04"  # repeated: it was gone
                assert (await ask(b, GET, path, query=["member-id=" + B])).code.dotted == "4.03"
                assert (await ask(c, DELETE, path, query=["member-id=" + C])).code.dotted == "4.03"
                assert (await ask(a, DELETE, path, query=["member-id=" + A])).code.dotted == "2.02"
                assert (await ask(c, GET, path, query=["member-id=" + C])).code.dotted == "4.04"

    run(play())


def test_nobody_behind_a_gateway_asks_as_another():
    async def play():
        async with (
            both(ues=(A, B)) as (gateway, _),
            Peer(gateway.coap_port) as a,
            Peer(gateway.coap_port) as b,
        ):
            for peer, ue in ((a, A), (b, B)):
                assert await peer.code_of(own("REG", ue)) == "2.04"
            query = ["member-id=" + A]
            answer = await ask(a, POST, DOCUMENTS, made((B, "EXPLICIT"), (A, "IMPLICIT")), query)
            path = tuple(answer.opt.location_path)
            for code, below, body, query in [
                (GET, path, None, ["member-id=" + A]),
                (GET, path, None, []),
                (PUT, path, made(), ["member-id=" + A]),
                (PUT, path, made(), []),
                (DELETE, path, None, ["member-id=" + A]),
                (DELETE, path, None, []),
                (DELETE, (*path, "members", A), None, []),
                (DELETE, (*path, "members", A), None, ["member-id=" + B]),
                (DELETE, (*path, "members", B), None, ["member-id=" + A]),
                (POST, DOCUMENTS, made(id_="group:2"), ["member-id=" + A]),
                (POST, DOCUMENTS, made(id_="group:2"), []),
                (GET, ("su-gm", "v1", "group-membership", A), None, []),
            ]:
                answer = await ask(b, code, below, body, query)
                assert answer.code.dotted in ("4.00", "4.03"), (code, below, query)
                assert answer.payload
            assert (await ask(a, GET, path, query=["member-id=" + A])).code.dotted == "2.05"

    run(play())


@pytest.mark.parametrize("topics", [("alerts",), ("alerts", "news"), ("alerts", "news", "more")])
@pytest.mark.parametrize("observe", [0, 1, None])
def test_nobody_behind_a_gateway_subscribes_another(topics, observe):
    async def play():
        async with (
            both(ues=(A, B)) as (gateway, server),
            Peer(gateway.coap_port) as a,
            Peer(gateway.coap_port) as b,
        ):
            for peer, ue in ((a, A), (b, B)):
                assert await peer.code_of(own("REG", ue)) == "2.04"
            path, body = ("msgin5g", *topics), {"oriAddr": {"oriAddrType": "UE", "addr": A}}
            answer = await ask(a, GET, path, body, observe=0)
            assert json.loads(answer.payload)["subStatus"] is True
            before = server.store.topics_of(A, 0)
            assert list(before) == sorted(topics)
            answer = await ask(b, GET, ("msgin5g", *topics[:-1], "other"), body, observe=observe)
            assert (answer.code.dotted, bool(answer.payload)) == ("4.03", True)
            answer = await ask(b, GET, path, body, observe=observe)
            assert answer.code.dotted == "4.03"
            assert server.store.topics_of(A, 0) == before

    run(play())


def test_devices_behind_a_gateway_have_what_is_for_their_area():
    async def play():
        async with (
            both(ues=(A, B)) as (gateway, server),
            Peer(gateway.coap_port) as a,
            Peer(gateway.coap_port) as b,
        ):
            for peer, ue in ((a, A), (b, B)):
                assert await peer.code_of(own("REG", ue)) == "2.04"
            with server.store.transaction():
                server.store.add_area("area:hall", ["*"])
                server.store.add_broadcaster(A)
            area = {"destAddrType": "BC", "addr": "area:hall"}
            text = own("MSG", A, msgId="0e4a8ac6-54a9-4d2c-8a6c-000000000001", payload="fire")
            assert await a.code_of(text | {"destAddr": area}) == "2.04"
            came = await b.next()
            assert (came["payload"], came["oriDestAddr"]) == ("fire", area)
            assert came["destAddr"] == {"destAddrType": "UE", "addr": B}
            await server.journal.wait("delivered", to=B)
            assert server.journal.find("lost") == []  # the UEs are registered as before
            to_b = {"destAddr": {"destAddrType": "UE", "addr": B}, "payload": "to you alone"}
            again = own("MSG", A, msgId="0e4a8ac6-54a9-4d2c-8a6c-000000000002")
            assert await a.code_of(again | to_b) == "2.04"
            assert (await b.next())["payload"] == "to you alone"

    run(play())
