# SPDX-License-Identifier: MIT
"""`ue rekey`: the command, and what becomes of it between the real gateway and the firmware, with datagrams lost and
either side killed. No key and nonce protect two different messages, on either side.
"""

import asyncio
import contextlib
import json
import random
import signal
import urllib.request

import aiocoap
from aiocoap import oscore

from host_tests.gateway.device.test_device_topics import A, Stage, hears
from host_tests.gateway.devices import APPS, AS, UE, Apart, config, run
from host_tests.gateway.server.commands.test_ue_commands import shell  # noqa: F401
from host_tests.gateway.transport.test_oscore_gateway import Raw, _Keys, msg, peer, protected, reg
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, command, device_keys
from tools.gateway import keys as key_files
from tools.store.store import Store

OTHER, GATEWAY = "ue:other@example.org", "ue:gw@example.org"


class Watched(asyncio.DatagramProtocol):
    """Between a device and its gateway: loses what `lost` says, and sees each nonce."""

    def __init__(self, gateway, device_side, lost):
        self._gateway, self._up, self._lost = gateway, device_side, lost
        self.seen = {}  # (who protects, with which key, whose nonce, its number): what was protected
        self._asked = {}  # token: (of whose key, number) of a request
        self._kids = []  # of the key, in turn: a gateway has few names, and a device each once
        self._device = None
        self.other = self.transport = None
        self.twice = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, octets, address):
        if self._up:
            self.other._device = address
        with contextlib.suppress(aiocoap.error.Error):
            self._see(octets)
        if not self._lost():
            where = self._gateway if self._up else self._device
            if where is not None:
                self.other.transport.sendto(octets, where)

    def _see(self, octets):
        message = aiocoap.Message.decode(octets)
        option = message.opt.oscore
        if option is None:
            return
        _, _, fields, _ = oscore.CanUnprotect._uncompress(option, b"")
        kid, number = fields.get(oscore.COSE_KID), fields.get(oscore.COSE_PIV)
        if message.code.is_request():
            if kid not in self._kids[-1:]:
                self._kids.append(kid)
            key = len(self._kids)
            self._asked[message.token] = key, number
            name = (self._up, key, "own", number)
        else:  # by the key of its request, which was the other side's
            key, asked = self.other._asked.get(message.token, (None, None))
            name = (self._up, "answer", key, "own" if number else "its", number or asked)
        before = self.seen.setdefault(name, message.payload)
        if before != message.payload:
            self.twice.append(name)


@contextlib.asynccontextmanager
async def watched(gateway, seed=None):
    """The port for a device; both ends of the way."""
    draw = random.Random(seed)
    lost = (lambda: False) if seed is None else (lambda: draw.random() < 0.25)
    loop = asyncio.get_running_loop()
    ends = []
    for up in (True, False):
        _, end = await loop.create_datagram_endpoint(
            lambda up=up: Watched(gateway.coap, up, lost), local_addr=("127.0.0.1", 0)
        )
        ends.append(end)
    ends[0].other, ends[1].other = ends[1], ends[0]
    try:
        yield ends[0].transport.get_extra_info("sockname")[1], ends
    finally:
        for end in ends:
            end.transport.close()
        for end in ends:
            assert end.seen and not end.twice, end.twice


def listed(folder):
    store = Store(str(folder / "gateway.db"), serving=False)
    try:
        return store.rekeys(), store.keys_of_ue(UE)
    finally:
        store.close()


async def told(gateway, path):
    url = "http://%s:%d/%s" % (*gateway.http, path)
    with await asyncio.to_thread(urllib.request.urlopen, url) as answer:
        return json.load(answer)


def test_a_device_gets_new_keys_and_goes_on(tmp_path):
    """Keys are the gateway's, also where its server is another program."""

    async def play():
        async with Apart(tmp_path, security="oscore") as gateway, watched(gateway) as (port, _):
            section = (await gateway.keys(UE))["security"]
            lower = gateway.lower
            async with ApplicationServer(AS, gateway.http) as server:
                await server.register()
                device = Device(tmp_path / "device", APPS / "echo.py")
                device.configure(config(port, security=section))
                async with device:
                    await gateway.event("registered", ue=UE)
                    await server.send(UE, "before")
                    await command(tmp_path, "gateway", "ue", "rekey", UE)
                    await lower.event("keys-brought", ue=UE)
                    await lower.event("keys-changed", ue=UE)
                    await server.send(UE, "after")
                    for text in ("echo before", "echo after"):
                        await server.message(lambda message, text=text: message.payload == text, text)
                    await device.lines.until(
                        lambda line: "the gateway has given this device new keys" in line, "its console"
                    )
                    seen = len(gateway.events.items)
                    await device.end(signal.SIGKILL)
                    await device.start()
                    await gateway.event("registered", ue=UE, start=seen)
                kept = json.loads((tmp_path / "device/msgin5g.json").read_text())
                assert {kept["security"][n] != section[n] for n in ("master_secret", "sender_id")} == {True}
                rows, keys = listed(tmp_path)
                assert rows == [] and key_files.section_of(keys).items() >= kept["security"].items()
                # Who has the old ones is nobody.
                other = Device(tmp_path / "thief", APPS / "echo.py")
                other.configure(config(gateway.coap[1], security=section))
                seen = len(lower.events.items)
                async with other:
                    await lower.event("refused", start=seen)
                assert lower.count("key-reused") == 0
        octets = b"".join(each.read_bytes() for each in tmp_path.glob("gateway.db*"))
        assert bytes.fromhex(section["master_secret"]) not in octets

    run(play())


