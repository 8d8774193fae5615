# SPDX-License-Identifier: MIT
"""Any sequence of valid, half valid and hostile requests over real sockets, CoAP and HTTP, with restarts: every answer
is a documented one, what was accepted arrives, no traceback is in the log.

A sequence that fails is printed as a program.
"""

import json

from hypothesis import given
from hypothesis import strategies as st

from host_tests.properties import wire_world
from host_tests.properties.sequences import JUNK, OCTETS, program, step, tried, weighted
from host_tests.properties.wire_world import PATHS, UES

ue = st.sampled_from(UES)
to = st.sampled_from((*UES, "ue:none"))
KINDS = st.sampled_from(["REG", "MSG", "IMDN", "DEREG", "SEGREC", "MESSAGE SENDING REQUEST"])
BODY = st.fixed_dictionaries(
    {"msgIden": st.just("urn:3gpp:msgin5g"), "msgType": KINDS},
    optional={
        "oriAddr": st.one_of(JUNK, st.builds(lambda name: {"oriAddrType": "UE", "addr": name}, ue)),
        "destAddr": st.one_of(JUNK, st.builds(lambda name: {"destAddrType": "UE", "addr": name}, ue)),
        "msgId": JUNK,
        "credential": JUNK,
        "appId": JUNK,
        "payload": JUNK,
        "DelSta": JUNK,
        "segId": JUNK,
    },
)
HTTP = st.dictionaries(
    st.sampled_from(
        ["asSvcId", "targetUri", "oriAddr", "destAddr", "msgId", "stoAndFwInd", "delivSt", "asProf"]
    ),
    JUNK,
).map(lambda body: json.dumps(body).encode())
STEPS = weighted(
    step("register", ue),
    step("send", ue, to, st.sampled_from([0, 20, 1500, 5000]), st.booleans(), weight=4),
    step("deliver", to, st.sampled_from([0, 20, 5000]), weight=2),
    step("body", ue, BODY, weight=2),
    step(
        "octets",
        ue,
        OCTETS,
        st.sampled_from(["msgin5g", "msgin5g/alerts", "x", ""]),
        st.sampled_from([1, 2, 2, 3, 4]),
        st.sampled_from([50, 0, None]),
    ),
    step("datagram", st.binary(max_size=60), weight=2),
    step("http", st.sampled_from(PATHS), st.one_of(OCTETS, HTTP), st.booleans(), weight=2),
    step("answers", ue, st.lists(st.sampled_from(["2.04", "4.04", "5.03", "2.04"]), min_size=1, max_size=3)),
    step("restart"),
)


@tried(6)
@given(st.lists(STEPS, min_size=15, max_size=40))
def test_any_sequence(steps):
    program(wire_world, steps)
