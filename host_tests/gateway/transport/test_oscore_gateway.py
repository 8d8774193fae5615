# SPDX-License-Identifier: MIT
"""The gateway in security mode oscore: raw datagrams, aiocoap with a device's keys, and the device itself."""

import contextlib
import json
import socket
import sqlite3
import subprocess
import sys

import aiocoap
import pytest
from aiocoap import oscore

from host_tests.gateway.devices import APPS, AS, UE, run
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, device_keys
from tools.device import ROOT
from tools.gateway import keys as key_files
from tools.gateway.keys import KeyFileError
from tools.store.store import Store
from tools.transport.keys.contexts import StoreContext

OTHER = "ue:sensor-2@example.org"
SERVICE = "urn:3gpp:msgin5g"


def reg(ue):
    origin = {"oriAddrType": "UE", "addr": ue}
    return {"msgIden": SERVICE, "msgType": "REG", "oriAddr": origin, "cliProfile": {}}


def msg(ue, to=OTHER):
    return {
        "msgIden": SERVICE,
        "msgType": "MSG",
        "oriAddr": {"oriAddrType": "UE", "addr": ue},
        "destAddr": {"destAddrType": "UE", "addr": to},
        "msgId": "0e4a8ac6-54a9-4d2c-8a6c-3d4b6a0a7a11",
        "sfFlag": True,
        "payload": "secret words",
    }


class _Quick(aiocoap.TransportTuning):
    ACK_TIMEOUT = 0.2
    MAX_RETRANSMIT = 6


class Peer:
    """aiocoap with the keys of a device."""

    def __init__(self, gateway, context, keys):
        self._gateway = gateway
        self._context = context
        self.keys = keys

    async def post(self, body):
        request = aiocoap.Message(code=aiocoap.POST, payload=json.dumps(body).encode(), content_format=50)
        request.transport_tuning = _Quick()
        request.set_request_uri("coap://%s:%d/msgin5g" % self._gateway.coap, set_uri_host=False)
        answer = await self._context.request(request, handle_blockwise=False).response
        return answer.code.dotted, json.loads(
            answer.payload
        ) if answer.opt.content_format == 50 else answer.payload


@contextlib.asynccontextmanager
async def peer(gateway, keys, start=0):
    """`keys`: as in the device's configuration."""
    section = keys["security"]
    context = _Keys(section, start)
    client = await aiocoap.Context.create_client_context(transports=["oscore", "udp6"])
    client.client_credentials["coap://*"] = context
    try:
        yield Peer(gateway, client, context)
    finally:
        client.client_credentials.clear()
        await client.shutdown()