def key(shell, ue, name="keys.json", *more):  # noqa: F811
    """A device with a key of its own, and the Keys."""
    from tools import cli

    assert cli.main(["gateway", "device", "add", ue, "--key", name, *more]) == 0
    return key_files.read(name)


def test_what_the_command_says(shell):  # noqa: F811
    key(shell, GATEWAY, "gw.json", "--gateway")
    assert "has no device with a key" in shell.refused("rekey", "--all")
    first = key(shell, UE)
    key(shell, OTHER, "other.json")
    assert shell("rekey", UE)[:2] == (0, "new keys for 1 device: each gets them when it can be reached\n")
    (row,), bound = listed(shell.folder)
    assert row == (UE, "waiting", None) and bound == first
    new = shell.read(lambda store: store.rekey(first.digest)).keys
    kids = {first.recipient_id, *shell.read(lambda store: store.kids_in_use())}
    assert new.secret != first.secret and new.salt != first.salt and len(kids) == 4
    assert new.sender_id != first.sender_id  # so that the device can tell the two apart, too
    # Again: the same ones stay, for the device may have them already. A Gateway UE has a file.
    assert shell("rekey", "--all")[1] == (
        "new keys for 1 device: each gets them when it can be reached\n1 new key on the way already: see `ue list`\n"
    )
    assert shell.read(lambda store: store.rekey(first.digest)).keys == new
    assert shell("list")[1] == "%s new keys wait for it\n%s new keys wait for it\n" % (OTHER, UE)
    assert "ue rekey: name UEs, or --all" in shell.refused("rekey")
    assert "ue rekey: name UEs, or --all" in shell.refused("rekey", UE, "--all")
    assert "ue:none has no key" in shell.refused("rekey", UE, "ue:none")
    assert "is a gateway" in shell.refused("rekey", GATEWAY)


def test_a_key_that_is_given_by_hand_ends_it(shell):  # noqa: F811
    first = key(shell, UE)
    shell("rekey", UE)
    new = shell.read(lambda store: store.rekey(first.digest)).keys
    key(shell, UE, "by-hand.json")
    Store("gateway.db").close()  # a gateway starts
    assert shell("list")[1] == ""
    assert shell.read(lambda store: store.keys_of_kid(new.recipient_id, None)) is None
    assert new.secret not in (shell.folder / "gateway.db").read_bytes()


def test_one_with_a_ue_id_alone_is_named_by_it(shell):  # noqa: F811
    shell.add("urn:x:1", "--key", "keys.json", "--ue", UE)
    assert shell("rekey", "urn:x:1")[0] == 0
    assert [row[0] for row in listed(shell.folder)[0]] == [UE, "urn:x:1"]


def test_only_who_answers_an_echo_has_the_old_keys_given_up(tmp_path):
    """A device that has gone back to its old keys could not be heard any more, if a recording were enough."""

    async def play():
        old = await device_keys(tmp_path, UE)
        await command(tmp_path, "gateway", "ue", "rekey", UE)
        store = Store(str(tmp_path / "gateway.db"), serving=False)
        new = {"security": key_files.section_of(store.rekey(store.key_of_ue(UE)).keys)}
        store.close()
        async with Gateway(tmp_path, security="oscore") as gateway:
            recorded = protected(_Keys(new["security"], 0), reg(UE), 1)
            for _ in range(2):
                raw = Raw(gateway)
                assert raw.ask(recorded)[1] == 0x44  # a protected answer: of what, nobody sees
            item = await told(gateway, "api/devices/" + UE)
            assert item["keys"] == {"state": "waiting", "cause": None}
            assert len(listed(tmp_path)[0]) == 1 and gateway.count("keys-changed") == 0
            async with peer(gateway, old) as device:
                assert (await device.post(reg(UE)))[0] == "2.04"
            async with peer(gateway, new, 1) as device:
                assert (await device.post(reg(UE)))[0] == "2.04"
                await gateway.event("keys-changed", ue=UE)
                assert (await device.post(msg(UE, OTHER)))[0] == "2.04"
            assert Raw(gateway).ask(protected(_Keys(old["security"], 9), reg(UE), 2))[1] == 0x81
            assert listed(tmp_path)[0] == []
            assert (await told(gateway, "api/devices/" + UE))["keys"] is None

    run(play())


