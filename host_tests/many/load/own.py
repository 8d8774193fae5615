# SPDX-License-Identifier: MIT
"""A server for a load that was given none: `msgin5g server` on SQLite, in a folder that goes with it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from host_tests.many.load.device import ROOT
from tools.errors import UsageError

STARTS = 60  # s


@contextlib.contextmanager
def server(security):
    """(the URI of its CoAP side, that of its HTTP side, its store)."""
    with tempfile.TemporaryDirectory() as folder:
        events, store = Path(folder, "events"), Path(folder, "server.db")
        command = [sys.executable, "-m", "tools.cli", "server", "--security", security]
        command += ["--open"] * (security == "none")
        command += ["--coap", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        command += ["--store", str(store), "--events", str(events)]
        program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            told = _listening(program, events)
            yield "coap://" + told["coap"], "http://" + told["http"].removeprefix("http://"), str(store)
        finally:
            program.terminate()
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            program.stderr.close()


def _listening(program, events):
    end = time.monotonic() + STARTS
    while time.monotonic() < end:
        for line in events.read_text().splitlines() if events.exists() else ():
            said = json.loads(line)
            if said["event"] == "listening":
                return said
        if program.poll() is not None:
            said = program.stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise UsageError("load: the server has ended: " + said)
        time.sleep(0.05)
    raise UsageError("load: the server did not start within %d s" % STARTS)
