# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.2.3, configuration of constrained UEs, at the Gateway UE: aiocoap is the MSGin5G Server, the UE is
made by hand, for it takes a second response to a request that has had one."""

import json

import aiocoap
import pytest

from host_tests.conformance.gateway.behind import CONFIGURATIONS, UE_IDS, A, B, ori, own, said, scene
from tools.programs.patience import run

MODULES = (
    "tools/gateway/function/configuration.py",
    "tools/transport/departure/late.py",
)
ALSO = (
    "host_tests/gateway/function/test_function_configuration.py",
    "host_tests/gateway/function/test_function_many.py",
    "host_tests/gateway/transport/test_late.py",
)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def entry(ue, **members):
    found = {"ueId": UE_IDS[ue], "ueServiceId": ue, "serverAddr": "coap://192.0.2.1"}
    return found | members


def configured(plain):
    """What a response says a UE is configured with."""
    assert plain.opt.content_format == 50
    (document,) = json.loads(plain.payload)
    (each,) = document["ueConfigs"]
    assert each["configType"] == "ON_NETWORK"
    return document["valUeIds"]["uris"], json.loads(each["configData"])


async def joined(made, *ues):
    found = [made.by_hand(ue) for ue in ues]
    for ue, peer in zip(ues, found, strict=True):
        answer = await peer.ask(own("GWREG", ue, oriUEAddr=ori(UE_IDS[ue])))
        assert json.loads(answer.payload)["result"] is True
    return found


@pytest.mark.parametrize("bulk", ["", "registered"], ids=["off", "not registered to the gateway service"])
def test_a_request_that_is_not_bulked_is_forwarded_without_any_change(tmp_path, bulk):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration=bulk) as made:
            document = aiocoap.Message(
                code=aiocoap.CONTENT, payload=b"[1]", content_format=50, etag=b"12345678", max_age=99
            )
            made.upper.answers["configuration"] = document
            a = made.by_hand(A)
            answer = await a.wait(UE_IDS[A], b"\x05")
            asked = await made.upper.next()
            assert asked == ("GET", CONFIGURATIONS, ("ue-uri=" + UE_IDS[A],), {})
            assert (answer.code.dotted, answer.payload, answer.opt.etag) == ("2.05", b"[1]", b"12345678")
            assert (answer.opt.max_age, answer.opt.content_format) == (99, 50)

    run(main())


def test_a_request_that_is_bulked_is_answered_with_the_longest_time_that_it_takes(tmp_path, mode):
    async def main():
        async with scene(tmp_path, mode, bulk_configuration="registered", open=mode == "none") as made:
            (a,) = await joined(made, A)
            answer = await a.wait(UE_IDS[A], b"\x05")
            assert (answer.code.dotted, answer.opt.content_format) == ("2.05", 50)
            assert json.loads(answer.payload) == {"maxConfTime": 30}
            assert made.upper.asked.empty()

    run(main())


def test_the_server_is_asked_for_all_of_them_and_each_gets_its_own_with_its_token(tmp_path):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", bulk_max=2) as made:
            entries = [entry(B), entry(A, segSize=700)]
            made.upper.answers["configurations"] = said({"confList": entries}, aiocoap.CONTENT)
            a, b = await joined(made, A, B)
            first = await a.wait(UE_IDS[A], b"\xa1\xa2")
            await b.wait(UE_IDS[B], b"\xb1")
            code, path, query, body = await made.upper.next()
            assert (code, path, query) == ("GET", CONFIGURATIONS, ())
            assert body == {"bulkFlag": True, "ueIds": [UE_IDS[A], UE_IDS[B]]}
            for ue, peer, token, more in (
                (A, a, b"\xa1\xa2", {"segSize": 700}),
                (B, b, b"\xb1", {}),
            ):
                response = await peer.hear()
                assert (response.mtype, response.token, response.code.dotted) == (aiocoap.CON, token, "2.05")
                facts = {"ueServiceId": ue, "serverAddr": "coap://192.0.2.1"} | more
                assert configured(response) == ([UE_IDS[ue]], facts)
                assert len(response.opt.etag) == 8 and response.opt.max_age == 86400
                assert response.mid != first.mid
                peer.say(aiocoap.ACK, response.mid)
            await made.journal.wait("responded", count=2)

    run(main())


@pytest.mark.parametrize(
    "settings", [{"bulk_interval": 0.2}, {"bulk_wait": 3}], ids=["periodic", "of the UE"]
)
def test_a_timer_has_the_server_asked_as_well(tmp_path, settings):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", **settings) as made:
            made.upper.answers["configurations"] = said({"confList": [entry(A)]}, aiocoap.CONTENT)
            (a,) = await joined(made, A)
            await a.wait(UE_IDS[A], b"\x05")
            assert (await made.upper.next())[3] == {"bulkFlag": True, "ueIds": [UE_IDS[A]]}
            response = await a.hear()
            assert (response.token, response.code.dotted) == (b"\x05", "2.05")
            a.say(aiocoap.ACK, response.mid)

    run(main())


def test_a_ue_that_the_server_does_not_configure_gets_4_04(tmp_path):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", bulk_max=1) as made:
            entries = [{"ueId": UE_IDS[A], "cause": "no configuration for it"}]
            made.upper.answers["configurations"] = said({"confList": entries}, aiocoap.CONTENT)
            (a,) = await joined(made, A)
            await a.wait(UE_IDS[A], b"\x05")
            response = await a.hear()
            assert (response.code.dotted, response.payload) == ("4.04", b"no configuration for it")
            assert response.token == b"\x05"
            a.say(aiocoap.ACK, response.mid)

    run(main())


def test_what_it_answered_outlives_the_gateway(tmp_path):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", bulk_wait=3) as made:
            made.upper.answers["configurations"] = said({"confList": [entry(A)]}, aiocoap.CONTENT)
            (a,) = await joined(made, A)
            await a.wait(UE_IDS[A], b"\x05")
            await made.restart()
            response = await a.hear()
            assert (response.token, configured(response)[0]) == (b"\x05", [UE_IDS[A]])
            a.say(aiocoap.ACK, response.mid)
            await made.journal.wait("responded")

    run(main())


def test_what_a_ue_resets_answers_its_next_request(tmp_path):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", bulk_max=1) as made:
            made.upper.answers["configurations"] = said({"confList": [entry(A)]}, aiocoap.CONTENT)
            (a,) = await joined(made, A)
            await a.wait(UE_IDS[A], b"\x05")
            response = await a.hear()
            a.say(aiocoap.RST, response.mid)
            await made.journal.wait("response-dropped")
            await made.upper.next()
            again = await a.wait(UE_IDS[A], b"\x06")
            assert (again.mtype, again.token) == (aiocoap.ACK, b"\x06")
            assert configured(again) == configured(response)
            assert made.upper.asked.empty()

    run(main())


def test_a_server_that_does_not_bulk_is_asked_singly_when_the_ue_asks_again(tmp_path):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration="registered", bulk_max=1) as made:
            made.upper.answers["configurations"] = aiocoap.Message(code=aiocoap.BAD_REQUEST)
            made.upper.answers["configuration"] = aiocoap.Message(code=aiocoap.FORBIDDEN, payload=b"no")
            (a,) = await joined(made, A)
            await a.wait(UE_IDS[A], b"\x05")
            await made.journal.wait("bulk-refused")
            answer = await a.wait(UE_IDS[A], b"\x06")
            assert (answer.code.dotted, answer.payload) == ("4.03", b"no")

    run(main())


def test_a_ue_that_has_a_ue_id_and_its_key_only_is_registered_as_what_it_is_configured(tmp_path):
    """The gateway learns from the server's answer whom the key speaks for."""

    async def main():
        async with scene(tmp_path, "oscore") as made:
            new, ue_id = "ue:new@example.org", "urn:imei:35-209900-176148-7"
            made.provision_ue_id(new, ue_id)
            data = json.dumps({"ueServiceId": new, "serverAddr": "coap://192.0.2.1"})
            told = {
                "valUeIds": {"uris": [ue_id]},
                "ueConfigs": [{"configType": "ON_NETWORK", "configData": data}],
            }
            made.upper.answers["configuration"] = said([told], aiocoap.CONTENT)
            peer = made.by_hand(new)
            assert json.loads((await peer.ask(own("GWREG", new))).payload)["result"] is False
            assert json.loads((await peer.wait(ue_id, b"\x05")).payload) == [told]
            assert json.loads((await peer.ask(own("GWREG", new))).payload)["result"] is True
            assert json.loads((await peer.ask(own("REG", new, urgentTag=True))).payload)["result"] is True

    run(main())


