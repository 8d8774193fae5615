# SPDX-License-Identifier: MIT
"""The firmware and MicroPython's asyncio with a probe wherever its virtual machine looks for Ctrl-C: at each jump.
There an application can have KeyboardInterrupt raised, as a board does.

A real SIGINT would be no better: the unix port raises out of the signal's handler, in the middle of malloc too, which
no board does and no program survives.
"""

import os
import subprocess
import sys

from tools.demo.processes import Device
from tools.image import bytecode, workshop
from tools.image.boards import ROOT

# What the probes call.
PROBES = """
left = 0  # places until Ctrl-C; none where it is 0

def probe(value=None):
    global left
    if left:
        left -= 1
        if not left:
            raise KeyboardInterrupt
    return value
"""
ASYNCIO = ("__init__", "core", "event", "funcs", "lock", "stream")


def compiled(folder):
    """The folder of it all, as .mpy files, below `folder`."""
    asyncio = workshop.sources(print) / "extmod/asyncio"
    files = {f"asyncio/{name}.py": asyncio / f"{name}.py" for name in ASYNCIO}
    for path in bytecode.sources(bytecode.FIRMWARE):
        files[str(path.relative_to(bytecode.FIRMWARE))] = path
    for name, path in files.items():
        made = folder / "source" / name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(path.read_text())
    command = (sys.executable, "-m", "host_tests.gateway.device.probing", folder / "source")
    subprocess.run(command, cwd=ROOT, check=True)
    (folder / "source/probes.py").write_text(PROBES)
    return bytecode.compiled(folder / "source", folder / "compiled")


class ProbedDevice(Device):
    """A Device with that firmware; its code lies in the heap."""

    def __init__(self, folder, app, firmware):
        super().__init__(folder, app, heap="4m")
        self._firmware = firmware

    def _prepare(self):
        command, environment = super()._prepare()
        path = os.pathsep.join((str(self._firmware), "/rom", ".frozen"))
        return command, {**environment, "MICROPYPATH": path}
