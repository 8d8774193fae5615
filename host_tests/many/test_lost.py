# SPDX-License-Identifier: MIT
"""With `coap.confirmable` "spec" one datagram is lost, whichever it is: the message is there once, within seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.interpreters import HELPERS, UNIX
from tools.image import bytecode
from tools.programs.micropython import BIN

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "host_tests/many"
HEAP = "256k"  # with the storage in it, which a board has in flash
ACK_TIMEOUT = 2  # s, by default (RFC 7252 section 4.8)
GAP = 5  # s without a new segment until SEGREC (docs/wire-profile.md)
LOOK = 0.25  # s between two looks of lost.py


def cpython():
    return [sys.executable, HERE / "core.py"], {"PYTHONPATH": path(ROOT / "firmware", *HELPERS)}


def micropython():
    command = [BIN / "micropython", "-X", "heapsize=" + HEAP, UNIX / "rom.py", bytecode.rom(), "core"]
    return command, {"MICROPYPATH": path(*HELPERS, UNIX, "/rom", ".frozen", HERE)}


def path(*folders):
    return os.pathsep.join(map(str, folders))


@pytest.fixture(scope="module", params=[cpython, micropython], ids=lambda each: each.__name__)
def told(request):
    """{(security, case): [s that each of two messages took]}; lost.py has seen that each came once, in its order."""
    program, variables = request.param()
    words = ["env", *("=".join(each) for each in variables.items()), *program]
    done = subprocess.run(
        [sys.executable, "-m", "host_tests.many.lost", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {(security, case): took for security, case, took in map(json.loads, done.stdout.splitlines())}


def test_whatever_is_lost_is_there_before_a_receiver_misses_it(told):
    quick = {case: took for case, took in told.items() if not case[1].startswith("slow")}
    for security, most in (("none", 2), ("oscore", 1)):
        for nstart in range(1, most + 1):
            found = {case for by, case in quick if by == security and case.endswith(" %d" % nstart)}
            assert found == {"nothing %d" % nstart} | {
                "%s %d %d" % (what, place, nstart)
                for what in ("request", "answer")
                for place in (0, 1, -2, -1)
            }
    for case, took in quick.items():
        assert max(took) < GAP, (case, took)
        assert (max(took) <= LOOK) == (case[1].startswith("nothing") or answered_by_its_end(case)), (
            case,
            took,
        )


def answered_by_its_end(case):
    """Whether what is lost is the answer to the last segment: SEGCONFIR says as much."""
    return case[1].startswith("answer -2 ")


def test_what_waits_longer_than_the_receiver_goes_again_when_it_is_asked_for(told):
    """At ACK_TIMEOUT 10 s. The SEGREC that is lost as well comes again after ACK_TIMEOUT * 1.5 at most."""
    for security in ("none", "oscore"):
        for case in ("slow request", "slow answer"):
            assert GAP <= told[security, case][0] <= GAP + LOOK
        assert GAP < told[security, "slow request SEGREC"][0] <= GAP + 1.5 * ACK_TIMEOUT + LOOK
