# SPDX-License-Identifier: MIT
"""What the firmware says to a configuration, and one thing that it would notice only when it is too late."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UsageError
from tools.update import public

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("firmware_check.py")


@dataclass(frozen=True)
class Verdict:
    """`key` and `error`: what the ConfigError names and says, None for a configuration that a device starts with.

    `row`: the row of the device's storage that has the sequence numbers of its OSCORE key; None without such a key.
    """

    key: str | None
    error: str | None
    row: str | None


def check(*configurations):
    """A Verdict for each, which is a dict, the octets of a file, or None for a file that is not there."""
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(ROOT / "firmware")],
        # They have keys in them: they go by its standard input, and into no file.
        input=json.dumps([_text(each) for each in configurations]),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        # Without its traceback, which might quote what it was given.
        raise UsageError(f"the firmware's check of the configuration ended with exit code {done.returncode}")
    found = [Verdict(*each) for each in json.loads(done.stdout)]
    return [_look_closer(*each) for each in zip(configurations, found, strict=True)]


def _look_closer(configuration, verdict):
    """A device starts with any key of this length for its updates, and then refuses each: who is to notice?"""
    if verdict.error is not None or configuration is None:
        return verdict
    config = configuration if isinstance(configuration, dict) else json.loads(configuration)
    section = config.get("update")
    if section is None or public.parse(bytes.fromhex(section["key"])) is not None:
        return verdict
    return Verdict(
        "update.key", "update.key: is no key that signs updates; msgin5g keys makes FILE.pub", verdict.row
    )


def _text(configuration):
    if configuration is None:
        return None
    if isinstance(configuration, dict):
        return json.dumps(configuration)
    try:
        return configuration.decode()
    except UnicodeDecodeError:
        return ""  # no JSON either
