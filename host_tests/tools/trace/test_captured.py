# SPDX-License-Identifier: MIT
"""`--pcap`: what a gateway writes is what was on the wire, at once and within bounds, as tshark and dpkt read it."""

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace

import dpkt
import pytest

from tools.cli import main
from tools.gateway.running.apart import GatewayUe
from tools.gateway.running.server import ServerProgram
from tools.gateway.runtime import Gateway, Options
from tools.server.settings import Settings
from tools.transport.lines import COAP, L3, Framer, encode
from tools.wire.capture import Capture

REG = (
    b'{"msgIden":"urn:3gpp:msgin5g","msgType":"REG","oriAddr":{"oriAddrType":"UE","addr":"ue:a@x"},'
    b'"regExpTime":3600}'
)
# RFC 7252 section 3: CON POST 0x1234, token ab; Uri-Path (11) "msgin5g", Content-Format (12) 50, the payload
ASKED = b"\x41\x02\x12\x34\xab\xb7msgin5g\x11\x32\xff" + REG
L3_NOISE = b"\x01\x00\x01\x00"  # a MESSAGE SENDING REQUEST that is cut off


def datagrams(path):
    """(source, destination, octets) of each packet, by dpkt."""
    found = []
    with open(path, "rb") as file:
        for _, packet in dpkt.pcapng.Reader(file):
            ip = dpkt.ip6.IP6(packet) if packet[0] >> 4 == 6 else dpkt.ip.IP(packet)
            source, destination = (dpkt.utils.inet_to_str(each) for each in (ip.src, ip.dst))
            found.append(((source, ip.data.sport), (destination, ip.data.dport), bytes(ip.data.data)))
    return found


def options(path, **more):
    return Options(
        Settings(open=True), ("127.0.0.1", 0), ("127.0.0.1", 0), ":memory:", pcap=str(path), **more
    )


async def answered(device, octets):
    loop = asyncio.get_running_loop()
    device.send(octets)
    async with asyncio.timeout(20):
        return await loop.sock_recv(device, 2000)


@pytest.fixture
def udp(tmp_path):
    """(the file, our port, the gateway's, the answer) of one registration."""

    async def play():
        async with Gateway(options(tmp_path / "made.pcapng")) as gateway:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                device.setblocking(False)
                device.connect(("127.0.0.1", gateway.coap_port))
                answer = await answered(device, ASKED)
                # while the gateway goes on: nothing waits in a buffer
                assert [octets for _, _, octets in datagrams(tmp_path / "made.pcapng")] == [ASKED, answer]
                return tmp_path / "made.pcapng", device.getsockname()[1], gateway.coap_port, answer

    return asyncio.run(play())


def test_what_was_on_the_wire(udp, capsys):
    path, ours, its, answer = udp
    device, gateway = ("127.0.0.1", ours), ("127.0.0.1", its)
    assert datagrams(path) == [(device, gateway, ASKED), (gateway, device, answer)]
    assert os.stat(path).st_mode & 0o777 == 0o600  # payloads are in it
    assert main(["trace", "--from", str(path), "--coap", str(its)]) == 0
    said = capsys.readouterr().out
    assert " REG " in said and " 2.04 " in said


