# SPDX-License-Identifier: MIT
"""What the protected demo puts on the wire: no service ID, no payload, no path. With the key, Wireshark reads it."""

import io
import json
import random
import subprocess

import pytest
from rich.console import Console

from host_tests.interop.capture import Capture, Relay
from tools.cli import main
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway, device_keys
from tools.demo.story import AS, LARGE, UE, Story, exchange
from tools.programs.patience import run

from ..test_wire import DEMO_APP


class Recording(Capture):
    """A capture that keeps the datagrams as well."""

    def __init__(self, path):
        super().__init__(path)
        self.datagrams = []

    def add(self, datagram, to_device):
        self.datagrams.append(bytes(datagram))
        super().add(datagram, to_device)


async def play(folder, capture):
    record, update = random.Random(1).randbytes(LARGE), random.Random(2).randbytes(LARGE)
    device = Device(folder / "device", DEMO_APP)
    device.put("record.bin", record)
    keys = await device_keys(folder, UE)
    async with Gateway(folder, security="oscore") as gateway:
        async with ApplicationServer(AS, gateway.http) as server, Relay(gateway.coap, capture) as relay:
            await server.register()
            peer = f"coap://127.0.0.1:{relay.port}"
            device.configure({"role": "client", "ue_service_id": UE, "peer": peer, **keys})
            async with device:
                await exchange(Story(Console(file=io.StringIO())), gateway, server, device, record, update)
                assert await device.wait() == 0
    return keys["security"]


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    """(file, datagrams, keys) of the demo."""
    folder = tmp_path_factory.mktemp("wire")
    capture = Recording(folder / "demo.pcap")
    keys = run(play(folder, capture))
    capture.close()
    return folder / "demo.pcap", capture.datagrams, keys


def test_nothing_in_the_clear(captured):
    _, datagrams, keys = captured
    assert len(datagrams) > 400
    # Long enough not to be there by chance, in 130 KB that look random
    words = [
        "sensor-1",
        "weather",
        "example",
        "msgin5g",
        "payload",
        "base64",
        "open the valve",
        "SHA-256",
        "REPT_DELY",
    ]
    words += [keys["master_secret"], keys["master_salt"]]
    for datagram in datagrams:
        assert not [word for word in words if word.encode() in datagram]
    secrets = [bytes.fromhex(keys["master_secret"]), bytes.fromhex(keys["master_salt"])]
    assert not [each for each in datagrams if any(secret in each for secret in secrets)]


def test_what_can_be_seen(captured, tshark):
    # Codes outside are POST and 2.04 for all; each has the OSCORE option and no other.
    file, datagrams, _ = captured
    command = [
        tshark,
        "-r",
        file,
        "-d",
        "udp.port==65401,coap",
        "-T",
        "fields",
        "-e",
        "coap.code",
        "-e",
        "coap.opt.name",
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    seen = {tuple(line.split("\t")) for line in done.stdout.splitlines()}
    assert {code for code, _ in seen} == {"2", "68"}
    for _, options in seen:
        assert len(options.split(",")) == 1 and "OSCORE" in options.upper() or "Object-Security" in options


def test_wireshark_reads_it_with_the_key(captured, tshark):
    """A third OSCORE, after ours and aiocoap's."""
    file, _, keys = captured
    # Sender and recipient ID, master secret and salt, ID context, algorithm; a row for each who asks
    rest = '"%(master_secret)s","%(master_salt)s","","AES-CCM-16-64-128 (CCM*)"' % keys
    ids = (keys["sender_id"], keys["recipient_id"])
    command = [tshark, "-r", file, "-d", "udp.port==65401,coap"]
    for sender, recipient in (ids, ids[::-1]):
        command += ["-o", f'uat:oscore_contexts:"{sender}","{recipient}",{rest}']
    command += ["-Y", "oscore", "-T", "fields", "-e", "json.value.string"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "open the valve" in done.stdout
    assert "21.5 °C" in done.stdout


def test_trace_reads_it_with_the_key_alone(captured, tmp_path, capsys):
    file, datagrams, keys = captured
    assert main(["trace", "--lines", "--from", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.count("OSCORE") == len(datagrams)
    for word in ("sensor-1", "MSG", "REG", "payload"):
        assert word not in said
    key = tmp_path / "msgin5g.json"
    key.write_text(json.dumps({"role": "client", "security": keys}))
    assert main(["trace", "--lines", "--key", str(key), "--from", str(file)]) == 0
    said = capsys.readouterr()
    assert "1 DEREG, 4 IMDN" in said.err and "1 REG, 2 SEGCONFIR" in said.err
    assert "OSCORE" not in said.err
    for secret in (keys["master_secret"], keys["master_salt"]):
        assert secret not in said.out + said.err
    assert "open the valve" not in said.out  # a payload


def test_a_picture_with_the_keys_of_the_store(captured, capsys):
    """Payloads on request alone; without keys nothing but OSCORE."""
    file, _, _ = captured
    assert main(["trace", "--from", str(file)]) == 0
    assert " OSCORE " in (said := capsys.readouterr().out) and " MSG " not in said
    store = ["--store", str(file.with_name("gateway.db"))]
    assert main(["trace", "--from", str(file), *store]) == 0
    said = capsys.readouterr().out
    for what in (
        " REG ",
        " MSG ",
        " IMDN ",
        " SEGCONFIR ",
        " DEREG ",
        "from ue:sensor-1@example.org to as:weather",
    ):
        assert what in said
    assert " OSCORE " not in said and "open the valve" not in said
    # 64 KiB each way, each in one arrow
    assert len(said.splitlines()) < 60 and said.count("= MSG =") == 2
    assert main(["trace", "--from", str(file), *store, "--payload"]) == 0
    assert '"open the valve"' in capsys.readouterr().out
