# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.2.1, MSGin5G UE configuration, at the MSGin5G Client: the SCM-C of TS 24.546 clause 6.2.3.3."""

import json

import aiocoap
import pytest

from host_tests.conformance.device.scripted import (
    IMEI,
    SERVICE,
    UE,
    Peer,
    body,
    document,
    out_of_the_box,
    says,
    who,
)
from host_tests.gateway.devices import run

MODULES = (
    "firmware/msgin5g/procedures/configuration.py",
    "firmware/msgin5g/rules/steps.py",
)
ALSO = (
    "host_tests/device/procedures/test_configuring.py",
    "host_tests/device/procedures/test_configuration_kept.py",
    "host_tests/device/procedures/test_configuration_changed.py",
)

GOOD = aiocoap.CONTENT, document(), {"etag": b"\x0a\x0b", "max_age": 86400}


@pytest.fixture(params=[False, True], ids=["none", "oscore"])
def secure(request):
    return request.param


def test_the_client_asks_for_its_configuration_with_a_get_of_its_ue_configurations(tmp_path, secure):
    async def story():
        async with out_of_the_box(tmp_path, Peer(GOOD, secure), secure) as (peer, _):
            request = await peer.asked()
            assert request.code == aiocoap.GET
            # the resource of TS 24.546 clause C.3.1, with the service identifier as valServiceId
            path = ("su-uc", "v1", "val-services", SERVICE, "ue-configurations")
            assert request.opt.uri_path == path
            assert request.opt.uri_query == ("ue-uri=" + IMEI,)
            assert request.payload == b""
            assert request.opt.accept == 50
            assert request.opt.etags == ()
            outer = peer.requests[0][0]
            assert outer.mtype == aiocoap.CON  # T = 0
            assert (IMEI.encode() in peer.octets[0]) != secure  # protected: nobody on the path reads it

    run(story())


def test_the_information_of_the_ue_goes_into_the_query(tmp_path):
    async def story():
        more = {"configuration": {"vendor": "Acme", "type": "35209900"}}
        async with out_of_the_box(tmp_path, Peer(GOOD), **more) as (peer, _):
            request = await peer.asked()
            assert request.opt.uri_query == ("ue-uri=" + IMEI, "ue-vendor=Acme", "ue-type=35209900")

    run(story())


def test_the_client_uses_the_ue_service_id_that_it_is_given(tmp_path, secure):
    async def story():
        async with out_of_the_box(tmp_path, Peer(GOOD, secure), secure) as (peer, device):
            assert who(await peer.asked("REG")) == UE
            device.put("say.txt", "21.5")
            message = await peer.asked("MSG")
            assert (who(message), body(message)["payload"]) == (UE, "21.5")
            # nothing but the request for it went out before
            assert [request.code for request in peer.plain[:2]] == [aiocoap.GET, aiocoap.POST]

    run(story())


def test_the_client_stores_what_it_is_given(tmp_path, secure):
    async def story():
        async with out_of_the_box(tmp_path, Peer(GOOD, secure), secure) as (peer, device):
            await peer.asked("REG")
            await device.__aexit__(None, None, None)  # and starts again
            before = len(peer.plain)
            peer.config = None
            await device.start()
            assert who(await peer.asked("REG", 2)) == UE
            assert [request.code for request in peer.plain[before:]][0] == aiocoap.POST

    run(story())


def test_the_server_address_names_the_server_in_what_follows(tmp_path):
    async def story():
        answer = aiocoap.CONTENT, document(serverAddr="coap://msg.example.org:5000")
        async with out_of_the_box(tmp_path, Peer(answer)) as (peer, _):
            request = await peer.asked("REG")
            assert (request.opt.uri_host, request.opt.uri_port) == ("msg.example.org", 5000)

    run(story())


def test_no_payload_of_a_segment_exceeds_the_segment_size(tmp_path):
    async def story():
        answer = aiocoap.CONTENT, document(segSize=100)
        async with out_of_the_box(tmp_path, Peer(answer)) as (peer, device):
            assert body(await peer.asked("REG"))["cliProfile"]["maxSegSize"] == 100
            device.put("say.txt", "x" * 250)
            await peer.asked("MSG", 3)
            sizes = [len(body(each)["payload"]) for each in peer.of("MSG")]
            assert sizes == [100, 100, 50]

    run(story())


def test_the_xml_of_clause_7_2_is_read(tmp_path):
    async def story():
        xml = (
            '<?xml version="1.0"?><seal-UE-configuration xmlns="urn:3gpp:ns:seal:sealUEConfig:1.0"'
            ' domain="example.org"><common/><on-network>'
            '<m:MSGin5G-Server-address xmlns:m="urn:3gpp:ns:seal: MSGin5GUEConfig:1.0">coap://192.0.2.77'
            "</m:MSGin5G-Server-address><MSGin5G-UE-Service-id>ue:s1@example.org</MSGin5G-UE-Service-id>"
            "<Segment-size>512</Segment-size></on-network></seal-UE-configuration>"
        )
        async with out_of_the_box(tmp_path, Peer((aiocoap.CONTENT, document(data=xml)))) as (peer, _):
            request = await peer.asked("REG")
            assert (who(request), request.opt.uri_host) == (UE, "192.0.2.77")
            assert body(request)["cliProfile"]["maxSegSize"] == 512

    run(story())


@pytest.mark.parametrize("code", [aiocoap.FORBIDDEN, aiocoap.NOT_FOUND])
def test_a_client_that_is_not_authorised_or_not_known_does_not_register(tmp_path, code):
    async def story():
        async with out_of_the_box(tmp_path, Peer((code, b"not you"))) as (peer, device):
            await peer.asked()
            await says(device, "refused: %s not you" % code.dotted)
            assert [request.code for request in peer.plain] == [aiocoap.GET]
            # and is reached by nobody: it has no name yet
            push = {"msgIden": SERVICE, "msgType": "MSG", "oriAddr": {"oriAddrType": "UE", "addr": "ue:b@x"}}
            push |= {"destAddr": {"destAddrType": "UE", "addr": UE}, "msgId": "m-1", "payload": "hi"}
            assert await peer.post(push) == aiocoap.NOT_FOUND

    run(story())


def test_a_configuration_that_holds_still_is_not_sent_again(tmp_path):
    async def story():
        answer = aiocoap.CONTENT, document(), {"etag": b"\x0a\x0b", "max_age": 0}
        async with out_of_the_box(tmp_path, Peer(answer)) as (peer, device):
            await peer.asked("REG")
            kept = json.loads((device.folder / "messages/configuration").read_text().split("\n")[1])
            assert kept[2] == "0a0b"  # the ETag that the next request has

    run(story())
