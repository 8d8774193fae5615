# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.2.1, MSGin5G UE configuration, at the server: the SCM-S of TS 24.546 clause 6.2.3.4 with the
resources of its annex C.3. The UE is aiocoap, with bodies read here."""

import asyncio
import hashlib
import json
import signal
import socket

import aiocoap
import cbor2
import pytest

from host_tests.conformance.raw import LONG, Peer
from host_tests.conformance.server.configuring import (
    IMEI,
    OTHER_IMEI,
    PATH,
    SERVICE,
    UE,
    scene,
)
from tools.demo.processes import Gateway, command
from tools.programs.patience import patience, run
from tools.store.store import Store

MODULES = (
    "tools/server/procedures/configuration.py",
    "tools/store/server/configtables.py",
    "tools/wire/ueconfig.py",
)
ALSO = ("host_tests/gateway/server/test_configuration.py",)

ASK = "ue-uri=" + IMEI


@pytest.fixture(params=["none", "oscore"])
def mode(request):
    return request.param


def test_the_server_answers_with_the_documents_of_the_ue(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            answer = await server.ask(IMEI, ASK, accept=50)
            assert answer.code == aiocoap.CONTENT
            assert answer.opt.content_format == 50
            (document,) = json.loads(answer.payload)
            assert document["valServiceId"] == SERVICE
            assert document["valServiceDomain"] == "example.org"
            assert document["valUeIds"]["uris"] == [IMEI]
            (one,) = document["ueConfigs"]
            assert one["configType"] == "ON_NETWORK"
            address = "coap://127.0.0.1:%d" % server.server.coap_port
            told = {"ueServiceId": UE, "serverAddr": address, "segSize": 1024}
            assert json.loads(one["configData"]) == told
            await server.journal.wait("configured", ue_id=IMEI, ue=UE)

    run(story())


def test_a_ue_may_register_with_what_it_was_told(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            (one,) = (await server.document(OTHER_IMEI, "ue-uri=" + OTHER_IMEI))["ueConfigs"]
            told = json.loads(one["configData"])
            assert "segSize" not in told
            assert (await server.register(OTHER_IMEI, told["ueServiceId"]))["result"] is True

    run(story())


def test_who_is_not_authorised_gets_4_03(tmp_path):
    async def story():
        async with scene(tmp_path, "oscore") as server:
            answer = await server.ask(OTHER_IMEI, ASK)
            assert answer.code == aiocoap.FORBIDDEN
            assert UE.encode() not in answer.payload

    run(story())


def test_in_the_clear_nobody_is_authorised_unless_everybody_is(tmp_path):
    async def story():
        async with scene(tmp_path, "none", open=False) as server:
            assert await server.code(IMEI, ASK) == "4.03"

    run(story())


def test_what_is_not_protected_gets_4_01(tmp_path):
    async def story():
        async with scene(tmp_path, "oscore") as server:
            assert await server.code("nobody with a key", ASK) == "4.01"

    run(story())


@pytest.mark.parametrize(
    "path, query",
    [
        (PATH, "ue-uri=urn:imei:unknown"),
        ((*PATH[:3], "urn:3gpp:other", PATH[4]), ASK),
        (("su-uc", "v1"), ASK),
        (("su-uc", "v9", *PATH[2:]), ASK),
        ((*PATH, "unknown"), ""),
    ],
)
def test_what_is_absent_gets_4_04(tmp_path, mode, path, query):
    async def story():
        async with scene(tmp_path, mode) as server:
            assert await server.code(IMEI, *filter(None, [query]), path=path) == "4.04"

    run(story())


def test_without_a_query_a_ue_gets_its_own(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode) as server:
            if mode == "none":
                assert await server.code(IMEI) == "4.03"
            else:
                assert (await server.document(IMEI))["valUeIds"]["uris"] == [IMEI]

    run(story())


def test_a_known_etag_is_answered_2_03(tmp_path, mode):
    """RFC 7252 section 5.10.6.2: without a payload, with the ETag and a Max-Age of now."""

    async def story():
        async with scene(tmp_path, mode) as server:
            first = await server.ask(IMEI, ASK)
            assert first.opt.etag == hashlib.sha256(first.payload).digest()[:8]
            assert first.opt.max_age == 86400
            again = await server.ask(IMEI, ASK, etags=[b"other", first.opt.etag])
            assert (again.code, again.payload) == (aiocoap.VALID, b"")
            assert (again.opt.etag, again.opt.max_age) == (first.opt.etag, 86400)
            await server.command("ue", "add", IMEI, "--segment-size", "512")
            assert await server.code(IMEI, ASK, etags=[first.opt.etag]) == "2.05"

    run(story())


def test_each_document_is_a_resource_that_is_read_only(tmp_path, mode):
    """TS 24.546 annexes C.3.1.2.2 and C.3.1.2.3."""

    async def story():
        async with scene(tmp_path, mode) as server:
            document = await server.document(IMEI, ASK)
            one = (*PATH, document["ueConfigDocId"])
            answer = await server.ask(IMEI, path=one)
            assert json.loads(answer.payload) == document
            for code in (aiocoap.POST, aiocoap.PUT, aiocoap.DELETE):
                for path in (PATH, one):
                    assert await server.code(IMEI, code=code, path=path, payload=b"{}") == "4.05"

    run(story())


def test_a_document_can_be_observed(tmp_path, mode):
    """It is changed, and ended, by a command in another process (RFC 7641 section 4.2: 4.04 ends the observation)."""

    async def story():
        async with scene(tmp_path, mode) as server:
            path = (*PATH, (await server.document(IMEI, ASK))["ueConfigDocId"])
            peer = await server.peer(IMEI)
            async with patience(LONG), peer.observing(path) as (first, told):
                assert first.opt.observe is not None
                await server.command("ue", "add", OTHER_IMEI, "--segment-size", "77")  # nothing of this one
                await server.command("ue", "add", IMEI, "--segment-size", "512")
                second = await told.get()
                (one,) = json.loads(second.payload)["ueConfigs"]
                assert json.loads(one["configData"])["segSize"] == 512
                assert second.opt.etag != first.opt.etag
                assert second.opt.observe > first.opt.observe
                await server.command("ue", "remove", IMEI)
                assert (await told.get()).code == aiocoap.NOT_FOUND

    run(story())


def test_the_collection_is_answered_once(tmp_path, mode):
    """RFC 7641 section 4.1: a server that does not keep it up answers without the option."""

    async def story():
        async with scene(tmp_path, mode) as server:
            answer = await server.ask(IMEI, ASK, observe=0)
            assert (answer.code, answer.opt.observe) == (aiocoap.CONTENT, None)

    run(story())


def test_cbor_is_read_and_written(tmp_path, mode):
    """Annex C.3 writes CBOR; its media type has no Content-Format number, so it is application/cbor (60)."""

    async def story():
        async with scene(tmp_path, mode) as server:
            document = await server.document(IMEI, ASK)
            answer = await server.ask(IMEI, payload=cbor2.dumps({"ueId": IMEI}), content_format=60, accept=60)
            assert answer.opt.content_format == 60
            assert cbor2.loads(answer.payload) == [document]

    run(story())


def test_errors_are_problem_details_for_who_takes_cbor(tmp_path, mode):
    """TS 24.546 annex C.1; RFC 9290 section 2: title -1, detail -2, Content-Format 257."""

    async def story():
        async with scene(tmp_path, mode) as server:
            answer = await server.ask(IMEI, "ue-uri=urn:imei:unknown", accept=60)
            assert (answer.code.dotted, answer.opt.content_format) == ("4.04", 257)
            problem = cbor2.loads(answer.payload)
            assert problem[-1] == "Not Found"
            assert "urn:imei:unknown" in problem[-2]
            plain = await server.ask(IMEI, "ue-uri=urn:imei:unknown", accept=50)
            assert plain.opt.content_format is None
            assert "urn:imei:unknown" in plain.payload.decode()

    run(story())


@pytest.mark.parametrize("accept", [0, 40, 41, 65000])
def test_another_format_is_not_acceptable(tmp_path, mode, accept):
    async def story():
        async with scene(tmp_path, mode) as server:
            assert await server.code(IMEI, ASK, accept=accept) == "4.06"

    run(story())


@pytest.mark.parametrize(
    "query, named",
    [
        (["ue-uri"], b"ue-uri"),
        ([ASK, ASK], b"ue-uri"),
        (["ue-uri=" + "x" * 248], b""),
        ([ASK, "ue-type=12"], b"ue-type"),
        ([ASK, "ue-vendor=" + "v" * 201], b"ue-vendor"),
        (["ue-color=red"], b"ue-color"),
    ],
)
def test_a_query_that_is_wrong_gets_an_error_that_names_it(tmp_path, mode, query, named):
    async def story():
        async with scene(tmp_path, mode) as server:
            answer = await server.ask(IMEI, *query)
            assert answer.code.dotted == ("4.00" if named else "4.04")
            assert named in answer.payload

    run(story())


def test_an_unknown_critical_option_gets_4_02(tmp_path, mode):
    """RFC 7252 section 5.4.1."""

    async def story():
        async with scene(tmp_path, mode) as server:
            answer = await server.ask(IMEI, ASK, if_match=[b"12345678"])
            assert answer.code == aiocoap.BAD_OPTION

    run(story())


def test_an_unknown_ue_id_is_assigned_a_ue_service_id_before_it_is_answered(tmp_path, mode):
    async def story():
        async with scene(tmp_path, mode, assign="example.net") as server:
            new = "urn:imei:35-209900-176150-7"
            (one,) = (await server.document(IMEI, "ue-uri=" + new))["ueConfigs"]
            ue = json.loads(one["configData"])["ueServiceId"]
            assert ue.endswith("@example.net")
            beside = Store(server.path, serving=False)
            assert beside.configuration(new).ue == ue
            beside.close()
            assert (await server.register(IMEI, ue))["result"] is True
            if mode == "oscore":
                assert await server.code(OTHER_IMEI, "ue-uri=" + new) == "4.03"
            (again,) = (await server.document(IMEI, "ue-uri=" + new))["ueConfigs"]
            assert json.loads(again["configData"])["ueServiceId"] == ue

    run(story())


def test_a_ue_id_has_the_same_ue_service_id_after_kill_9_and_after_it_was_removed(tmp_path):
    """TS 23.554 clause 8.1.2."""

    async def told(server, ue_id):
        async with Peer(server.coap[1]) as peer:
            answer = await peer.request(aiocoap.GET, PATH, uri_query=("ue-uri=" + ue_id,))
            (document,) = json.loads(answer.payload)
            return json.loads(document["ueConfigs"][0]["configData"])["ueServiceId"]

    async def story():
        async with Gateway(tmp_path, "--open", "--assign", "example.net", name="server") as server:
            first = await told(server, "new")
            await server.end(signal.SIGKILL)
            await server.start()
            await command(tmp_path, "server", "ue", "remove", "new")
            assert await told(server, "new") == first
            await command(tmp_path, "server", "device", "remove", first)
            assert await told(server, "new") == first
            assert await told(server, "another") != first

    run(story())


def test_on_the_wire(tmp_path):
    """Worked by hand from RFC 7252: a GET with five Uri-Path options and one Uri-Query."""
    segments = [b"su-uc", b"v1", b"val-services", SERVICE.encode(), b"ue-configurations"]

    def option(delta, value):
        length = len(value)
        if length < 13:
            return bytes([delta << 4 | length]) + value
        return bytes([delta << 4 | 13, length - 13]) + value

    first, *rest = segments
    options = option(11, first) + b"".join(option(0, each) for each in rest)
    options += option(4, ASK.encode())
    request = b"\x42\x01\x12\x34\xaa\xbb" + options

    async def story():
        async with scene(tmp_path, "none") as server:
            return await _datagram(server.server.coap_port, request)

    answer = run(story())
    assert answer[:6] == b"\x62\x45\x12\x34\xaa\xbb"  # ACK, 2.05, that Message ID and Token
    etag = answer[7:15]
    # ETag (4) of 8 octets, Content-Format (12) 50, Max-Age (14) 86400 = 0x015180
    assert answer[6:] == b"\x48" + etag + b"\x81\x32" + b"\x23\x01\x51\x80" + b"\xff" + answer[22:]
    assert etag == hashlib.sha256(answer[22:]).digest()[:8]
    json.loads(answer[22:])


def test_a_query_that_is_no_text_gets_4_02(tmp_path):
    """RFC 7252 section 5.4.3: as an unknown option, and Uri-Query is critical."""
    path = b"\xb5su-uc\x02v1\x0cval-services\x0d\x03urn:3gpp:msgin5g\x0d\x04ue-configurations"
    request = b"\x42\x01\x12\x35\xaa\xbb" + path + b"\x49ue-uri=\xff\xfe"

    async def story():
        async with scene(tmp_path, "none") as server:
            answer = await _datagram(server.server.coap_port, request)
            assert answer == b"\x62\x82\x12\x35\xaa\xbb\xffno UTF-8"
            assert await server.code(IMEI, ASK) == "2.05"

    run(story())


async def _datagram(port, octets):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.setblocking(False)
        end.connect(("127.0.0.1", port))
        async with patience(LONG):
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(end, octets)
            return await loop.sock_recv(end, 2048)
