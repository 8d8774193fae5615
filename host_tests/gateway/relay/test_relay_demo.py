# SPDX-License-Identifier: MIT
"""`make demo LINK=relay`: two devices with OSCORE through a relay that dies on the way."""

import re

from host_tests.gateway.device.test_demo import begin, end

STEPS = [
    "relay -> server       two devices from one relay, each from a port of its own",
    "sensor-1 -> server    registers for 3600 s; takes segments of up to",
    'sensor-1 -> weather   "21.5 °C", 8 octets, and wants a report',
    'weather -> sensor-1   report: delivered; so says the device: "delivered"',
    'weather -> sensor-1   "open the valve", 14 octets, and wants a report',
    "sensor-1 -> weather   report: delivered",
    "sensor-1 -> weather   65536 octets from a file, in segments",
    'weather -> sensor-1   report: delivered; so says the device: "delivered"',
    "weather -> sensor-1   65536 octets, in segments",
    "sensor-1 -> weather   report: delivered",
    'sensor-1 -> weather   "65536 octets, SHA-256',
    "sensor-1 -> server    de-registers, and ends",
    'door-2                "the door is open", while the relay was killed',
    "door-2 -> weather     the relay is back, and it arrives, once, reported",
    'weather -> door-2     "close it", to where the server found it again, reported',
    "door-2 -> server      de-registers, and ends",
]


def test_every_step_is_seen_through_the_relay(tmp_path):
    demo = begin(tmp_path, "--link", "relay")
    output = end(demo)
    assert demo.returncode == 0, output
    steps = re.findall(r"^ *\d+\.\d\d s  (.*)$", output, re.M)
    assert len(steps) == len(STEPS)
    for step, expected in zip(steps, STEPS, strict=True):
        assert step.startswith(expected)
    assert "All 16 steps were seen on the other side" in output
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_fails_behind_the_relay_fails_the_demo(tmp_path):
    demo = begin(tmp_path, "--link", "relay", "--heap", "64k")
    output = end(demo)
    assert demo.returncode == 1
    assert "FAILED  expected" in output
    assert "MemoryError" in output.partition("What door-2 said\n")[2]
    assert list(tmp_path.iterdir()) == []
