# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.2.3, configuration of constrained UEs through a Gateway UE, at the server: the Gateway UE is
aiocoap, with bodies written here. The standard gives the elements no names; they are said in each test."""

import json

import aiocoap
import pytest

from host_tests.conformance.server.configuring import GW, IMEI, OTHER_IMEI, OTHER_UE, UE, scene
from tools.programs.patience import run
from tools.store.server.configtables import UeConfiguration
from tools.store.store import Store

MODULES = (
    "tools/server/procedures/configuration.py",
    "tools/server/speakers.py",
)
ALSO = ("host_tests/gateway/server/test_configuration.py",)


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def bulk(*ue_ids):
    """ "Bulk configuration flag" and "List of MSGin5G UE IDs"."""
    body = {"bulkFlag": True, "ueIds": list(ue_ids)}
    return {"payload": json.dumps(body).encode(), "content_format": 50}


def behind(server, *ues):
    """The Gateway UE may register these, as `device add --via` says it."""
    store = Store(server.path, serving=False)
    with store.transaction():
        for ue in ues:
            store.put_behind(ue, GW)
    store.close()


def entries(answer):
    assert (answer.code, answer.opt.content_format) == (aiocoap.CONTENT, 50), answer.payload
    body = json.loads(answer.payload)
    assert list(body) == ["confList"]
    return body["confList"]


@pytest.mark.parametrize("code", [aiocoap.GET, aiocoap.FETCH])
def test_the_answer_has_a_list_of_configurations(tmp_path, mode, code):
    """Each has "UE Service ID" and "MSGin5G Server address", and "MSGin5G Service specific information" where there is
    some: the size of segments."""

    async def story():
        async with scene(tmp_path, mode) as server:
            behind(server, UE, OTHER_UE)
            await server.register(GW, GW)
            found = entries(await server.ask(GW, code=code, **bulk(OTHER_IMEI, IMEI)))
            address = "coap://127.0.0.1:%d" % server.server.coap_port
            assert found == [
                {"ueId": OTHER_IMEI, "ueServiceId": OTHER_UE, "serverAddr": address},
                {"ueId": IMEI, "ueServiceId": UE, "serverAddr": address, "segSize": 1024},
            ]

    run(story())


def test_each_ue_id_has_one_entry_whatever_becomes_of_the_others(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            behind(server, UE)
            await server.register(GW, GW)
            asked = (IMEI, "unknown", "", IMEI, "x" * 300)
            found = entries(await server.ask(GW, **bulk(*asked)))
            assert [entry["ueId"] for entry in found] == list(asked)
            assert [entry.get("ueServiceId") for entry in found] == [UE, None, None, UE, None]
            assert all(entry.get("cause") for entry in found if "ueServiceId" not in entry)

    run(story())


def test_a_gateway_ue_that_is_not_registered_gets_4_03(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            behind(server, UE)
            assert await server.code(GW, **bulk(IMEI)) == "4.03"

    run(story())


def test_a_ue_that_is_no_gateway_gets_4_03(tmp_path):
    async def story():
        async with scene(tmp_path, "oscore") as server:
            await server.register(IMEI, UE)
            assert await server.code(IMEI, **bulk(IMEI)) == "4.03"

    run(story())


def test_a_gateway_ue_gets_only_what_is_behind_it(tmp_path):
    """TS 23.554 clause 8.2.7: it has authenticated the UEs that it speaks for."""

    async def story():
        async with scene(tmp_path, "oscore") as server:
            behind(server, UE)
            await server.register(GW, GW)
            first, second = entries(await server.ask(GW, **bulk(IMEI, OTHER_IMEI)))
            assert first["ueServiceId"] == UE
            assert set(second) == {"ueId", "cause"}
            assert OTHER_UE not in second["cause"]

    run(story())


def test_a_request_that_is_forwarded_unchanged_is_the_gateways(tmp_path):
    async def story():
        async with scene(tmp_path, "oscore") as server:
            behind(server, UE)
            await server.register(GW, GW)
            document = await server.document(GW, "ue-uri=" + IMEI)
            assert document["valUeIds"]["uris"] == [IMEI]
            assert await server.code(GW, "ue-uri=" + OTHER_IMEI) == "4.03"

    run(story())


def test_many_go_in_blocks_both_ways(tmp_path, mode):
    """RFC 7959: 200 UE IDs are more than a datagram holds, and so are 200 entries."""
    many = ["urn:imei:35-209900-%06d-1" % number for number in range(200)]

    async def story():
        async with scene(tmp_path, mode) as server:
            store = Store(server.path, serving=False)
            with store.transaction():
                for number, ue_id in enumerate(many):
                    assert store.put_configuration(UeConfiguration(ue_id, "ue:m%d" % number)) is None
                    store.put_behind("ue:m%d" % number, GW)
            store.close()
            await server.register(GW, GW)
            for code in (aiocoap.GET, aiocoap.FETCH):
                found = entries(await server.ask(GW, code=code, **bulk(*many)))
                assert [entry["ueServiceId"] for entry in found] == ["ue:m%d" % n for n in range(200)]

    run(story())


def test_unknown_ue_ids_are_assigned_behind_the_gateway(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode, assign="example.net") as server:
            await server.register(GW, GW)
            first, second = entries(await server.ask(GW, **bulk("new 1", "new 2")))
            assert first["ueServiceId"] != second["ueServiceId"]
            peer = await server.peer(GW)
            body = {"msgIden": "urn:3gpp:msgin5g", "msgType": "BREG", "totalRegCount": 2}
            body["oriAddr"] = {"oriAddrType": "UE", "addr": GW}
            body["regList"] = [
                body | {"msgType": "REG", "oriAddr": {"oriAddrType": "UE", "addr": entry["ueServiceId"]}}
                for entry in (first, second)
            ]
            for each in body["regList"]:
                del each["totalRegCount"]
            answer = await peer.ask(body)
            assert [each["result"] for each in json.loads(answer.payload)["regList"]] == [True, True]

    run(story())


@pytest.mark.parametrize(
    "body, named",
    [
        ({"bulkFlag": True}, b"ueIds"),
        ({"bulkFlag": True, "ueIds": []}, b"ueIds"),
        ({"bulkFlag": True, "ueIds": {"a": 1}}, b"ueIds"),
        ({"bulkFlag": True, "ueIds": ["a", None]}, b"ueIds[1]"),
        ({"bulkFlag": 7, "ueIds": ["a"]}, b"bulkFlag"),
        ({"ueIds": ["a"]}, b"ueId"),
    ],
)
def test_a_list_that_is_wrong_gets_4_00_that_names_the_member(tmp_path, mode, body, named):
    async def story():
        async with scene(tmp_path, mode) as server:
            await server.register(GW, GW)
            answer = await server.ask(GW, payload=json.dumps(body).encode(), content_format=50)
            assert answer.code == aiocoap.BAD_REQUEST
            assert named in answer.payload

    run(story())
