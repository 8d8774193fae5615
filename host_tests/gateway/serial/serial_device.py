# SPDX-License-Identifier: MIT
"""A device process at one end of a cable, and what its application prints."""

import asyncio
import contextlib
import json
import os
import signal

from host_tests.gateway.scripted import LONG
from tools.device import HEAP, prepare
from tools.programs import patience

OWN = "ue:meter-7@example.org"

# Prints what happens as JSON lines; sends what the environment asks for: orders with `to`, `payload` ("file:NAME" is
# a file in its folder), `options` of send(), and a `count` of messages, each with its number for "#".
APP = """
import asyncio, binascii, hashlib, json, os
from device import start
from msgin5g import OutboxFull

def say(**event):
    print("event", json.dumps(event))

async def receive(client):
    async for m in client.messages():
        if m.size > 2048:
            digest = hashlib.sha256()
            for chunk in m.chunks():
                digest.update(chunk)
            say(kind="got", id=m.message_id, size=m.size, digest=str(binascii.hexlify(digest.digest()), "ascii"))
            continue
        payload = m.payload
        say(kind="got", id=m.message_id, sender=m.sender, size=m.size,
            payload=payload if isinstance(payload, str) else str(payload, "utf-8"))

async def main():
    client = await start()
    asyncio.create_task(receive(client))
    for order in json.loads(os.getenv("ORDERS")):
        for number in range(order.get("count", 1)):
            payload = order["payload"].replace("#", str(number))
            await send(client, order["to"], payload, order.get("options", {}))
    while not stopping():
        await asyncio.sleep_ms(50)
        state = (client.core.registration.state, client.core.registration.cause)
        if state != client_state[0]:
            client_state[0] = state
            say(kind="registration", state=state[0], cause=state[1])
    await client.stop()
    say(kind="stopped", stats=client.stats)

async def send(client, to, payload, options):
    content = open(payload[5:], "rb") if payload.startswith("file:") else payload
    while True:
        await asyncio.sleep_ms(1)
        try:
            outgoing = await client.send(to, content, **options)
        except OutboxFull:
            continue
        except Exception as error:
            say(kind="error", type=type(error).__name__, text=str(error))
            return
        asyncio.create_task(follow(outgoing, payload))
        return

client_state = [None]

def stopping():
    try:
        os.stat("stop")
        return True
    except OSError:
        return False

async def follow(outgoing, payload):
    state = await outgoing.wait()
    say(kind="ended", id=outgoing.message_id, payload=payload[:40], state=state, cause=outgoing.cause)

asyncio.run(main())
"""


class SerialDevice:
    """`events` holds what the application said, one dict each."""

    def __init__(self, folder, peer, orders=(), heap=HEAP, **config):
        self._folder = folder
        self._heap = heap
        self._orders = list(orders)
        self.config = {
            "role": "application client",
            "ue_service_id": OWN,
            "peer": peer,
            "security": {"mode": "none"},
            "application": {"app_id": 7, "credential": "c0ffee"},
            "l3": {"timeout": 0.1},
            "coap": {"ack_timeout": 0.1},
        } | config
        self.events = []
        self.output = []
        self._changed = asyncio.Event()

    async def __aenter__(self):
        app, config = self._folder / "app.py", self._folder / "given.json"
        app.write_text(APP)
        config.write_text(json.dumps(self.config))
        command, environment = prepare(self._folder / "state", config, self._heap, app)
        self._process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self._folder / "state",
            env=environment | {"ORDERS": json.dumps(self._orders)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def _read(self):
        while line := await self._process.stdout.readline():
            text = line.decode(errors="replace").rstrip()
            self.output.append(text)
            if text.startswith("event "):
                self.events.append(json.loads(text[6:]))
            self._changed.set()
        self.output.append("(the process ended)")
        self._changed.set()

    def find(self, **fields):
        return [e for e in self.events if all(e.get(name) == value for name, value in fields.items())]

    async def wait(self, count=1, seconds=LONG, **fields):
        try:
            async with patience.patience(seconds):
                while len(self.find(**fields)) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(
                "%d of %d events %s; it said:\n%s" % (len(self.find(**fields)), count, fields, self.tail())
            ) from None
        return self.find(**fields)[-1]

    def tail(self):
        return "\n".join(self.output[-30:])

    async def stop(self):
        """Lets the application de-register and end; its counters."""
        (self._folder / "state/stop").touch()
        return (await self.wait(kind="stopped"))["stats"]

    async def __aexit__(self, *exception):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await self._reader
