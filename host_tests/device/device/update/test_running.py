# SPDX-License-Identifier: MIT
# heap: 256k, the gateway, and each test another client
"""Updates of a client that runs: its application never sees their messages, and a device without the key of updates
pays for nothing."""

import asyncio
import sys

import coap
from common import Skip, equal
from msgin5g import MemoryStorage
from msgin5g_scene import GRANTED, PEER, msg, response

SETTINGS = {
    "role": "client",
    "ue_service_id": "ue:a@x",
    "peer": "coap://192.0.2.1:65401",
    "security": {"mode": "none"},
}
WITH_KEY = dict(SETTINGS, update={"key": "00" * 60})
APP_ID = '"appId":"msgin5g.update",'


class Link:
    """A gateway that registers the device, and agrees to everything."""

    peer = PEER
    dropped = 0

    def __init__(self):
        self._answers = []

    async def open(self):
        pass

    async def receive(self):
        while not self._answers:
            await asyncio.sleep(0)
        return self._answers.pop(0), PEER

    def send(self, octets, address):
        message = coap.decode(bytes(octets))
        if 1 <= message.code < 32:
            self._answers.append(bytes(response(message, (coap.CHANGED, GRANTED))))
        return True

    def post(self, body, mid):
        options = coap.path_options("/msgin5g") + [(coap.CONTENT_FORMAT, b"\x32")]
        self._answers.append(bytes(coap.encode(coap.Message(coap.POST, body, options, coap.CON, mid, b"p"))))

    def close(self):
        pass


class Board:
    name = "unix"

    def __init__(self):
        self.storage = MemoryStorage()
        self.link = Link()

    def links(self, config):
        return self.link

    def reset_cause(self):
        return "power-on"


async def running(config):
    """A client of `device.start`, that is registered, and its link."""
    from device import start

    board = Board()
    client = await start(config, board)
    while not client.registered:
        await asyncio.sleep(0)
    return client, board.link


def run(act):
    if sys.implementation.name != "micropython":
        raise Skip("the tasks of a device are those of MicroPython")
    from device import health, runner

    try:
        asyncio.run(act())
    finally:
        for client in runner.running[:]:
            client.abandon()
        asyncio.new_event_loop()
        health.starts = None


def test_what_a_device_without_the_key_does_not_load():
    """The first one, as those behind it do load it."""

    async def act():
        await running(SETTINGS)

    run(act)
    loaded = [
        name for name in sys.modules if name.startswith("device.update") or name.split(".")[0] == "base"
    ]
    equal(loaded, [])


def test_the_application_never_sees_its_messages():
    async def act():
        client, link = await running(WITH_KEY)
        link.post(msg("m-1", '"for the task"', more=APP_ID), 1)
        link.post(msg("m-2", '"for the application"'), 2)
        message = await client.receive(5)
        equal(message.payload, "for the application")
        while not client.stats["update_ignored"]:  # it is text, which says nothing
            await asyncio.sleep(0)
        equal((client.stats["update_ignored"], client.core.inbox), (1, []))

    run(act)


def test_not_even_of_before_the_link_is_open():
    async def act():
        from device import start

        board = Board()

        async def never():
            await asyncio.sleep(60)

        board.link.open = never
        client = await start(WITH_KEY, board)
        core = client.core
        link = board.link
        link.post(msg("m-1", '"for the task"', more=APP_ID), 1)
        core.receive(link._answers.pop(), core.peer, 0)
        equal((len(core.inbox), core.first(None)), (1, None))

    run(act)


def test_a_device_that_sleeps_as_soon_as_it_has_said_its_word_confirms_its_trial():
    """Registered is registered, however short it is awake: docs/application.md, "Sleeping"."""
    import base
    from base.record import load
    from device.update.noted import Noted
    from update_scene import SERVER, Place

    async def drained(client):
        equal(await client.drain(60), True)
        equal(client.core.outbox.queue, [])  # the server knows

    async def stopped(client):
        await client.stop()

    async def act(end):
        from device import start

        board = Board()
        noted = Noted(board.storage)
        noted.begin("0123456789abcdef", "app", SERVER, "AS", "verified")
        noted.write()
        record = load()
        record.update({"try": "a", "left": 2, "id": noted.id})
        base.record.save(record)
        base.on = True
        client = await start(WITH_KEY, board)
        await (await client.send("as:weather@x", "17.5")).wait()
        await end(client)
        equal((load()["now"], load()["try"]), ("a", ""))
        equal(Noted(board.storage).told, True)  # what says so is in the outbox, at least

    for end in (drained, stopped):
        with Place():
            run(lambda end=end: act(end))


def test_it_does_not_sleep_past_the_restart_that_an_update_waits_for():
    import os

    from base.record import load
    from device.update.noted import Noted
    from update_scene import SERVER, Bundle, Place, write

    async def act():
        from device import start

        board = Board()
        board.reset = lambda: resets.append(load()["try"])
        bundle = Bundle({"config.json": b"{}"}, kind="config", board="any")
        for folder in ("slots", "slots/a"):
            os.mkdir(folder)
        write("slots/a/manifest", bundle.manifest)
        write("slots/a/config.json", b"{}")
        noted = Noted(board.storage)
        noted.begin(bundle.id, "config", SERVER, "AS", "verified")
        noted.write()
        client = await start(WITH_KEY, board)
        client.on_update = lambda name, version: False  # not before all is said
        await client.send("as:weather@x", "17.5")
        while not client.registered:
            await asyncio.sleep(0)
        await client.drain(60)
        equal(resets, [])
        update.restart()
        equal((await client.drain(60), resets), (True, ["config"]))

    from device import update

    resets = []
    with Place():
        run(act)


def test_a_client_that_was_stopped_is_let_go_of():
    """The next one wants its memory."""
    from device import update

    async def act():
        client, _ = await running(WITH_KEY)
        while update._updates is None:
            await asyncio.sleep(0)
        equal(update.status()["state"], "")
        await client.stop()
        for _ in range(3):
            await asyncio.sleep(0)
        equal((update._updates, update.status()), (None, {}))
        client, _ = await running(WITH_KEY)
        while update._updates is None:
            await asyncio.sleep(0)
        equal(update._updates.client is client, True)

    run(act)


def test_the_calls_where_there_is_nothing():
    from device import update

    update.confirm()
    update.restart()
    equal(update.folder(), ".")