def test_ues_that_have_a_ue_id_only_are_configured_in_bulk_where_all_may_wait(tmp_path, mode):
    """They are not registered to the gateway service yet: a UE Service ID is what they ask for."""

    async def main():
        settings = {"bulk_configuration": "all", "bulk_max": 2, "open": mode == "none"}
        async with scene(tmp_path, mode, **settings) as made:
            ues = {
                "ue:new%d@example.org" % number: "urn:imei:35-209900-17614%d-7" % number for number in (1, 2)
            }
            facts = {ue: {"ueServiceId": ue, "serverAddr": "coap://192.0.2.1"} for ue in ues}
            entries = [{"ueId": ue_id} | facts[ue] for ue, ue_id in ues.items()]
            made.upper.answers["configurations"] = said({"confList": entries}, aiocoap.CONTENT)
            peers = {}
            for ue, ue_id in ues.items():
                if mode == "oscore":
                    made.provision_ue_id(ue, ue_id)
                peers[ue] = made.by_hand(ue)
                answer = await peers[ue].wait(ue_id, b"\x05")
                assert (answer.code.dotted, json.loads(answer.payload)) == ("2.05", {"maxConfTime": 30})
            for ue, ue_id in ues.items():
                response = await peers[ue].hear()
                assert (response.mtype, response.token) == (aiocoap.CON, b"\x05")
                assert configured(response) == ([ue_id], facts[ue])
                peers[ue].say(aiocoap.ACK, response.mid)
            await made.journal.wait("responded", count=2)
            body = {"bulkFlag": True, "ueIds": list(ues.values())}
            assert await made.upper.next() == ("GET", CONFIGURATIONS, (), body)
            assert made.upper.asked.empty()
            for ue, peer in peers.items():
                for body in (own("GWREG", ue), own("REG", ue, urgentTag=True)):
                    assert json.loads((await peer.ask(body)).payload)["result"] is True

    run(main())