class _Keys(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    alg_aead = oscore.AES_CCM_16_64_128()
    hashfun = oscore.hashfunctions["sha256"]
    echo_recovery = None

    def __init__(self, section, start):
        self.sender_id = bytes.fromhex(section["sender_id"])
        self.recipient_id = bytes.fromhex(section["recipient_id"])
        self.id_context = None
        self.derive_keys(bytes.fromhex(section["master_salt"]), bytes.fromhex(section["master_secret"]))
        self.sender_sequence_number = start
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()

    def post_seqnoincrease(self):
        pass


def protected(keys, body, mid, token=b""):
    """The datagram of a request."""
    message = aiocoap.Message(code=aiocoap.POST, uri_path=("msgin5g",), content_format=50)
    message.payload = json.dumps(body).encode()
    message.direction = aiocoap.message.Direction.OUTGOING
    outer, _ = keys.protect(message)
    outer.mtype, outer.mid, outer.token = aiocoap.CON, mid, token
    return outer.encode()


class Raw:
    """A socket that says anything."""

    def __init__(self, gateway):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(gateway.coap)
        self._socket.settimeout(30)  # nobody waits for it but a test that fails

    def ask(self, datagram):
        """What comes back. Where silence is right, what was asked for behind it shows that nothing came: a gateway
        answers one address in order."""
        self._socket.send(datagram)
        answer = self._socket.recv(2048)
        # A gateway that was not given the time to answer at once acknowledges first (RFC 7252 section 5.2.2).
        return self._socket.recv(2048) if answer == b"\x60\x00" + datagram[2:4] else answer

    def until(self, datagram, answer):
        """What comes back before this answer to this datagram does."""
        self._socket.send(datagram)
        return list(iter(lambda: self._socket.recv(2048), answer))

    def flood(self, datagrams):
        for datagram in datagrams:
            self._socket.send(datagram)


@contextlib.asynccontextmanager
async def guarded(folder, *ues):
    """A gateway in mode oscore, and the keys of these UE Service IDs."""
    keys = []
    for ue in ues:
        keys.append(await device_keys(folder, ue))
    async with Gateway(folder, security="oscore") as gateway:
        yield gateway, *keys


def test_a_device_with_its_key(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE, OTHER) as (gateway, keys, _), peer(gateway, keys) as device:
            code, answer = await device.post(reg(UE))
            assert (code, answer["result"]) == ("2.04", True)
            assert (await device.post(msg(UE)))[0] == "2.04"
            await gateway.event("stored", to=OTHER)

    run(talk())


def test_no_device_speaks_for_another(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE, OTHER) as (gateway, keys, others):
            async with peer(gateway, keys) as device, peer(gateway, others) as other:
                assert (await other.post(reg(OTHER)))[1]["result"] is True
                code, answer = await device.post(reg(OTHER))
                assert (code, answer["result"]) == ("2.04", False)
                assert answer["cause"] == "not allowed for this identity"
                assert (await device.post(reg(UE)))[1]["result"] is True
                code, answer = await device.post(msg(OTHER, UE))
                assert (code, answer) == ("4.03", b"ue:sensor-2@example.org is not of this device")
                dereg = {**reg(OTHER), "msgType": "DEREG"}
                assert (await device.post(dereg))[0] == "4.03"
                assert gateway.count("deregistered") == 0
                assert gateway.count("accepted") == 0

    run(talk())


def test_not_registered_is_said_inside(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys), peer(gateway, keys) as device:
            assert (await device.post(msg(UE)))[0] == "4.01"  # and not refused by the layer below

    run(talk())


def test_moves_to_another_address(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE, OTHER) as (gateway, keys, _):
            async with peer(gateway, keys) as device:
                await device.post(reg(UE))
                used = device.keys.sender_sequence_number
            async with peer(gateway, keys, used) as device:
                assert (await device.post(msg(UE)))[0] == "2.04"
            await gateway.event("rebound", ue=UE)

    run(talk())


def test_unprotected_is_refused_and_nothing_told(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, _):
            raw = Raw(gateway)
            body = json.dumps(reg(UE)).encode()
            raw.flood([b"\x52\x02\x01\x09ab\xb7msgin5g"])  # to a NON nothing is said
            for mid, rest in enumerate((b"", b"\xb7msgin5g\x11\x32\xff" + body, b"\xbb.well-known\x04core")):
                datagram = b"\x42\x02" + bytes((1, mid)) + b"ab" + rest
                assert raw.ask(datagram) == b"\x62\x81" + bytes((1, mid)) + b"ab"
            told = await gateway.event("refused", code="4.01")
            assert told["reason"] == "not protected: the device uses security.mode none"
            assert gateway.count("registered") == 0

    run(talk())


def test_what_is_refused_gets_no_more_than_it_sent(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            raw = Raw(gateway)
            kid = bytes.fromhex(keys["security"]["sender_id"])
            cases = (
                (b"\x90\xff" + bytes(9), "4.02"),  # an empty option
                (b"\x91\x09\xff" + bytes(9), "4.02"),
                (b"\x91\x10\xff" + bytes(9), "4.02"),  # a kid context that is not there
                (b"\x92\x0f\x00\xff" + bytes(9), "4.02"),
                (b"\x93\x09\x00\x77\xff" + bytes(9), "4.01"),  # no such kid
                (b"\x93\x09\x00" + kid + b"\xff" + bytes(9), "4.00"),  # does not verify
                (b"\x93\x09\x00" + kid + b"\xff" + bytes(3), "4.00"),
                (b"\x93\x09\x00" + kid, "4.00"),
            )
            for mid, (rest, code) in enumerate(cases):
                datagram = b"\x40\x02" + bytes((2, mid)) + rest
                answer = raw.ask(datagram)
                assert "%d.%02d" % (answer[1] >> 5, answer[1] & 31) == code
                assert len(answer) <= len(datagram)
            assert gateway.count("registered") == 0

    run(talk())


def test_replay(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            async with peer(gateway, keys) as device:
                await device.post(reg(UE))
            async with peer(gateway, keys) as device:  # the numbers begin again
                with pytest.raises(oscore.NotAProtectedMessage) as caught:
                    await device.post(reg(UE))
                assert caught.value.plain_message.code.dotted == "4.01"
            told = await gateway.event("refused", code="4.01")
            assert "lost its sequence numbers" in told["reason"]

    run(talk())


def test_replay_after_the_gateway_was_killed(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            async with peer(gateway, keys) as device:
                await device.post(reg(UE))
                used = device.keys.sender_sequence_number
            await gateway.end(9)
            await gateway.start()
            recorded = protected(_Keys(keys["security"], 0), reg(UE), 77)
            answer = aiocoap.Message.decode(Raw(gateway).ask(recorded))
            # Asked for Echo, protected: a recording cannot give it. aiocoap as the true device does by itself.
            assert (answer.code.dotted, answer.opt.oscore is not None) == ("2.04", True)
            assert gateway.count("registered") == 1
            async with peer(gateway, keys, used) as device:
                assert (await device.post(reg(UE)))[1]["result"] is True

    run(talk())


def test_forged_requests_under_a_message_id_of_the_device(tmp_path):
    """Whoever writes the device's address gets no stored answer out of the gateway, and spoils no request to come."""

    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            device = Raw(gateway)  # and whoever forges its address
            context = _Keys(keys["security"], 0)
            good = protected(context, reg(UE), 0x0101, b"token")
            answer = device.ask(good)
            assert answer[1] == 0x44
            kid = bytes.fromhex(keys["security"]["sender_id"])
            for forged in (b"\x40\x02\x01\x01", b"\x40\x02\x01\x01\x93\x09\x00" + kid, good[:-1] + b"\0"):
                device.flood([forged])
                # the true one, sent again, gets its answer
                assert [said for said in device.until(good, answer) if len(said) > len(forged)] == []
            for mid in (0x0102, 0x0103):
                forged = (
                    b"\x45\x02" + mid.to_bytes(2, "big") + b"token\x93\x09\x00" + kid + b"\xff" + bytes(20)
                )
                assert device.ask(forged)[1] == 0x81  # a number that was seen: nothing is decrypted
                forged = forged.replace(b"\x93\x09\x00", b"\x93\x09\x77")
                assert device.ask(forged)[1] == 0x80
                assert device.ask(protected(context, reg(UE), mid, b"token"))[1] == 0x44
            await gateway.event("registers-again", ue=UE)
            assert gateway.count("registered") == 3

    run(talk())


def test_flood(tmp_path):
    """20,000 datagrams of four kinds; the device is served all the while, and little is told of them."""

    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys), peer(gateway, keys) as device:
            await device.post(reg(UE))
            raw = Raw(gateway)
            kid = bytes.fromhex(keys["security"]["sender_id"])
            rests = (b"", b"\x93\x09\x00\x77", b"\x93\x09\x00" + kid, b"\x91\x10")
            for round_ in range(50):
                for kind, rest in enumerate(rests):
                    mids = range(100 * (4 * round_ + kind), 100 * (4 * round_ + kind + 1))
                    raw.flood(
                        b"\x40\x02" + mid.to_bytes(2, "big") + rest + b"\xff" + bytes(20) for mid in mids
                    )
                assert (await device.post({**msg(UE, UE), "msgId": _uuid(round_)}))[0] == "2.04"
            # At most 5 of a kind at once and 1 a second are told, and it takes some seconds
            assert 4 <= gateway.count("refused") < 200

    run(talk())


def _uuid(number):
    return "0e4a8ac6-54a9-4d2c-8a6c-%012d" % number


def test_sequence_numbers_are_never_given_twice(tmp_path):
    """The store is closed without a word after any number of messages: the next one goes on above all of them."""
    keys = key_files.make(str(tmp_path / "keys.json"), set())
    store = Store(str(tmp_path / "g.db"))
    store.bind_keys(UE, keys)
    highest = -1
    for count in (0, 1, 2, 63, 64, 65, 200, 1):
        context = StoreContext(store, keys)
        for _ in range(count):
            number = context.new_sequence_number()
            assert number > highest
            highest = number
    store.close()


def test_a_store_that_fails_gives_no_number(tmp_path):
    keys = key_files.make(str(tmp_path / "keys.json"), set())
    store = Store(str(tmp_path / "g.db"))
    store.bind_keys(UE, keys)
    context = StoreContext(store, keys)
    store.save_sequence, save = lambda *_: _fail(), store.save_sequence
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            context.new_sequence_number()
    store.save_sequence = save
    number = context.new_sequence_number()
    assert StoreContext(store, keys).new_sequence_number() > number
    store.close()


def _fail():
    raise sqlite3.OperationalError("disk I/O error")


def msgin5g(*arguments, folder):
    command = [sys.executable, "-m", "tools.cli", "gateway", *arguments]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_keys_are_made_once_and_taken_again(tmp_path):
    made = msgin5g("device", "add", UE, "--key", "a.json", folder=tmp_path)
    assert made.stdout == f"added {UE}\nnew keys in a.json: put them into the device's msgin5g.json\n"
    text = (tmp_path / "a.json").read_text()
    assert (tmp_path / "a.json").stat().st_mode & 0o77 == 0
    again = msgin5g("device", "add", UE, "--key", "a.json", folder=tmp_path)
    assert again.stdout == f"{UE} is there already\nkeys of a.json\n"
    other = msgin5g("device", "add", OTHER, "--key", "b.json", folder=tmp_path)
    assert other.returncode == 0
    sections = [json.loads((tmp_path / name).read_text())["security"] for name in ("a.json", "b.json")]
    assert sections[0]["sender_id"] != sections[1]["sender_id"]
    assert sections[0]["master_secret"] != sections[1]["master_secret"]
    assert json.loads(text)["security"]["master_secret"] not in made.stdout + made.stderr


def test_keys_are_not_in_the_log_of_coap(tmp_path):
    async def talk():
        keys = await device_keys(tmp_path, UE)
        async with Gateway(tmp_path, "--coap-log", security="oscore") as gateway:
            async with peer(gateway, keys) as device:
                await device.post(reg(UE))
                await gateway.event("registered", ue=UE)
                material = device.keys.recipient_key, device.keys.sender_key, device.keys.common_iv
        text = "\n".join(gateway.lines.items)
        assert "2.04 Changed" in text  # it does log
        section = keys["security"]
        for secret in (section["master_secret"], section["master_salt"], *(each.hex() for each in material)):
            assert secret not in text and repr(bytes.fromhex(secret))[2:-1] not in text

    run(talk())


def test_one_sender_id_for_one_key(tmp_path):
    msgin5g("device", "add", UE, "--key", "a.json", folder=tmp_path)
    section = json.loads((tmp_path / "a.json").read_text())["security"]
    (tmp_path / "b.json").write_text(json.dumps({**section, "master_secret": "00" * 16}))
    done = msgin5g("device", "add", OTHER, "--key", "b.json", folder=tmp_path)
    assert done.returncode == 2
    assert f"security.sender_id is that of {UE}" in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"master_secret": "00" * 15},
            "security.master_secret must be the hexadecimal digits of 16 to 64 octets",
        ),
        ({"master_secret": "xx" * 16}, "security.master_secret must be"),
        ({"master_secret": None}, "security.master_secret must be"),
        ({"sender_id": "00" * 8}, "security.sender_id must be the hexadecimal digits of 0 to 7 octets"),
        ({"sender_id": ""}, "security.sender_id and security.recipient_id must differ"),
        ({"mode": "none"}, "security.mode is not oscore"),
    ],
)
def test_a_wrong_key_file(tmp_path, change, sentence):
    key_files.make(str(tmp_path / "a.json"), set())
    section = json.loads((tmp_path / "a.json").read_text())["security"]
    (tmp_path / "b.json").write_text(json.dumps({"security": {**section, **change}}))
    with pytest.raises(KeyFileError) as caught:
        key_files.read(str(tmp_path / "b.json"))
    assert sentence in str(caught.value)
    for secret in (section["master_secret"], change.get("master_secret") or "-"):
        assert secret == "-" or secret not in str(caught.value)


