# SPDX-License-Identifier: MIT
"""TS 24.538 clause 6.3.3, registration through a Relay UE, which relays and does no more."""

import json

import aiocoap

from host_tests.conformance.relay.between import relayed
from tools.programs.patience import run

MODULES = ("tools/gateway/running/relay/relay.py",)
ALSO = ("host_tests/gateway/relay/test_relay.py",)

REG = {
    "msgIden": "urn:3gpp:msgin5g",
    "msgType": "REG",
    "oriAddr": {"oriAddrType": "UE", "addr": "ue:a@example.org"},
}


def test_6_3_3_the_registration_and_its_answer_pass():
    async def story():
        granted = {"oriAddr": REG["oriAddr"], "result": True, "regExpTime": 3600}
        changed = aiocoap.Message(
            code=aiocoap.CHANGED, payload=json.dumps(granted).encode(), content_format=50
        )
        async with relayed(("msgin5g",), changed) as (server, ask):
            answer = await ask(
                aiocoap.Message(code=aiocoap.POST, payload=json.dumps(REG).encode(), content_format=50)
            )
            (asked,) = server.asked
            assert json.loads(asked.payload) == REG and asked.opt.content_format == 50
            assert (answer.code, json.loads(answer.payload)) == (aiocoap.CHANGED, granted)

    run(story())