@pytest.mark.parametrize("bulk", ["", "registered", "all"])
def test_nobody_gets_the_configuration_of_another_ue(tmp_path, bulk):
    async def main():
        async with scene(tmp_path, "oscore", bulk_configuration=bulk) as made:
            a, _ = await joined(made, A, B)
            answer = await a.wait(UE_IDS[B], b"\x05")
            assert answer.code.dotted == "4.03"
            many = json.dumps({"bulkFlag": True, "ueIds": [UE_IDS[B]]}).encode()
            a.send(aiocoap.GET, CONFIGURATIONS, b"\x06", many, content_format=50)
            assert (await a.hear()).code.dotted == "4.03"
            assert made.upper.asked.empty()

    run(main())


@pytest.mark.parametrize("bulk", ["registered", "all"])
def test_in_one_program_with_the_server_it_is_the_same_to_a_ue(tmp_path, bulk):
    async def main():
        async with scene(tmp_path, "oscore", apart=False, bulk_configuration=bulk, bulk_max=2) as made:
            for ue in (A, B):
                made.configure(ue)
            # A UE that has no UE Service ID yet is registered to nothing.
            a, b = [made.by_hand(ue) for ue in (A, B)] if bulk == "all" else await joined(made, A, B)
            for ue, peer in ((A, a), (B, b)):
                answer = await peer.wait(UE_IDS[ue], b"\x05")
                assert json.loads(answer.payload) == {"maxConfTime": 30}
            for ue, peer in ((A, a), (B, b)):
                response = await peer.hear()
                assert response.token == b"\x05"
                assert configured(response)[1]["ueServiceId"] == ue
                peer.say(aiocoap.ACK, response.mid)
            await made.journal.wait("responded", count=2)

    run(main())
