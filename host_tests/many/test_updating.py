# SPDX-License-Identifier: MIT
"""Fifty devices get a bundle by stages, while datagrams are lost, the server is killed and boards lose their power."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEVICES = 50


@pytest.fixture(scope="module")
def told():
    command = [sys.executable, "-m", "host_tests.many.updating", "--devices", str(DEVICES)]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_each_device_comes_to_its_end_and_the_server_says_which(told):
    """One refuses it, one rolls back: that pauses no job that bears three."""
    assert told["job"] == "done"
    assert told["states"] == {"confirmed": DEVICES - 2, "refused": 1, "rolled-back": 1}
    assert told["differ"] == []


def test_each_that_took_it_has_all_of_it(told):
    assert told["whole"] == DEVICES - 1


def test_five_came_first_and_the_others_in_four_stages(told):
    """30 % of 45 devices are 14: 5, 14, 14, 14, 3."""
    assert told["stages"] == 5


def test_losses_kills_and_power_cuts_were_in_it(told):
    assert told["kills"] == 4
    assert told["datagrams_lost"] > 0.04 * told["datagrams"]
    assert told["wrong"] == {}


def test_what_was_lost_is_sent_again_and_little_more(told):
    """An offer each, and one more where a device had lost it; of 100 pieces few come that nobody wants any more."""
    assert DEVICES <= told["offers"] <= DEVICES + 4 * DEVICES // 10
    assert told["unasked"] <= 10
