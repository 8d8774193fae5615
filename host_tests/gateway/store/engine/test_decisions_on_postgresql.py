# SPDX-License-Identifier: MIT
"""The tests of decisions, each with a database of PostgreSQL for its store."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.gateway.store.engines import NOT_ON_POSTGRESQL, ON_POSTGRESQL

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.slow
def test_decisions_are_the_same_on_postgresql():
    words = ["-m", "pytest", "-q", "-n", "0", "--engine", "postgresql", *ON_POSTGRESQL]
    words += [f"--deselect={name}" for name in NOT_ON_POSTGRESQL]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout
