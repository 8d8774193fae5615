# SPDX-License-Identifier: MIT
"""A thousand devices, the server and two Gateway UEs, in virtual time: every promise holds for all of them together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def told(devices, seed=1):
    command = [sys.executable, "-m", "host_tests.many.story", "--devices", str(devices), "--seed", str(seed)]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    print("%(devices)d devices: %(octets_a_device)d octets each, %(events_a_second)d events a second" % found)
    return found


@pytest.fixture(scope="module")
def thousand():
    return told(1000)


def test_all_of_a_thousand_are_registered_and_every_message_is_delivered_and_reported(thousand):
    assert set(thousand["ended"]) == {"delivered"} and sum(thousand["ended"].values()) > 2000
    assert thousand["lost"] == 0


def test_nobody_has_anything_twice_over_losses_and_kills(thousand):
    assert thousand["twice"] == 0
    assert thousand["kills"] == 2 and thousand["datagrams_lost"] > 0.04 * thousand["datagrams"]


def test_what_one_sends_to_another_comes_in_its_order(thousand):
    assert thousand["out_of_order"] == 0


def test_each_of_the_many_has_reported(thousand):
    assert thousand["unreported"] == 0


def test_messages_were_joined_and_devices_asleep(thousand):
    """A seventh sends three at once in either round, a fifth listens 20 s in 300."""
    assert thousand["joined"] >= 2 * 1000 // 7
    assert thousand["asleep"] > 0.5


def test_nothing_goes_wrong_inside(thousand):
    assert thousand["wrong"] == {}


def test_the_memory_of_the_second_half_is_that_of_the_first(thousand):
    first, second = thousand["octets_of_a_half"]
    assert second < 1.25 * first
