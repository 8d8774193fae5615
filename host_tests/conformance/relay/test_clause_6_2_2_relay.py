# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.2.2, UE configuration through a Relay UE, which relays and does no more."""

import json

import aiocoap

from host_tests.conformance.relay.between import relayed
from tools.programs.patience import run

MODULES = ("tools/gateway/running/relay/relay.py",)
ALSO = ("host_tests/gateway/relay/test_relay.py",)

PATH = ("su-uc", "v1", "val-services", "urn:3gpp:msgin5g", "ue-configurations")
DOCUMENTS = [{"ueConfigDocId": "3f2a", "ueConfigs": []}]


def test_6_2_2_the_get_of_the_configuration_and_its_answer_pass():
    async def story():
        content = aiocoap.Message(
            code=aiocoap.CONTENT, payload=json.dumps(DOCUMENTS).encode(), content_format=50, etag=b"12345678"
        )
        async with relayed(PATH, content) as (server, ask):
            answer = await ask(
                aiocoap.Message(code=aiocoap.GET, uri_query=("ue-uri=urn:imei:35",), accept=50)
            )
            (asked,) = server.asked
            assert asked.code == aiocoap.GET  # at that path, which aiocoap takes off
            assert asked.opt.uri_query == ("ue-uri=urn:imei:35",) and asked.opt.accept == 50
            assert (answer.code, answer.opt.content_format) == (aiocoap.CONTENT, 50)
            assert answer.opt.etag == b"12345678"
            assert json.loads(answer.payload) == DOCUMENTS

    run(story())


def test_6_2_2_a_refusal_of_the_configuration_passes():
    async def story():
        for code in (aiocoap.FORBIDDEN, aiocoap.NOT_FOUND):
            async with relayed(PATH, aiocoap.Message(code=code, payload=b"why")) as (_, ask):
                answer = await ask(aiocoap.Message(code=aiocoap.GET, uri_query=("ue-uri=x",)))
                assert (answer.code, answer.payload) == (code, b"why")

    run(story())
