# SPDX-License-Identifier: MIT
"""What the tests of random sequences share: how many, what junk, and the program that repeats one that fails."""

import os
import pprint

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st

# As text that others might send in the place of anything
WORDS = st.sampled_from(
    [
        "",
        "0",
        "true",
        "ue:a",
        "UE",
        "AS",
        "(1-2)",
        "ä\x00",
        "data:;base64,!",
        "data:;base64,QUI=",
        "x" * 300,
        "\x1b[2J",
    ]
)
JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 70000), st.just(10**30), st.floats(allow_nan=False), WORDS
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["addr", "oriAddrType", "msgId", "payload", "x"]), inner, max_size=3),
    ),
    max_leaves=5,
)
OCTETS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"{", b"[" * 2000, b'{"a":' * 500, b"{}", b"[]", b"null", b'{"msgType":"MSG"}', b'{"a":NaN}']
    ),
)


def step(name, *arguments, weight=1):
    """(how often it is drawn, strategy of a step)"""
    return weight, st.tuples(st.just(name), *arguments)


def weighted(*steps):
    """One of the steps; more of what makes something happen than of what ends it."""
    return st.sampled_from([each for weight, each in steps for _ in range(weight)]).flatmap(lambda each: each)


def tried(number):
    """The settings of a test: so many examples, the same in each run; with HYPOTHESIS_PROFILE=deep twenty times as
    many, others each time."""
    deep = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
    return settings(
        max_examples=number * 20 if deep else number,
        derandomize=not deep,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def program(world, steps):
    """Runs the steps; what fails is noted as a program that does the same."""
    note(
        "To run it again:\n\nfrom %s import run\n\nrun(%s)\n"
        % (world.__name__, pprint.pformat(steps, width=110))
    )
    world.run(steps)