def test_wireshark_reads_it(udp, tshark):
    path, _, its, _ = udp
    checks = ("-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    fields = ("coap.type", "coap.mid", "udp.checksum.status", "ip.checksum.status")
    command = [tshark, "-r", str(path), "-d", f"udp.port=={its},coap", *checks, "-T", "fields"]
    command += [part for field in fields for part in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # CON (0) and its ACK (2), the message ID of both, checksums that are right (1)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["0", str(0x1234), "1", "1"],
        ["2", str(0x1234), "1", "1"],
    ]


def test_serial_lines_have_addresses_of_their_own(tmp_path, capsys):
    async def play():
        ours, its = os.openpty()
        path = tmp_path / "made.pcapng"
        line = os.ttyname(its)
        async with Gateway(options(path, serial=(line,), security="none")) as gateway:
            while not gateway.lines[0].open:
                await asyncio.sleep(0.01)
            os.write(ours, encode(COAP, ASKED) + encode(L3, L3_NOISE))
            framer, frames = Framer(2000), []
            os.set_blocking(ours, False)
            async with asyncio.timeout(20):
                while len(frames) < 2:
                    try:
                        frames += framer.feed(os.read(ours, 4096))
                    except BlockingIOError:
                        await asyncio.sleep(0.01)
            return path, gateway.coap_port, dict(frames)

    path, port, frames = asyncio.run(play())
    found = datagrams(path)
    gateway, device = "192.0.2.1", "192.0.2.2"
    assert ((device, port), (gateway, port), ASKED) in found
    assert ((gateway, port), (device, port), frames[COAP]) in found
    # L3 on its own port, docs/tracing.md
    assert ((device, 65400), (gateway, 65400), L3_NOISE) in found
    assert ((gateway, 65400), (device, 65400), frames[L3]) in found
    assert main(["trace", "--lines", "--from", str(path), "--coap", str(port)]) == 0
    said = capsys.readouterr()
    assert "L3 MESSAGE SENDING REQUEST, 4 octets" in said.out and "1 REG" in said.err


def test_two_files_of_a_size_that_is_kept(tmp_path):
    path = tmp_path / "made.pcapng"
    capture = Capture(path, largest=2000)
    ends = ("10.0.0.1", 40000), ("::1", 65401)  # of two families, as a socket for both may have them
    sent = [bytes([number]) * 100 for number in range(100)]
    for octets in sent:
        capture.datagram(octets, *ends)
    capture.close()
    old, new = datagrams(f"{path}.1"), datagrams(path)
    kept = [octets for _, _, octets in old + new]
    assert kept == sent[-len(kept) :] and len(old) > 5
    assert max(os.path.getsize(path), os.path.getsize(f"{path}.1")) <= 2000
    assert sorted(os.listdir(tmp_path)) == ["made.pcapng", "made.pcapng.1"]


@pytest.mark.parametrize("size", (65507, 65508, 70000))
def test_a_frame_of_a_line_that_no_datagram_could_be_goes_on_and_is_cut(tmp_path, size):
    """--serial-max-frame may be larger than the 65507 octets that UDP over IPv4 has (65535, less 20 and 8)."""
    capture = Capture(tmp_path / "made.pcapng")
    capture.frame(bytes(size), 0, 65400, outgoing=False)
    capture.frame(b"next", 0, 65400, outgoing=False)
    capture.close()
    assert [len(octets) for _, _, octets in datagrams(tmp_path / "made.pcapng")] == [65507, 4]


def test_where_the_file_takes_no_more_it_is_said_once(tmp_path):
    path = tmp_path / "made.pcapng"
    (tmp_path / "made.pcapng.1" / "in the way").mkdir(parents=True)
    told = []
    capture = Capture(path, largest=400, failed=told.append)
    for _ in range(10):
        capture.datagram(bytes(100), ("10.0.0.1", 1), ("10.0.0.2", 2))
    assert told == ["Is a directory"] and len(datagrams(path)) == 2


def test_no_two_programs_write_one_file(tmp_path):
    """Nor anything that is no file: what another program reads from a pipe would wait for it."""
    capture = Capture(tmp_path / "made.pcapng")
    capture.datagram(b"1", ("10.0.0.1", 1), ("10.0.0.2", 2))
    with pytest.raises(OSError, match="process [0-9]+ .* writes it already"):
        Capture(tmp_path / "made.pcapng")
    assert len(datagrams(tmp_path / "made.pcapng")) == 1
    capture.close()
    Capture(tmp_path / "made.pcapng").close()
    with pytest.raises(OSError, match="it is no ordinary file"):
        Capture("/dev/null")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none/x", "No such file or directory: look at the name"), (".", "Is a directory: name a file")],
)
def test_a_file_that_cannot_be_made(tmp_path, name, reason):
    command = [sys.executable, "-m", "tools.cli", "server", "--security", "none", "--open", "--store", "s.db"]
    command += ["--coap", "127.0.0.1:0", "--http", "127.0.0.1:0", "--pcap", str(tmp_path / name)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"msgin5g: --pcap {tmp_path / name}: {reason}"


def test_a_gateway_has_its_server_in_it_too(tmp_path, capsys):
    """By addresses alone gateway and server cannot be told apart on one machine: --server names its port."""

    async def play():
        nobody = ("127.0.0.1", 0)
        server = ServerProgram(Options(Settings(open=True), nobody, nobody, ":memory:"))
        async with server:
            where = ("127.0.0.1", server.coap_port)
            path = tmp_path / "made.pcapng"
            made = GatewayUe(replace(options(path), name="ue:gw@x", upstream=where))
            async with made as gateway:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                    device.setblocking(False)
                    device.connect(("127.0.0.1", gateway.coap_port))
                    await answered(device, ASKED)
            return path, gateway.coap_port, server.coap_port

    path, port, upper = asyncio.run(play())
    assert main(["trace", "--from", str(path), "--coap", str(port), "--server", str(upper)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Device", "Gateway", "Server"]
    assert (
        sum(" REG " in line for line in lines) >= 2
    )  # the gateway's own, and the device's, which it hands on
