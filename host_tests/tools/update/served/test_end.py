# SPDX-License-Identifier: MIT
"""All of it, each a program of its own: a bundle is signed and sent, and the firmware on MicroPython starts with it,
behind a Gateway UE, whatever becomes of the server meanwhile. A bad one rolls back."""

import contextlib
import json
import signal
import sys

from host_tests.gateway.devices import GATEWAY, UE, UPPER, Apart, config, run
from tools.demo.processes import Process, command
from tools.store.store import Store

APP = """
import asyncio
import device


async def main():
    await device.start()
    print("this is", {version!r})
    while True:
        await asyncio.sleep(60)


asyncio.run(main())
"""
DATA = bytes(range(256)) * 250  # 64,000 octets: four pieces


class Scene:
    """A signing key, a server and a gateway, and a device that has the key."""

    def __init__(self, folder):
        self.folder = folder

    async def __aenter__(self):
        self.stack = await contextlib.AsyncExitStack().__aenter__()
        await command(self.folder, "keys", "make", "updates.key", "--signatures", "32")
        self.gateway = await self.stack.enter_async_context(Apart(self.folder, "--open", victim=UPPER))
        # whoever comes, registers through this gateway
        await command(self.folder, "server", "device", "add", UE, "--via", GATEWAY, "--store", "server.db")
        app = self.folder / "app.py"
        app.write_text(APP.format(version="old"))
        key = (self.folder / "updates.key.pub").read_text().strip()
        made = config(self.gateway.coap[1], update={"key": key})
        (self.folder / "device.json").write_text(json.dumps(made))
        words = ("device", "--state", "device", "--config", "device.json", "--restart", app)
        self.device = Process((sys.executable, "-m", "tools.cli", *words), folder=self.folder)
        await self.stack.enter_async_context(self.device)
        await self.says("this is old")
        await self.gateway.event("registered", ue=UE)
        return self

    async def __aexit__(self, *exception):
        await self.stack.__aexit__(*exception)

    async def says(self, text):
        await self.device.lines.until(lambda line: text in line, f"the device to say {text!r}", 60)

    async def send(self, version, app, **files):
        """The number of the job that brings this application."""
        made = self.folder / version
        made.mkdir()
        (made / "app.py").write_text(app)
        for name, octets in files.items():
            (made / name).write_bytes(octets)
        file = f"{version}.bundle"
        about = ("--board", "unix", "--version", version, "--name", "garden", "--trial", "60")
        await command(self.folder, "bundle", made, *about, "--key", "updates.key", "-o", file)
        await command(self.folder, "update", "send", file, "--ue", UE, "--no-wait", "--store", "server.db")
        return len(list(self.folder.glob("*.bundle")))

    def row(self, job):
        store = Store(str(self.folder / "server.db"), serving=False, create=False)
        try:
            return store.update_device(job, UE)
        finally:
            store.close()


def test_a_device_gets_new_code_while_the_server_is_killed_and_goes_back_from_bad_code(tmp_path):
    async def main():
        async with Scene(tmp_path) as scene:
            upper = scene.gateway.upper
            job = await scene.send("1.4", APP.format(version="new"), data=DATA)
            await upper.event("update", job=job, state="loading")
            await upper.end(signal.SIGKILL)
            await upper.start()
            await scene.says("this is new")
            await upper.event("update", job=job, state="confirmed", seconds=60)
            slot = tmp_path / "device/slots/a/app"
            assert (slot / "data").read_bytes() == DATA
            assert scene.row(job).state == "confirmed"

            bad = await scene.send("1.5", 'raise ValueError("a bad day")\n')
            told = await upper.event("update", job=bad, state="rolled-back", seconds=60)
            assert told["cause"].startswith("start: 3 starts failed: ValueError: a bad day")
            assert scene.row(bad).cause == told["cause"]
            lines = [line for line in scene.device.lines.items if line.startswith("this is")]
            assert lines == ["this is old", "this is new", "this is new"]

    run(main())