def test_rotation(tmp_path):
    """A new key for the UE: the old one is refused from then on, without a restart of the gateway."""

    async def talk():
        async with guarded(tmp_path, UE) as (gateway, old):
            async with peer(gateway, old) as device:
                assert (await device.post(reg(UE)))[1]["result"] is True
                used = device.keys.sender_sequence_number
            new = await device_keys(tmp_path, UE)
            async with peer(gateway, old, used) as device:
                with pytest.raises(oscore.NotAProtectedMessage):
                    await device.post(reg(UE))
            async with peer(gateway, new) as device:
                assert (await device.post(reg(UE)))[1]["result"] is True

    run(talk())


def test_a_removed_device_is_unknown(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys), peer(gateway, keys) as device:
            assert (await device.post(reg(UE)))[1]["result"] is True
            assert msgin5g("device", "remove", UE, folder=tmp_path).returncode == 0
            with pytest.raises(oscore.NotAProtectedMessage):
                await device.post(reg(UE))

    run(talk())


# ---- the device itself -----------------------------------------------------------------------------------------------


def device(folder, gateway, keys, app="echo.py"):
    made = Device(folder / "device", APPS / app)
    made.configure(
        {
            "role": "client",
            "ue_service_id": UE,
            "peer": "coap://%s:%d" % gateway.coap,
            "coap": {"ack_timeout": 0.5},
            **keys,
        }
    )
    return made


