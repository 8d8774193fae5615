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
        """`msgin5g update send` of this application, which waits for its end."""
        made = self.folder / version
        made.mkdir()
        (made / "app.py").write_text(app)
        for name, octets in files.items():
            (made / name).write_bytes(octets)
        file = f"{version}.bundle"
        about = ("--board", "unix", "--version", version, "--name", "garden", "--trial", "60")
        await command(self.folder, "bundle", made, *about, "--key", "updates.key", "-o", file)
        words = ("update", "send", file, "--ue", UE, "--store", "server.db")
        return Process((sys.executable, "-m", "tools.cli", *words), folder=self.folder)

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
            async with await scene.send("1.4", APP.format(version="new"), data=DATA) as send:
                await upper.event("update", job=1, state="loading")
                await upper.end(signal.SIGKILL)
                await upper.start()
                await scene.says("this is new")
                assert await send.wait(60) == 0
            assert send.lines.items[-1] == "update 1 is done: confirmed by 1 of 1 device"
            slot = tmp_path / "device/slots/a/app"
            assert (slot / "data").read_bytes() == DATA

            async with await scene.send("1.5", 'raise ValueError("a bad day")\n') as send:
                assert await send.wait(60) == 1
            assert send.lines.items[-1] == "update 2 is done: confirmed by 0 of 1 device"
            row = scene.row(2)
            assert row.state == "rolled-back"
            assert row.cause.startswith("start: 3 starts failed: ValueError: a bad day")
            lines = [line for line in scene.device.lines.items if line.startswith("this is")]
            assert lines == ["this is old", "this is new", "this is new"]

    run(main())
