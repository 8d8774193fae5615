# SPDX-License-Identifier: MIT
"""Any sequence of valid, half valid and hostile requests, answers, silences and restarts against the gateway's server:
nothing accepted is lost, nothing comes twice, every answer is a documented one, what is kept is bounded.

A sequence that fails is printed as a program. HYPOTHESIS_PROFILE=deep tries more.
"""

from hypothesis import given
from hypothesis import strategies as st

from host_tests.properties import gateway_world
from host_tests.properties.gateway_world import SERVERS, TOPICS, UES
from host_tests.properties.sequences import JUNK, OCTETS, program, step, tried, weighted

ANSWERS = ("2.04", "", "4.04", "5.03", "2.04", "4.00", "5.00", "2.04")
ue, as_, topic = st.sampled_from(UES), st.sampled_from(SERVERS), st.sampled_from(TOPICS)
recipient = st.sampled_from((*UES, "ue:nobody"))
target = st.one_of(
    st.tuples(st.just("UE"), recipient),
    st.tuples(st.just("AS"), as_),
    st.tuples(st.just("TOPIC"), topic),
    st.tuples(st.just("GROUP"), st.just("g")),
)
small = st.integers(0, 20)
members = st.dictionaries(
    st.sampled_from(["sfFlag", "isDelivStatReq", "appId", "priority", "sfParam", "sfFlag "]),
    st.sampled_from(
        [True, False, "true", "1", ["1", "2"], "LOW", {"expireTime": "1970-01-12t14:46:40z"}, None]
    ),
    max_size=3,
)
profile = st.sampled_from([{}, {"cliProfile": {"maxSegSize": 40}}, {"regExpTime": 60}, {"regExpTime": 60.0}])


STEPS = weighted(
    step("register", ue),
    step("body", ue, st.builds(lambda u, p: gateway_world.own("REG", u, **p), ue, profile)),
    step("leave", ue),
    step(
        "bulk",
        ue,
        st.sampled_from(["BREG", "BREG", "DEREG", "BDEREG"]),
        st.lists(st.one_of(recipient, recipient, JUNK), max_size=4),
        weight=2,
    ),
    step("send", ue, target, st.integers(0, 3000), members, weight=4),
    step(
        "segments",
        ue,
        recipient,
        st.integers(1, 5),
        st.lists(small, min_size=1, max_size=9),
        st.sampled_from([None, None, "1", "ab", "AB"]),
        st.booleans(),
    ),
    step(
        "segments",
        ue,
        recipient,
        st.integers(1, 5),
        st.permutations(range(5)),
        st.just(None),
        st.booleans(),
        weight=2,
    ),
    step("aggregate", ue, st.sampled_from((*UES, "ue:nobody")), st.integers(1, 4), members, weight=2),
    step("again", small, weight=3),
    step("changed", small, st.integers(0, 30), JUNK, ue),
    step("raw", ue, OCTETS, st.sampled_from([50, 50, None, 0, 60])),
    step("body", ue, st.dictionaries(st.text(max_size=9), JUNK, max_size=4)),
    step("report", ue, small, st.booleans()),
    step("about_sets", ue),
    step("topic", ue, topic, st.sampled_from([0, 0, 1, None, 2]), st.one_of(st.none(), OCTETS)),
    step("server", as_, st.booleans()),
    step("deliver", as_, target, st.integers(0, 3000), st.just({}), weight=2),
    step("as_report", as_, small, st.booleans()),
    step(
        "http",
        st.sampled_from(["register", "message", "report"]),
        st.dictionaries(st.sampled_from(["oriAddr", "destAddr", "msgId", "asSvcId", "targetUri"]), JUNK),
    ),
    step(
        "wait",
        st.sampled_from([0, 0, 1, 5, 70, 400]),
        st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4),
        weight=4,
    ),
    step("restart"),
)
HEAD = [("register", each) for each in UES] + [("server", each, True) for each in SERVERS]


@tried(80)
@given(st.lists(STEPS, min_size=12, max_size=50))
def test_any_sequence(steps):
    program(gateway_world, HEAD + steps)
