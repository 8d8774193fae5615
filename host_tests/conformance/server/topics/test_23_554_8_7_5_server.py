# SPDX-License-Identifier: MIT
"""TS 23.554 clause 8.7.5, messages between MSGin5G Servers (MSGin5G-8), by MSGS_MSGDelivery of TS 29.538: the other
server is aiohttp with bodies written here."""

import pytest

from host_tests.gateway.apart.peering import DELIVERY, RawServer
from host_tests.gateway.scripted import Ue, gateway, run

MODULES = (
    "tools/server/procedures/peers.py",
    "tools/server/elsewhere.py",
    "tools/server/appservers.py",
    "tools/server/delivery/quotas.py",
)
ALSO = ("host_tests/gateway/apart/test_two_servers.py",)
A, B, C = "ue:a@a.example", "ue:b@b.example", "ue:c@c.example"


@pytest.mark.parametrize("path, kind", [("ue-message", "UE"), ("as-message", "AS")])
def test_a_server_is_believed_for_its_own_domain_only(path, kind):
    async def main():
        async with gateway() as g, Ue(g, A) as a, RawServer(g) as raw:
            await a.register()
            for whose in (A, C, "ue:plain", "ue:x@b.example.evil", "ue:x@evil/b.example"):
                body = raw.message(whose, A, from_type=kind)
                status, said, _ = await raw.post(DELIVERY + path, body)
                assert status == 403, (whose, said)
            report = {
                "oriAddr": {"addrType": "UE", "addr": C},
                "destAddr": {"addrType": "UE", "addr": A},
                "msgId": body["msgId"],
                "delivSt": "REPT_DELY_SUCCESS",
            }
            assert (await raw.post(DELIVERY + "report", report))[0] == 403
            assert (await raw.post(DELIVERY + path, raw.message(B, A, from_type=kind)))[0] == 200
            assert (await a.next("MSG"))["oriAddr"]["addr"] == B
            assert a.inbox.empty()

    run(main())


def test_who_shows_no_token_or_another_one_speaks_for_no_domain():
    async def main():
        async with gateway() as g, Ue(g, A) as a, RawServer(g) as raw:
            await a.register()
            for token in ("", "nobodys"):
                status, _, _ = await raw.post(DELIVERY + "ue-message", raw.message(B, A), token=token)
                assert status == 403
            assert (await raw.post("/msgs-asregistration/v1/registrations", {"asSvcId": "as:b@b.example"}))[
                0
            ] == 403

    run(main())


def test_what_came_from_one_server_goes_to_no_other():
    async def main():
        async with gateway() as g, RawServer(g) as b, RawServer(g, "c.example") as c:
            for to in (C, "ue:other@b.example"):
                status, ack, _ = await b.post(DELIVERY + "ue-message", b.message(B, to))
                assert (status, ack["status"]) == (200, "DELY_FAILED")
            report = {
                "oriAddr": {"addrType": "UE", "addr": B},
                "destAddr": {"addrType": "UE", "addr": C},
                "msgId": ack["msgId"],
                "delivSt": "REPT_DELY_SUCCESS",
            }
            assert (await b.post(DELIVERY + "report", report))[1]["status"] == "DELY_FAILED"
            assert c.inbox.empty() and b.inbox.empty()

    run(main())


def test_what_comes_twice_is_delivered_once_and_a_failure_is_told_again(tmp_path):
    async def main():
        store = str(tmp_path / "gateway.db")
        async with gateway(store) as g, Ue(g, A) as a, RawServer(g) as raw:
            await a.register()
            body = raw.message(B, A)
            for _ in range(2):
                status, ack, _ = await raw.post(DELIVERY + "ue-message", body)
                assert status == 200 and "status" not in ack
            lost = raw.message(B, "ue:nobody@a.example")
            for _ in range(2):  # the first answer may have been lost
                assert (await raw.post(DELIVERY + "ue-message", lost))[1]["status"] == "DELY_FAILED"
            assert (await a.next("MSG"))["msgId"] == body["msgId"]
            token = raw.token
        async with gateway(store) as g, Ue(g, A) as a, RawServer(g) as raw:
            await a.register()
            assert (await raw.post(DELIVERY + "ue-message", body))[0] == 200
            last = raw.message(B, A, "last")
            assert (await raw.post(DELIVERY + "ue-message", last))[0] == 200
            assert (await a.next("MSG"))["msgId"] == last["msgId"]
            assert (await raw.post(DELIVERY + "ue-message", last, token))[0] == 403  # made void by a new one

    run(main())


def test_what_is_posted_there_and_what_its_answers_mean():
    async def main():
        async with gateway() as g, Ue(g, A) as a, RawServer(g) as raw:
            await a.register()
            answers = [401, 500, (200, {"oriAddr": {}, "msgId": "x"})]
            raw.answer = lambda path, body: answers.pop(0)
            sent = await a.send(B, "21.5", isDelivStatReq=True)
            for _ in range(3):
                path, body, headers = await raw.next()
                assert path == DELIVERY + "ue-message"
                assert headers["Authorization"] == "Bearer our token"
                assert body == {
                    "oriAddr": {"addrType": "UE", "addr": A},
                    "destAddr": {"addrType": "UE", "addr": B},
                    "msgId": sent,
                    "stoAndFwInd": False,
                    "delivStReqInd": True,
                    "payload": "21.5",
                }
            answers.append((403, {"title": "Forbidden", "status": 403, "detail": "not here"}))
            refused = await a.send(B, "21.5")
            told = await a.next("MSGRESP")
            assert told["msgId"] == refused and "not here" in told["Cause"]

    run(main())


def test_one_peer_has_a_part_of_the_room():
    async def main():
        async with gateway(pending_all=40, pending_each=1000) as g, Ue(g, A) as a, RawServer(g) as raw:
            await a.register()
            a.answer = lambda body: None  # silent
            said = []
            for number in range(12):
                body = raw.message("ue:%d@b.example" % number, A)
                said.append((await raw.post(DELIVERY + "ue-message", body))[0])
            assert said == [200] * 10 + [503] * 2

    run(main())
