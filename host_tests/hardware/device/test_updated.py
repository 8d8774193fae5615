# SPDX-License-Identifier: MIT
"""An update as a person does it to a Pico on the desk: at the gateway's command line, with mpremote open beside it."""

import asyncio

from host_tests.hardware.device.test_registered import QUICK, UE, scene
from host_tests.tools.update import corpus
from tools.demo.processes import command

APP = """
import asyncio
from device import start
async def main():
    client = await start()
    print("this is %s")
    while True:
        await client.receive()
asyncio.run(main())
"""


def test_mpremote_sees_a_new_application_begin(image, tmp_path):
    async def run():
        config = QUICK | {"update": {"key": corpus.public().hex()}}
        async with scene(image, tmp_path, (APP % "old").encode(), config) as (gateway, _, pico, _):
            await pico.says("this is old")
            made = corpus.good(contents={"app/app.py": (APP % "new").encode()}, boards=("rp2040",))
            (tmp_path / "new.bundle").write_bytes(made.octets)
            await command(tmp_path, "update", "send", "new.bundle", "--ue", UE, "--store", "gateway.db")
            await pico.says("this is new")
            await gateway.event("update", ue=UE, state="confirmed")

    asyncio.run(run())
