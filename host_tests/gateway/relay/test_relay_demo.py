# SPDX-License-Identifier: MIT
"""`make demo LINK=relay`: two devices with OSCORE through a relay that dies on the way."""

from host_tests.gateway.device import test_demo
from host_tests.gateway.device.test_demo import begin, check, end

STEPS = [
    "relay -> server       two devices from one relay, each from a port of its own",
    *(step.replace("gateway ", "server  ") for step in test_demo.STEPS[1:12]),
    'door-2                "the door is open", while the relay was killed',
    "door-2 -> weather     the relay is back, and it arrives, once, reported",
    'weather -> door-2     "close it", to where the server found it again, reported',
    "door-2 -> server      de-registers, and ends",
]


def test_every_step_is_seen_through_the_relay(tmp_path):
    demo = begin(tmp_path, "--link", "relay")
    check(demo, end(demo), STEPS)
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_fails_behind_the_relay_fails_the_demo(tmp_path):
    demo = begin(tmp_path, "--link", "relay", "--heap", "64k")
    output = end(demo)
    assert demo.returncode == 1
    assert "FAILED  expected the device to go on" in output
    assert "MemoryError" in output.partition("What door-2 said\n")[2]
    assert list(tmp_path.iterdir()) == []
