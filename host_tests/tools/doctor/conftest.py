# SPDX-License-Identifier: MIT
"""A machine that stands in for this one: its programs are scripts that print what the real ones print."""

import argparse
import os

import pytest

from tools import doctor
from tools.doctor.machine import Machine


class StandIn(Machine):
    """`program(name, script)` puts one on its PATH; `write(name, text)` a file below its root."""

    def __init__(self, folder, platform="linux"):
        (folder / "bin").mkdir()
        super().__init__(folder, str(folder / "bin"), platform)

    is_root = False

    def program(self, name, script):
        path = self.root / "bin" / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)

    def write(self, name, text):
        path = self.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def machine(tmp_path):
    folder = tmp_path / "machine"
    folder.mkdir()
    return StandIn(folder)


@pytest.fixture
def args(tmp_path):
    """What `msgin5g doctor` has for arguments; `args(coap=...)` with other ones."""
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)

    def made(**more):
        found = parser.parse_args([])
        for name, value in ({"store": str(tmp_path / "gateway.db")} | more).items():
            setattr(found, name, value)
        return found

    return made


@pytest.fixture(autouse=True)
def _shell(monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"])  # scripts need sh, and nothing else
