# SPDX-License-Identifier: MIT
"""Whatever is killed between devices and Application Servers: what was accepted arrives, in order and once, and no
nonce of a key goes with two texts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.nodes.chaos.sniffed import Sniffed

ROOT = Path(__file__).resolve().parents[3]


def told(*words):
    command = [sys.executable, "-m", "host_tests.nodes.chaos.story", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    print(found)
    return found


# Three nodes, 300 devices, for minutes, are started by hand: python -m host_tests.nodes.chaos.story --store postgres
# --nodes 3 (docs/testing.md). They want a machine for themselves.
@pytest.mark.slow
@pytest.mark.parametrize(
    "store, killed", [("sqlite", {"server"}), ("postgres", {"server", "database", "network"})]
)
def test_what_was_accepted_arrives_whatever_is_killed(store, killed):
    found = told("--store", store, "--devices", 40, "--seconds", 45, "--every", 3, "--seed", 2)
    assert set(found["kills"]) == killed, "a seed that kills each of them"
    assert found["messages"] > 100 and found["ended"].get("accepted", 0) > 50
    assert (found["lost"], found["out_of_order"]) == (0, 0)
    # No application has anything twice: who takes it knows its ID. To its Application Server the server may bring again
    # what it had not noted when it died, or its database did: 16 are on their way to one of the five at most.
    assert found["twice"] == 0
    assert found["brought_again"] <= sum(found["kills"].values()) * 5 * 16
    assert found["nonces"] > found["messages"] and found["nonces_used_twice"] == 0
    assert found["wrong"] == {}


# ---- what it looks with ----------------------------------------------------------------------------------------------

# Version 1, Confirmable, no token; POST; then option 9 (OSCORE): 0x09 flags (kid, one octet of Partial IV), 5, kid 7.
REQUEST = b"\x41\x02\x00\x01\xaa" + b"\x93\x09\x05\x07" + b"\xff"
ANSWER = b"\x61\x44\x00\x01\xaa" + b"\x90" + b"\xff"  # an empty option: the nonce of the request
OWN = b"\x61\x44\x00\x01\xaa" + b"\x92\x01\x05" + b"\xff"  # with a Partial IV of its own


def sniffed(*datagrams):
    made = Sniffed()
    for octets, to_device in datagrams:
        made.note(1, octets, to_device)
    return made


def test_a_nonce_with_two_texts_is_found():
    assert not sniffed((REQUEST + b"x", False), (REQUEST + b"x", False)).used_twice
    assert len(sniffed((REQUEST + b"x", False), (REQUEST + b"y", False)).used_twice) == 1


def test_a_response_without_a_number_has_the_nonce_of_its_request():
    once = sniffed((REQUEST + b"x", False), (ANSWER + b"a", True), (ANSWER + b"a", True))
    assert not once.used_twice and once.count == 2
    assert sniffed((REQUEST + b"x", False), (ANSWER + b"a", True), (ANSWER + b"b", True)).used_twice


def test_a_number_of_ones_own_is_another_nonce_than_the_same_number_of_the_other_side():
    both = sniffed((REQUEST + b"x", False), (ANSWER + b"a", True), (OWN + b"b", True))
    assert not both.used_twice and both.count == 3
    assert sniffed((OWN + b"b", True), (OWN + b"c", True)).used_twice


def test_a_response_to_what_was_not_seen_is_counted_and_tells_nothing():
    made = sniffed((ANSWER + b"a", True))
    assert (made.unmatched, made.count) == (1, 0)


def test_keys_of_two_devices_have_nothing_in_common():
    made = Sniffed()
    made.note(1, REQUEST + b"x", False)
    made.note(2, REQUEST + b"y", False)
    assert not made.used_twice
