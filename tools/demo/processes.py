# SPDX-License-Identifier: MIT
"""The gateway and devices as processes of their own, as a user starts them, each followed line by line."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tools import private
from tools.demo.feed import Feed, Unseen
from tools.device import CONFIG_NAME, HEAP, ROOT, hold, prepare
from tools.programs.patience import patience

APPS = Path(__file__).with_name("apps")  # what runs on the devices of the demo


class Process:
    """A program, and what it prints in `lines`. An async context manager: it does not outlive its block."""

    def __init__(self, command, environment=None, folder=None):
        self.lines = Feed()
        self.returncode = None
        self._command = [str(part) for part in command]
        self._environment = environment
        self.folder = folder
        self._process = None
        self._followers = []

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *exception):
        await self.end(signal.SIGTERM)

    async def start(self):
        self.lines.closed = False
        self._followers.clear()
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self.folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            **self._options(),
        )
        self._follow(self._process.stdout, self.lines, lambda line: line)

    def _options(self):
        return {}

    def _follow(self, stream, feed, read):
        self._followers.append(asyncio.create_task(_follow(stream, feed, read)))

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.send_signal(number)

    async def wait(self, seconds=20):
        """Its exit code, once all that it printed was read. Raises Unseen after `seconds`, None for never."""
        try:
            async with patience(seconds):
                self.returncode = await self._process.wait()
                await asyncio.wait(self._followers)
        except TimeoutError:
            raise Unseen(f"expected {Path(self._command[0]).name} to end within {seconds} s") from None
        return self.returncode

    async def end(self, number):
        """Ends it by a signal, for certain, and gives its exit code."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            self.signal(number)
        try:
            return await self.wait(10)  # a device may take 5 s to de-register
        except Unseen:
            self._process.kill()
            return await self.wait()


class Events:
    """Whose `events` is a Feed of what programs of `msgin5g` tell. A subclass has their `name`."""

    name = ""

    async def event(self, name, seconds=20, start=0, **fields):
        """The first event of that name with these fields."""
        return await self.events.until(
            lambda event: event["event"] == name and all(event.get(k) == v for k, v in fields.items()),
            f"the {self.name} to tell {name!r} {fields or ''}".rstrip(),
            seconds,
            start,
        )

    def count(self, name, **fields):
        return sum(
            event["event"] == name and all(event.get(k) == v for k, v in fields.items())
            for event in self.events.items
        )


class Telling(Events, Process):
    """A program of `msgin5g`: `events` has what it tells. A subclass has its `name` and gives its `arguments()`."""

    def __init__(self, folder):
        super().__init__((), folder=folder)
        self.events = Feed()

    def arguments(self):
        return ()

    async def start(self):
        self.events.closed = False
        ours, its = os.pipe()
        self._descriptors = (its,)
        self._command = [sys.executable, "-m", "tools.cli", self.name, "--events", f"/dev/fd/{its}"]
        self._command += self.arguments()
        self._environment = _environment()
        try:
            await super().start()
        finally:
            os.close(its)
        reader = asyncio.StreamReader(limit=1 << 20)
        pipe = os.fdopen(ours, "rb")
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        self._follow(reader, self.events, json.loads)

    def _options(self):
        return {"pass_fds": self._descriptors}


class Gateway(Telling):
    """`msgin5g gateway`, or the server by itself: `coap` and `http` are where it listens, once that was told.

    Killed and started again it keeps its ports and its store. Devices that look for a gateway hear of it where it is
    `found`: whoever else runs on this machine would find it, too. `store`: what --store says.
    """

    def __init__(self, folder, *arguments, security="none", name="gateway", found=False, store="gateway.db"):
        super().__init__(folder)
        self.name = name
        self.store = store
        self.coap = self.http = ("127.0.0.1", 0)
        self._security = security
        self._arguments = arguments
        if name == "gateway" and not found:
            self._arguments += ("--no-discovery",)

    def arguments(self):
        listen = ("--coap", "%s:%d" % self.coap, "--http", "%s:%d" % self.http)
        return ("--security", self._security, *listen, "--store", self.store, *self._arguments)

    async def start(self):
        seen = len(self.events.items)
        await super().start()
        told = await self.event("listening", start=seen)
        self.coap = _address(told["coap"])
        self.http = _address(told["http"].removeprefix("http://"))


class Relay(Telling):
    """`msgin5g relay` to this (host, port): `coap` is where it listens; killed and started again it is there again."""

    name = "relay"

    def __init__(self, folder, server, *arguments):
        super().__init__(folder)
        self.coap = ("127.0.0.1", 0)
        self._server = server
        self._arguments = arguments

    def arguments(self):
        return ("--listen", "%s:%d" % self.coap, "--server", "%s:%d" % self._server, *self._arguments)

    async def start(self):
        seen = len(self.events.items)
        await super().start()
        self.coap = _address((await self.event("relaying", start=seen))["listen"])


async def device_keys(folder, ue, store="gateway.db", program="gateway", more=()):
    """Lets this UE Service ID register with keys of its own; gives what the device's configuration needs."""
    file = Path(folder) / "keys.json"
    file.unlink(missing_ok=True)
    await command(folder, program, "device", "add", ue, "--key", file, "--store", store, *more)
    return json.loads(file.read_text())


async def command(folder, *words, **environment):
    """What `msgin5g WORDS` prints, in lines; it must succeed. With these variables of the environment beside those that
    are there."""
    command = (sys.executable, "-m", "tools.cli", *map(str, words))
    process = Process(command, _environment() | environment, folder)
    async with process:
        if await process.wait() != 0:
            raise Unseen(
                "expected msgin5g %s to succeed: %s" % (" ".join(map(str, words)), process.lines.items)
            )
    return process.lines.items


def _environment():
    path = (str(ROOT), os.environ.get("PYTHONPATH"))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


class Device(Process):
    """`msgin5g device`: the firmware on MicroPython, with `folder` for its flash.

    Lines that an application prints as "> " and a JSON object are in `told`.
    """

    def __init__(self, folder, app=None, heap=HEAP):
        super().__init__((), folder=Path(folder))
        self.folder.mkdir(exist_ok=True)
        self.told = Feed()
        self._app = app
        self._heap = heap

    def put(self, name, content):
        """A file on its flash, of text or octets, there at once and whole: its program may be looking for it."""
        private.replace(self.folder / name, content.encode() if isinstance(content, str) else content)

    def configure(self, config):
        self.put(CONFIG_NAME, json.dumps(config))

    async def start(self):
        self._held = hold(self.folder)
        try:
            self._command, self._environment = self._prepare()
            self.told.closed = False
            await super().start()
        finally:
            os.close(self._held)  # the device has it now

    def _prepare(self):
        return prepare(self.folder, app=self._app, heap=self._heap)

    def _options(self):
        return {"pass_fds": (self._held,), "umask": 0o077}

    def _follow(self, stream, feed, read):
        self._followers.append(asyncio.create_task(_follow(stream, feed, read, self.told)))

    async def tells(self, step, seconds=20, start=0):
        """The first object that it tells with this "step"."""
        return await self.told.until(
            lambda item: item.get("step") == step, f"the device to tell {step!r}", seconds, start
        )


async def _follow(stream, feed, read, told=None):
    while line := await stream.readline():
        text = line.decode(errors="replace").rstrip("\r\n")
        feed.add(read(text))
        if told is not None and text.startswith("> {"):
            told.add(json.loads(text[2:]))
    if told is not None:
        told.close()
    feed.close()


def _address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)