async def both_consoles(folder, gateway, keys, on_device, on_gateway):
    """Starts the device, and waits for these words on its console and on the gateway's."""
    async with device(folder, gateway, keys) as made:
        said = await made.lines.until(lambda line: on_device in line, "the device to say %r" % on_device)
        await gateway.lines.until(lambda line: on_gateway in line, "the gateway to say %r" % on_gateway)
        for secret in (keys["security"].get("master_secret"), keys["security"].get("master_salt")):
            assert not secret or not any(secret in line for line in made.lines.items + gateway.lines.items)
    return said


def wrong(keys, **change):
    return {"security": {**keys["security"], **change}}


@pytest.mark.parametrize(
    ("change", "on_device", "on_gateway"),
    [
        ({"master_secret": "00" * 16}, "4.00 (it has another key for this sender_id)", "has another key"),
        ({"master_salt": "00" * 8}, "4.00 (it has another key for this sender_id)", "has another key"),
        (
            {"sender_id": "77"},
            "4.01 (it does not know this sender_id",
            "no device was added with this security.sender_id",
        ),
        (
            {"id_context": "01"},
            "4.01 (it does not know this sender_id",
            "no device was added with this security.sender_id",
        ),
        ({"recipient_id": "66"}, "answers do not verify: keys, recipient_id", "registers again and again"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_provisioned_wrong_on_one_side(tmp_path, change, on_device, on_gateway):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys):
            await both_consoles(tmp_path, gateway, wrong(keys, **change), on_device, on_gateway)

    run(talk())


def test_a_device_in_the_clear_at_a_protected_gateway(tmp_path):
    async def talk():
        async with guarded(tmp_path, UE) as (gateway, _):
            keys = {"security": {"mode": "none"}}
            await both_consoles(tmp_path, gateway, keys, "4.01", "the device uses security.mode none")

    run(talk())


def test_a_protected_device_at_a_gateway_in_the_clear(tmp_path):
    async def talk():
        keys = await device_keys(tmp_path, UE)
        async with Gateway(tmp_path, "--open") as gateway:
            words = "protected, and this gateway runs with --security none"
            await both_consoles(tmp_path, gateway, keys, "the peer answers unprotected", words)

    run(talk())


def test_both_ends_restart(tmp_path):
    """Messages each way, the device and the gateway killed in turn: each side asks the other for Echo and goes on."""

    async def talk():
        async with guarded(tmp_path, UE) as (gateway, keys), ApplicationServer(AS, gateway.http) as server:
            await server.register()
            async with device(tmp_path, gateway, keys) as made:
                await gateway.event("registered", ue=UE)
                for number in range(6):
                    text = "message %d" % number
                    await server.report(await server.send(UE, text))
                    await server.message(lambda message, t=text: message.payload == "echo " + t, "the echo")
                    seen = len(gateway.events.items)
                    if number % 2:
                        await made.end(9)
                        await made.start()
                        await gateway.event("registered", start=seen, ue=UE)
                    else:
                        await gateway.end(9)
                        await gateway.start()

    run(talk())
