# SPDX-License-Identifier: MIT
"""Peers that others wrote, each as a client of one request and as a server with the same resources: aiocoap, libcoap
and CoAP for Node.js. A client gives (code, payload) of each response that it saw.

A server has /hello, /async (a separate response), /example_data (what was put there) and /time, which is observed.
"""

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import threading

import aiocoap
import aiocoap.oscore
from aiocoap import resource
from aiocoap.credentials import CredentialsMap
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper

from host_tests.interop.on_udp import HOST, free_port
from tools.programs.patience import finish, patience, patiently

PATIENCE_S = 60
SECRET = bytes(range(1, 17)).hex()
SALT = "9e7ca92223786340"


def pattern(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


# --- clients


class Program:
    """A client that is a program: nothing of it is left between two requests."""

    def close(self):
        pass


class Libcoap(Program):
    """coap-client, which prints payloads; its log has the codes."""

    def __init__(self, program, folder, keys=False):
        self._program = program
        self._folder = folder
        self._keys = keys

    def ask(self, uri, method="get", body=None, confirmable=True, notifications=0):
        command = [self._program, "-v", "7", "-m", method, "-B", str(PATIENCE_S), "-o", self._folder / "out"]
        if body is not None:
            (self._folder / "body").write_bytes(body)
            command += ["-f", self._folder / "body", "-b", "1024"]
        if not confirmable:
            command.append("-N")
        if notifications:
            command[command.index("-B") + 1] = "3"  # its whole time; it cancels a second before
            command += ["-s", "2"]
        if self._keys:
            command += ["-E", f"{oscore_conf(self._folder, '01', '02')},{self._folder / 'sequence'}"]
        (self._folder / "out").write_bytes(b"")
        done = finish([*map(str, command), uri], PATIENCE_S, capture_output=True)
        log = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        assert done.returncode == 0, log
        codes = re.findall(r"process incoming (\d\.\d\d) response", log)
        if notifications:
            told = re.findall(r"c:2\.05 [^\n]*Observe:\d+[^\n]* :: '(\d+)'", log)
            return [("2.05", each.encode()) for each in told]
        return [(codes[-1] if codes else None, (self._folder / "out").read_bytes())]


class Node(Program):
    """node-coap."""

    def __init__(self, folder):
        self._folder = folder

    def ask(self, uri, method="get", body=None, confirmable=True, notifications=0):
        wanted = {"method": method.upper(), "confirmable": confirmable, "notifications": notifications}
        if body is not None:
            assert body == pattern(len(body))
            wanted |= {"octets": len(body), "block": 6}
        command = ["node", self._folder / "client.mjs", uri, json.dumps(wanted)]
        done = finish(command, PATIENCE_S, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [(line["code"], bytes.fromhex(line["payload"])) for line in lines]


class Aiocoap:
    """aiocoap, in a loop of its own."""

    def __init__(self, folder=None):
        self._keys = folder and context(folder, "01", "02")
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(aiocoap.Context.create_client_context())

    def close(self):
        self._loop.run_until_complete(self._client.shutdown())
        self._loop.close()

    def ask(self, uri, **wanted):
        return self._loop.run_until_complete(self._ask(uri, **wanted))

    async def _ask(self, uri, method="get", body=b"", confirmable=True, notifications=0):
        if self._keys:
            self._client.client_credentials["/".join(uri.split("/")[:3]) + "/*"] = self._keys
        tuning = aiocoap.Reliable if confirmable else aiocoap.Unreliable
        code = getattr(aiocoap, method.upper())
        request = aiocoap.Message(code=code, uri=uri, payload=body, transport_tuning=tuning())
        if notifications:
            request.opt.observe = 0
        async with patience(PATIENCE_S):
            asked = self._client.request(request)
            answers = [await asked.response]
            if notifications:
                async for change in asked.observation:
                    answers.append(change)
                    if len(answers) == notifications:
                        break  # which cancels the observation
        return [(answer.code.dotted, answer.payload) for answer in answers]


# --- servers


@contextlib.contextmanager
def program(command, ready, **more):
    """A server in a process of its own, once `ready(port)` is true."""
    process = subprocess.Popen(
        [str(each) for each in command], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, **more
    )
    try:
        waiting = patiently(PATIENCE_S)
        while not ready():
            assert process.poll() is None and waiting(), "the server does not start"
        yield
        assert process.poll() is None, "the server has ended"
    finally:
        process.kill()
        process.wait()


def answers(port):
    """Whether somebody answers a GET there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.05)
        sock.connect((HOST, port))
        try:
            sock.send(b"\x40\x01\x00\x01")
            return bool(sock.recv(1500))
        except OSError:
            return False


@contextlib.contextmanager
def libcoap_server(server, folder, keys=False):
    port = free_port()
    command = [server, "-A", HOST, "-p", port]
    if keys:
        command += ["-E", oscore_conf(folder, "02", "01")]
    with program(command, lambda: answers(port)):
        yield port


@contextlib.contextmanager
def node_server(folder):
    port = free_port()
    with program(["node", folder / "server.mjs", port], lambda: answers(port)):
        yield port


@contextlib.contextmanager
def aiocoap_server(folder=None):
    """In a thread with a loop of its own."""
    port, started, loop = free_port(), threading.Event(), asyncio.new_event_loop()

    async def serve():
        site = Resources()
        wrapped = site
        if folder is not None:
            credentials = CredentialsMap()
            credentials[":c"] = context(folder, "02", "01")
            wrapped = OscoreSiteWrapper(site, credentials)
        server = await aiocoap.Context.create_server_context(wrapped, bind=(HOST, port))
        ticking = asyncio.create_task(site.tick())
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ticking.cancel()
            await server.shutdown()

    task = loop.create_task(serve())
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    )
    thread.start()
    try:
        assert started.wait(PATIENCE_S)
        yield port
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


class Resources(resource.Site):
    def __init__(self):
        super().__init__()
        self._time = Time()
        self.add_resource(["hello"], Constant(b"hello"))
        self.add_resource(["async"], Constant(b"at last", 1))
        self.add_resource(["example_data"], Stored())
        self.add_resource(["time"], self._time)

    async def tick(self):
        while True:
            await asyncio.sleep(0.1)
            self._time.updated_state()


class Constant(resource.Resource):
    def __init__(self, payload, delay=0):
        super().__init__()
        self._payload = payload
        self._delay = delay

    async def render_get(self, request):
        await asyncio.sleep(self._delay)
        return aiocoap.Message(payload=self._payload, content_format=0)


class Stored(resource.Resource):
    payload = b""

    async def render_put(self, request):
        self.payload = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)

    async def render_get(self, request):
        return aiocoap.Message(payload=self.payload)


class Time(resource.ObservableResource):
    count = 0

    async def render_get(self, request):
        self.count += 1
        return aiocoap.Message(payload=b"%d" % self.count)


# --- keys


def oscore_conf(folder, sender, recipient):
    path = folder / "oscore.conf"
    path.write_text(
        f'master_secret,hex,"{SECRET}"\nmaster_salt,hex,"{SALT}"\nsender_id,hex,"{sender}"\n'
        f'recipient_id,hex,"{recipient}"\nreplay_window,integer,30\naead_alg,integer,10\nhkdf_alg,integer,-10\n'
    )
    return path


def context(folder, sender, recipient):
    """aiocoap's, in a folder."""
    folder.mkdir(exist_ok=True)
    settings = {
        "sender-id_hex": sender,
        "recipient-id_hex": recipient,
        "secret_hex": SECRET,
        "salt_hex": SALT,
    }
    if not (folder / "settings.json").exists():
        (folder / "settings.json").write_text(json.dumps(settings))
    return aiocoap.oscore.FilesystemSecurityContext(os.fspath(folder))
