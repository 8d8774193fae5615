# SPDX-License-Identifier: MIT
"""The demo as a user starts it: its exit code says whether all was seen."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tools.programs.micropython import BIN
from tools.programs.patience import communicate

STEPS = [
    "weather -> gateway    registers, and says where it wants to be posted to",
    "sensor-1 -> gateway   registers for 3600 s; takes segments of up to",
    'sensor-1 -> weather   "21.5 °C", 8 octets, and wants a report',
    'weather -> sensor-1   report: delivered; so says the device: "delivered"',
    'weather -> sensor-1   "open the valve", 14 octets, and wants a report',
    "sensor-1 -> weather   report: delivered",
    "sensor-1 -> weather   65536 octets from a file, in segments",
    'weather -> sensor-1   report: delivered; so says the device: "delivered"',
    "weather -> sensor-1   65536 octets, in segments",
    "sensor-1 -> weather   report: delivered",
    'sensor-1 -> weather   "65536 octets, SHA-256',
    "sensor-1 -> gateway   de-registers, and ends",
    "sensor-1              three alarms into its outbox, while the gateway was killed",
    "sensor-1              loses its power",
    "sensor-1              starts again, as does the gateway, and finds three alarms in its outbox",
    "sensor-1 -> weather   three alarms, in order, each once, each reported",
    "tank-2 -> gateway     out of its box: no address, no service ID; finds it by 224.0.1.187",
    'gateway -> tank-2     "urn:imei:35-209900-176148-1" is ue:tank-2@example.org',
    "tank-2 -> gateway     registers for 3600 s; ",
    'tank-2 -> weather     "level 0.7 m", reported: delivered',
    "gateway -> server     one request registers meter-1, -2 and -3, which may wait for it",
    'weather -> group      "read at noon": meter-1 and -2 have it, and meter-3, which slept',
    'weather -> topic      "night" to "tariff": the two that are subscribed have it',
    'weather -> area       "stay inside": the two that live there have it',
    "meter-1 -> weather    eight readings, each a message of its own, in one request",
    "weather -> meter-3    it listens for 1 s in 6: has its message after ",
    "meters -> gateway     de-register, and end",
    "garden-1 -> weather   version 1 of its application says that it runs",
    "gateway -> garden-1   version 2, signed: a bundle of ",
    "garden-1 -> weather   version 2 says that it runs; registered, so it stays: confirmed",
    "garden-1              version 3, signed too, raises at each of its three starts",
    "garden-1 -> gateway   goes back to version 2 by itself: start: 3 starts failed: ValueError: no such pump",
]


def begin(folder, *arguments, **environment):
    """The demo, with `folder` for its temporary files."""
    return subprocess.Popen(
        [BIN / "msgin5g", "demo", *arguments],
        env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        # as at a terminal; what runs in a shell's background was told to ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def end(demo, seconds=60):
    try:
        return communicate(demo, seconds)[0]
    finally:
        demo.kill()


def check(demo, output, expected):
    """It ended well, with these steps, each by its beginning."""
    assert demo.returncode == 0, output
    steps = re.findall(r"^ *\d+\.\d\d s  (.*)$", output, re.M)
    assert [step[: len(begun)] for step, begun in zip(steps, expected, strict=True)] == expected
    assert f"All {len(expected)} steps were seen on the other side" in output


def test_every_step_is_seen(tmp_path):
    demo = begin(tmp_path)
    output = end(demo)
    check(demo, output, STEPS)
    assert "\x1b" not in output  # plain where it is no terminal
    assert list(tmp_path.iterdir()) == []


def test_every_step_is_seen_with_the_newest_micropython(tmp_path, newer_micropython):
    """With the one that pip has, as `make demo` takes it where there is no apt."""
    demo = begin(tmp_path, MICROPYTHON=str(newer_micropython))
    check(demo, end(demo), STEPS)


def test_a_device_that_fails_fails_the_demo(tmp_path):
    # Not enough for the imports: the device ends, and what it said is there to read.
    demo = begin(tmp_path, "--heap", "64k")
    output = end(demo)
    assert demo.returncode == 1
    assert "FAILED  expected the device to go on, it ended with exit code 1" in output
    said = output.partition("What the device said\n")[2]
    assert "MemoryError" in said
    assert f"All {len(STEPS)} steps" not in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_nothing_is_left_when_it_is_broken_off(tmp_path, number):
    demo = begin(tmp_path)
    for line in demo.stdout:
        if "registers for" in line:
            break
    demo.send_signal(number)
    end(demo)
    assert demo.returncode == 130
    assert list(tmp_path.iterdir()) == []
    assert not [p for p in running() if str(tmp_path) in p]


def running():
    """The folder of each process that we may look at."""
    if not Path("/proc/self/cwd").exists():
        listing = subprocess.run(["lsof", "-d", "cwd", "-Fn"], capture_output=True, text=True)
        return [line[1:] for line in listing.stdout.splitlines() if line.startswith("n")]
    folders = []
    for process in Path("/proc").glob("[0-9]*/cwd"):
        try:
            folders.append(str(process.readlink()))
        except OSError:
            continue  # it has ended, or is not ours
    return folders