def test_it_goes_on_whatever_is_lost_and_whoever_is_killed(tmp_path):
    """A quarter of all datagrams is lost, and the gateway, and then the device, is killed at each step."""

    async def play():
        section = (await device_keys(tmp_path, UE))["security"]
        gateway = Gateway(tmp_path, "--retry-min", "0.2", "--coap-ack-timeout", "0.1", security="oscore")
        async with gateway, watched(gateway, seed=5) as (port, _):
            async with ApplicationServer(AS, gateway.http) as server:
                await server.register()
                device = Device(tmp_path / "device", APPS / "echo.py")
                quick = {"ack_timeout": 0.1, "max_retransmit": 8}
                device.configure(config(port, security=section, coap=quick))

                async def killed(who):
                    await who.end(signal.SIGKILL)
                    await who.start()

                async with device:
                    await gateway.event("registered", ue=UE)
                    texts = []
                    for number, (brought, who) in enumerate(
                        ((False, gateway), (True, gateway), (True, device))
                    ):
                        seen = len(gateway.events.items)
                        await command(tmp_path, "gateway", "ue", "rekey", UE)
                        if brought:  # or changed: what the device answered may be lost
                            await gateway.events.until(
                                lambda told: told["event"].startswith("keys-"), "new keys", start=seen
                            )
                        await killed(who)
                        texts.append("text %d" % number)
                        await server.send(UE, texts[-1])
                        await gateway.event("keys-changed", ue=UE, start=seen)
                    for text in texts:
                        what = "echo " + text
                        await server.message(lambda message, what=what: message.payload == what, what)
                rows, _ = listed(tmp_path)
                assert rows == []
                assert gateway.count("keys-refused") == gateway.count("key-reused") == 0

    run(play())


def test_what_it_observes_is_observed_under_the_new_keys(tmp_path):
    async def play():
        async with contextlib.AsyncExitStack() as stack:
            stage = Stage(tmp_path, "oscore", stack)
            gateway = await stack.enter_async_context(stage.gateway)
            device = await stage.device(A, {"subscribe": ["alerts"]})
            await stage.publish("one")
            await hears(device, "one")
            await command(gateway.folder, "gateway", "ue", "rekey", A)
            await gateway.event("keys-changed", ue=A)
            await stage.publish("two")
            await hears(device, "two")
            assert await stage.delivered(A, 2) == [stage.notified] * 2

    run(play())


def test_a_store_that_is_put_back_from_in_between_goes_on(tmp_path):
    """It does not know that the new keys were used, and has numbers of theirs before it that were."""

    async def play():
        section = (await device_keys(tmp_path, UE))["security"]
        gateway = Gateway(tmp_path, "--retry-min", "0.2", security="oscore")
        async with gateway, watched(gateway) as (port, _):
            async with ApplicationServer(AS, gateway.http) as server:
                await server.register()
                device = Device(tmp_path / "device", APPS / "echo.py")
                device.configure(config(port, security=section))
                async with device:
                    await gateway.event("registered", ue=UE)
                    await gateway.end(signal.SIGTERM)
                    await command(tmp_path, "gateway", "ue", "rekey", UE)
                    copy = (tmp_path / "gateway.db").read_bytes()
                    await gateway.start()
                    await gateway.event("keys-changed", ue=UE)
                    await server.send(UE, "before")
                    await server.message(lambda message: message.payload == "echo before", "an echo")
                    await gateway.end(signal.SIGTERM)
                    seen = len(gateway.events.items)
                    (tmp_path / "gateway.db").write_bytes(copy)
                    await gateway.start()
                    await gateway.event("store-restored", start=seen)
                    assert listed(tmp_path)[0] == [(UE, "waiting", None)]
                    device.put("say.txt", "I am here")
                    await gateway.event("keys-changed", ue=UE, start=seen)
                    await server.message(lambda message: message.payload == "I am here", "a word")
                    await server.send(UE, "after")
                    await server.message(lambda message: message.payload == "echo after", "an echo")

    run(play())
