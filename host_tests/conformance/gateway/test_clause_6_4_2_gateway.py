# SPDX-License-Identifier: MIT
"""TS 24.538 clauses 6.4.2.1 to 6.4.2.3, messages on MSGin5G-5, and 6.4.1.1.6 b, several applications, at the MSGin5G
Client of the Gateway UE: aiocoap is each Application Client, with the bodies of Annex A.3, and the MSGin5G Server."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import SERVICE, A, B, own, said, scene
from tools.gateway.applications import digest
from tools.programs.patience import run

MODULES = (
    "tools/gateway/applications.py",
    "tools/gateway/arriving.py",
    "tools/gateway/appjson.py",
)
ALSO = (
    "host_tests/gateway/server/test_applications.py",
    "host_tests/gateway/serial/test_serial_exchanges.py",
)
MSG_ID, OTHER_ID = "0e4a8ac6-54a9-4d2c-8a6c-000000000001", "0e4a8ac6-54a9-4d2c-8a6c-000000000002"
TARGETS = [("UE", B), ("AS", "as:weather@example.org"), ("GROUP", "g:pumps@example.org")]
DONE = aiocoap.Message(code=aiocoap.CHANGED)


class Client:
    """An Application Client: `next()` is what the gateway brought, answered as `result` says."""

    def __init__(self, peer):
        self.peer = peer
        self.result = "SUCCESS"
        self.next = peer.next
        self.inbox = peer.inbox

    def render(self, request):
        body = json.loads(request.payload)
        self.peer.inbox.put_nowait(body)
        if body["msgType"] != "MESSAGE RECEIVED REQUEST":
            return aiocoap.Message(code=aiocoap.CHANGED)
        answer = {"msgType": "MESSAGE RECEIVED RESPONSE", "result": self.result}
        return said(answer, aiocoap.CONTENT)

    async def ask(self, body):
        return await self.peer.ask(body)


async def client(made, peer_of, app_id, ue=A):
    """A registered Application Client; the server hears of its UE."""
    with made.gateway.store.transaction():
        made.gateway.store.add_application(app_id, ue, digest(b"\x07"))
    found = Client(await made.ue(peer_of))

    async def render_post(request):
        return found.render(request)

    found.peer.render_post = render_post
    answer = await found.ask({"msgIden": SERVICE, "msgType": "REG", "appId": str(app_id), "credential": "07"})
    assert json.loads(answer.payload)["result"] is True
    assert (await made.upper.next())[3]["msgType"] == "REG"
    return found


def behind(tmp_path, play):
    """`play(made)` with a gateway whose server takes everything."""

    async def main():
        async with scene(tmp_path) as made:
            made.upper.answers |= {"MSG": DONE, "IMDN": DONE}
            await play(made)

    run(main())


def sending(kind="UE", addr=B, **more):
    head = {"msgType": "MESSAGE SENDING REQUEST", "msgId": MSG_ID, "payload": "21.5"}
    return head | {"destAddr": {"destAddrType": kind, "addr": addr}} | more


def msg(msg_id=MSG_ID, **more):
    """What the server pushes for UE A."""
    to = {"destAddr": {"destAddrType": "UE", "addr": A}, "msgId": msg_id, "payload": "open", "sfFlag": False}
    return own("MSG", B, **to | more)


# ---- from the Application Client -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, addr", TARGETS)
def test_6_4_2_2_2_the_recipient_is_the_target_address(tmp_path, kind, addr):
    async def play(made):
        app = await client(made, A, 7)
        answer = await app.ask(sending(kind, addr, appId="7"))
        response = {"msgType": "MESSAGE SENDING RESPONSE", "result": "SUCCESS"}
        assert (answer.code.dotted, json.loads(answer.payload)) == ("2.05", response)
        code, _, _, body = await made.upper.next()
        assert code == "POST"
        assert body["destAddr"] == {"destAddrType": kind, "addr": addr}
        assert body["oriAddr"] == {"oriAddrType": "UE", "addr": A}
        assert (body["msgType"], body["msgId"]) == ("MSG", MSG_ID)
        assert (body["appId"], body["payload"]) == ("7", "21.5")
        assert not body.get("isDelivStatReq")

    behind(tmp_path, play)


@pytest.mark.parametrize("target", ["192.0.2.7", "2001:db8::7", "valve.example.org"])
def test_6_4_2_2_2_an_address_is_looked_up_in_the_stored_mapping(tmp_path, target):
    async def play(made):
        with made.gateway.store.transaction():
            made.gateway.store.add_target(target, B)
        app = await client(made, A, 7)
        await app.ask(sending(addr=target))
        assert (await made.upper.next())[3]["destAddr"]["addr"] == B

    behind(tmp_path, play)


def test_6_4_2_2_2_a_delivery_report_is_asked_for_where_it_is_required(tmp_path):
    async def play(made):
        app = await client(made, A, 7)
        await app.ask(sending(isDelivStatReq=True))
        assert (await made.upper.next())[3]["isDelivStatReq"] is True

    behind(tmp_path, play)


def test_6_4_2_2_2_a_refusal_has_the_failure_reason(tmp_path):
    async def play(made):
        app = await client(made, A, 7)
        made.upper.answers["MSG"] = aiocoap.Message(code=aiocoap.FORBIDDEN)
        answer = json.loads((await app.ask(sending())).payload)
        assert (answer["msgType"], answer["result"]) == ("MESSAGE SENDING RESPONSE", "FAILED")
        assert answer["failReason"]

    behind(tmp_path, play)


@pytest.mark.parametrize("wanted", [True, False])
def test_6_4_2_2_2_an_unknown_target_is_told_by_a_report_where_one_was_required(tmp_path, wanted):
    """A target of A.3 is a service ID, so that it is the server that knows it or not: MSGRESP."""

    async def play(made):
        app = await client(made, A, 7)
        await app.ask(sending(isDelivStatReq=wanted))
        pushed = own("MSGRESP", A, msgId=MSG_ID, DelSta="failure", Cause="unknown")
        assert (await made.upper.push(pushed)).code.dotted == "2.04"
        if wanted:
            told = await app.next()
            assert (told["msgType"], told["deliveryStatus"]) == ("DELIVERY REPORT RECEIVED REQUEST", "FAILED")
            assert told["reply2msgId"] == MSG_ID
        assert app.inbox.empty()

    behind(tmp_path, play)


@pytest.mark.parametrize("status, told", [("SUCCESS", "success"), ("FAILED", "failure")])
def test_6_4_2_2_3_a_delivery_report_goes_to_the_originator(tmp_path, status, told):
    async def play(made):
        app = await client(made, A, 7)
        await made.upper.push(msg(isDelivStatReq=True))
        await app.next()
        report = {"msgType": "DELIVERY REPORT SENDING REQUEST", "msgId": OTHER_ID, "reply2msgId": MSG_ID}
        answer = await app.ask(report | {"deliveryStatus": status})
        assert answer.code.dotted.startswith("2.")
        _, _, _, body = await made.upper.next()
        assert (body["msgType"], body["msgId"], body["DelSta"]) == ("IMDN", MSG_ID, told)
        assert body["destAddr"] == {"destAddrType": "UE", "addr": B}
        assert body["oriAddr"] == {"oriAddrType": "UE", "addr": A}

    behind(tmp_path, play)


# ---- to the Application Client ---------------------------------------------------------------------------------------


def test_6_4_2_3_a_message_comes_with_its_id_its_originator_and_its_payload(tmp_path):
    async def play(made):
        app = await client(made, A, 7)
        assert (await made.upper.push(msg())).code.dotted == "2.04"
        wanted = {"msgType": "MESSAGE RECEIVED REQUEST", "msgId": MSG_ID, "oriAddr": B, "payload": "open"}
        assert await app.next() == wanted

    behind(tmp_path, play)


def test_6_4_2_3_whether_a_report_is_required_is_said(tmp_path):
    async def play(made):
        app = await client(made, A, 7)
        await made.upper.push(msg(isDelivStatReq=True))
        assert (await app.next())["isDelivStatReq"] is True

    behind(tmp_path, play)


def test_6_4_2_3_of_a_group_the_group_id_is_said(tmp_path):
    async def play(made):
        app = await client(made, A, 7)
        await made.upper.push(msg(oriDestAddr={"destAddrType": "GROUP", "addr": "g:pumps@example.org"}))
        assert (await app.next())["groupId"] == "g:pumps@example.org"

    behind(tmp_path, play)


def test_6_4_2_3_what_the_application_does_not_take_is_refused(tmp_path):
    async def play(made):
        app = await client(made, A, 7)
        app.result = "FAILED"
        assert (await made.upper.push(msg())).code.dotted.startswith("4.")

    behind(tmp_path, play)


@pytest.mark.parametrize("status, told", [("success", "SUCCESS"), ("failure", "FAILED")])
def test_6_4_2_3_a_report_comes_to_the_application(tmp_path, status, told):
    async def play(made):
        app = await client(made, A, 7)
        await app.ask(sending(isDelivStatReq=True))
        await made.upper.push(
            own("IMDN", B, destAddr={"destAddrType": "UE", "addr": A}, msgId=MSG_ID, DelSta=status)
        )
        came = await app.next()
        assert came["msgType"] == "DELIVERY REPORT RECEIVED REQUEST"
        assert (came["reply2msgId"], came["deliveryStatus"]) == (MSG_ID, told)
        assert came["msgId"] != MSG_ID

    behind(tmp_path, play)


# ---- several applications behind one UE ------------------------------------------------------------------------------


@pytest.mark.parametrize("app_id, to", [("7", [7]), ("meter", ["meter"]), (["7", "meter"], [7, "meter"])])
def test_6_4_1_1_6_b_a_message_goes_to_the_applications_that_it_names(tmp_path, app_id, to):
    async def play(made):
        apps = {7: await client(made, A, 7), "meter": await client(made, B, "meter")}
        assert (await made.upper.push(msg(appId=app_id))).code.dotted == "2.04"
        for name, app in apps.items():
            assert app.inbox.qsize() == (name in to)

    behind(tmp_path, play)


@pytest.mark.parametrize("more", [{}, {"appId": "nobody"}])
def test_6_4_2_2_1_one_that_names_none_of_them_goes_to_all(tmp_path, more):
    async def play(made):
        apps = [await client(made, A, 7), await client(made, B, "meter")]
        assert (await made.upper.push(msg(**more))).code.dotted == "2.04"
        assert [app.inbox.qsize() for app in apps] == [1, 1]

    behind(tmp_path, play)


def test_6_4_2_3_a_report_comes_to_the_application_that_sent_the_message(tmp_path):
    async def play(made):
        apps = [await client(made, A, 7), await client(made, B, "meter")]
        await apps[1].ask(sending(appId="meter", isDelivStatReq=True))
        to = {"destAddrType": "UE", "addr": A}
        await made.upper.push(own("IMDN", B, destAddr=to, msgId=MSG_ID, DelSta="success"))
        assert [app.inbox.qsize() for app in apps] == [0, 1]

    behind(tmp_path, play)
