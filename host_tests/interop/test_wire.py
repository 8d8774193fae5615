# SPDX-License-Identifier: MIT
"""What the demo puts on the wire, read by Wireshark's dissectors: CoAP without a fault, and the bodies JSON."""

import io
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from host_tests.interop.capture import Capture, Relay
from tools.cli import main
from tools.demo.application_server import ApplicationServer
from tools.demo.processes import Device, Gateway
from tools.demo.story import AS, LARGE, UE, Story, exchange
from tools.programs.patience import run

DEMO_APP = Path(__file__).parents[2] / "tools/demo/apps/app.py"


async def play(folder, capture):
    """The demo's steps, through a relay that captures."""
    record, update = random.Random(1).randbytes(LARGE), random.Random(2).randbytes(LARGE)
    device = Device(folder / "device", DEMO_APP)
    device.put("record.bin", record)
    async with Gateway(folder, "--open") as gateway:
        async with ApplicationServer(AS, gateway.http) as server, Relay(gateway.coap, capture) as relay:
            await server.register()
            peer = {"peer": f"coap://127.0.0.1:{relay.port}", "security": {"mode": "none"}}
            device.configure({"role": "client", "ue_service_id": UE, **peer})
            async with device:
                story = Story(Console(file=io.StringIO()))
                await exchange(story, gateway, server, device, record, update)
                assert await device.wait() == 0  # the answer to its last request has come


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    """(file, number of datagrams) of the demo."""
    folder = tmp_path_factory.mktemp("wire")
    capture = Capture(folder / "demo.pcap")
    run(play(folder, capture))
    capture.close()
    return folder / "demo.pcap", capture.count


FAULTS = "_ws.malformed || _ws.expert.severity >= 0x00600000"  # from "warning" on


@pytest.fixture
def dissect(tshark):
    """dissect(file, filter, *fields): for each packet the values of these fields, a tuple of strings each."""

    def read(file, only, *fields):
        command = [tshark, "-r", file, "-d", "udp.port==65401,coap", "-o", "udp.check_checksum:TRUE"]
        command += ["-Y", only, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]
        command += [part for field in fields for part in ("-e", field)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        return [tuple(line.split("\t")) for line in done.stdout.splitlines()]

    return read


@pytest.fixture
def packets(captured, dissect):
    """The same of the demo."""
    return lambda *arguments: dissect(captured[0], *arguments)


def test_a_fault_would_be_seen(tmp_path, dissect):
    capture = Capture(tmp_path / "faults.pcap")
    for datagram in (
        b"\x40\x02\x12\x34",  # a POST without a fault
        b"\x44\x02\x12\x34\x01",  # a token of 4 octets that ends after 1
        b"\x40\x02\x12\x34\xb7msgin",  # an option of 7 octets that ends after 5
    ):
        capture.add(datagram, to_device=False)
    capture.close()
    assert dissect(tmp_path / "faults.pcap", FAULTS, "frame.number") == [("2",), ("3",)]


def test_each_datagram_is_coap_without_a_fault(captured, packets):
    frames = [str(number) for number in range(1, captured[1] + 1)]
    assert [number for (number,) in packets("coap && udp.checksum.status == Good", "frame.number")] == frames
    assert packets(FAULTS, "frame.number", "_ws.expert.message") == []


def test_each_request_is_a_confirmable_post_of_json(packets):
    fields = ("coap.type", "coap.code", "coap.opt.uri_path_recon", "coap.opt.ctype", "coap.token_len")
    requests = set(packets("coap.code > 0 && coap.code < 32", *fields))
    assert {request[:4] for request in requests} == {("0", "2", "/msgin5g", "application/json")}
    # What the dissector makes of the body is JSON, for each of them.
    assert len(packets("coap.code == 2 && json.object", "frame.number")) == len(
        packets("coap.code == 2", "frame.number")
    )


def test_each_request_gets_one_answer_with_its_message_id_and_token(packets):
    asked = packets("coap.type == 0", "ip.src", "coap.mid", "coap.token")
    answered = packets("coap.type == 2", "ip.dst", "coap.mid", "coap.token")
    assert Counter(asked) == Counter(answered)
    assert {code for (code,) in packets("coap.type == 2", "coap.code")} == {"68"}  # 2.04 Changed


def test_the_messages_are_those_of_the_demo(packets):
    def sent_by(address):
        """The members of each request's body, by their path: {"/msgType": "REG", "/oriAddr/addr": ...}."""
        bodies = packets(f"ip.src == {address} && coap.code == 2", "json.path_with_value")
        return [dict(member.split(":", 1) for member in body.split("|")) for (body,) in bodies]

    def kinds(bodies):
        return Counter(body["/msgType"] + " segment" * ("/isSegmented" in body) for body in bodies)

    device, gateway = sent_by("192.0.2.2"), sent_by("192.0.2.1")
    assert {body["/msgIden"] for body in device + gateway} == {"urn:3gpp:msgin5g"}
    assert [device[0]["/msgType"], device[-1]["/msgType"]] == ["REG", "DEREG"]
    of_device, of_gateway = kinds(device), kinds(gateway)
    # 64 KiB are 87,384 characters of base64; a segment has room for some 700 of them.
    assert of_device.pop("MSG segment") > 100
    assert of_gateway.pop("MSG segment") > 100
    # Two messages that fit one datagram, two reports, and the word that all segments are there.
    assert of_device == {"REG": 1, "MSG": 2, "IMDN": 2, "SEGCONFIR": 1, "DEREG": 1}
    assert of_gateway == {"MSG": 1, "IMDN": 2, "SEGCONFIR": 1}


def test_trace_reads_it_as_wireshark_does(captured, packets, capsys):
    """`msgin5g trace`: the same types, codes, message IDs and tokens, one line each, and the messages of the demo."""
    file, count = captured
    assert main(["trace", "--lines", "--from", str(file)]) == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert len(lines) == count
    names = {"2": "POST", "68": "2.04"}
    expected = [
        ("CON NON ACK RST".split()[int(type_)], names[code], f"{int(mid):04x}", token.replace(":", ""))
        for type_, code, mid, token in packets("coap", "coap.type", "coap.code", "coap.mid", "coap.token")
    ]
    assert [tuple(line[4:8]) for line in lines] == expected
    assert "1 DEREG, 4 IMDN" in said.err and "1 REG, 2 SEGCONFIR" in said.err
    assert sum(line[8:9] == ["MSG"] and "/" in line[10] for line in lines) > 200
