# SPDX-License-Identifier: MIT
"""Any sequence of valid, half valid and hostile requests, answers, silences and restarts against the device's Client:
nothing acknowledged is lost, nothing comes twice, every answer is a documented one, all that was sent ends.

A sequence that fails is printed as a program. HYPOTHESIS_PROFILE=deep tries more.
"""

from hypothesis import given
from hypothesis import strategies as st

from host_tests.properties import device_world
from host_tests.properties.device_world import SENDERS
from host_tests.properties.sequences import JUNK, OCTETS, program, step, tried, weighted

sender = st.sampled_from(SENDERS)
small = st.integers(0, 20)
SAID = st.one_of(
    st.just("ok"),
    st.just("ok"),
    st.sampled_from([None, "reset", 68, 128, 129, 132, 136, 141, 157, 160, 161, 163]),
    st.tuples(
        st.just(68),
        st.sampled_from(
            [
                "{",
                "[" * 900,
                '{"result":true}',
                '{"result":false,"cause":"x\\u001b"}',
                '{"expectedTime":2147483647}',
                '{"oriAddr":{"addr":"ue:a@x"}}',
                '{"result":true,"regExpTime":1}',
                '{"result":"perhaps"}',
                "null",
            ]
        ),
    ),
)
members = st.dictionaries(
    st.sampled_from(["isDelivStatReq", "appId", "priority", "oriDestAddr", "unknown", "lastSegFlag"]),
    st.sampled_from(
        [True, False, "true", "1", ["1", "2"], "LOW", {"destAddrType": "GROUP", "addr": "g"}, None]
    ),
    max_size=2,
)
options = st.dictionaries(st.sampled_from(["report", "store_forward"]), st.booleans())
about = st.dictionaries(
    st.sampled_from(["DelSta", "Cause", "segNoList", "result", "oriAddr", "msgId"]),
    st.one_of(st.sampled_from(["success", "failure", "(1-1)", "(1-2),(4-4)", True, False]), JUNK),
    max_size=4,
)
STEPS = weighted(
    step("answers", st.lists(SAID, min_size=1, max_size=4), weight=2),
    step("run", st.sampled_from([0, 1, 5, 30, 300, 4000, 90000])),
    step("restart", st.sampled_from([0, 3, 60])),  # s that small messages wait for each other
    step("send", sender, st.sampled_from([0, 10, 900, 3000]), options, weight=2),
    step("take", st.integers(1, 3), weight=2),
    step("message", sender, st.sampled_from([0, 5, 900]), members),
    step("message", sender, st.sampled_from([0, 5, 900]), st.just({}), weight=3),
    step(
        "segments", sender, st.integers(1, 5), st.lists(small, min_size=1, max_size=8), st.booleans(), members
    ),
    step("segments", sender, st.integers(1, 5), st.permutations(range(5)), st.booleans(), st.just({})),
    step("aggregate", sender, st.integers(1, 4)),
    step("again", small, weight=3),
    step("changed", small, st.integers(0, 20), JUNK),
    step(
        "body",
        OCTETS,
        st.sampled_from(["/msgin5g", "/msgin5g", "/", "/x/y"]),
        st.sampled_from([50, 50, None, 0, 60]),
        st.sampled_from([2, 2, 2, 1, 3, 4]),
    ),
    step(
        "about",
        st.sampled_from(["IMDN", "MSGRESP", "SEGREC", "SEGCONFIR", "REGRESP", "DEREGRESP"]),
        small,
        about,
    ),
    step("datagram", st.binary(max_size=60), st.booleans()),
)


@tried(50)
@given(st.lists(STEPS, min_size=10, max_size=40))
def test_any_sequence(steps):
    program(device_world, steps)
