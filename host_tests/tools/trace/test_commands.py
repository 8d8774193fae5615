# SPDX-License-Identifier: MIT
"""`msgin5g trace`: what it reads, what it prints, what it says of what it can't read."""

import os
import random
import select
import subprocess
import sys
import xml.etree.ElementTree

import aiocoap
import dpkt
import pytest

from host_tests.interop.capture import Capture
from tools import trace
from tools.cli import main
from tools.gateway import keys
from tools.programs.patience import communicate
from tools.store.keys.sectables import Keys
from tools.store.store import Store
from tools.trace import material, sources, svg, text
from tools.trace.reader import Reader
from tools.trace.steps import steps
from tools.transport.lines import COAP, L3, TEXT, encode
from tools.wire import bodies

BODY = {
    "msgIden": "urn:3gpp:msgin5g",
    "msgType": "MSG",
    "oriAddr": {"oriAddrType": "UE", "addr": "ue:a@x"},
    "destAddr": {"destAddrType": "AS", "addr": "as:b@x"},
    "msgId": "6b7d7d6c-5d55-4b6e-9e3c-0f2f6a3c1b90",
    "isSegmented": True,
    "segParams": {"segId": "0" * 16, "totalSegCount": 7, "segNumb": 3},
    "sfFlag": False,
    "payload": "data:;base64,AAEC",
}


def post(body, mid=0x1234, token=b"\xa1\xb2"):
    message = aiocoap.Message(code=aiocoap.POST, uri_path=("msgin5g",), content_format=50)
    message.payload = bodies.encode(body)
    message.mtype, message.mid, message.token = aiocoap.CON, mid, token
    return message.encode()


ACK = b"\x62\x44\x12\x34\xa1\xb2"


def lines_of(capsys, *arguments):
    *options, source = map(str, arguments)
    assert main(["trace", "--lines", *options, "--from", source]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_line_for_each_message_of_a_capture(tmp_path, capsys):
    capture = Capture(tmp_path / "made.pcap")
    request = post(BODY)
    for datagram, to_device in ((request, False), (ACK, True), (b"\x40\x00\x00\x07", True), (b"\x00", False)):
        capture.add(datagram, to_device)
    capture.close()
    lines = [line.split(None, 1)[1] for line in lines_of(capsys, tmp_path / "made.pcap")]
    assert lines == [
        "192.0.2.2:49152 > gateway         CON POST 1234 a1b2         "
        f"MSG 6b7d7d6c 3/7 from ue:a@x to as:b@x payload of 3, {len(request)} octets",
        "gateway > 192.0.2.2:49152         ACK 2.04 1234 a1b2         6 octets",
        "gateway > 192.0.2.2:49152         CON empty 0007 -           4 octets",
        "192.0.2.2:49152 > gateway         not CoAP, 1 octet",
    ]


def test_a_bulk_request_says_for_how_many(tmp_path, capsys):
    capture = Capture(tmp_path / "made.pcap")
    who = {"oriAddrType": "UE", "addr": "ue:gw@x"}
    body = {"msgType": "BREG", "oriAddr": who, "totalRegCount": 2, "regList": [{}, {}]}
    capture.add(post(body), False)
    capture.close()
    (line,) = lines_of(capsys, tmp_path / "made.pcap")
    assert "BREG from ue:gw@x for 2, " in line


# dpkt writes pcapng of Ethernet alone
@pytest.mark.parametrize(
    ("link", "new"),
    [(1, False), (1, True), (113, False), (12, False)],
    ids=["Ethernet", "pcapng", "any device of Linux", "bare IP"],
)
def test_captures_of_other_programs(tmp_path, capsys, link, new):
    def packet(octets):
        udp = dpkt.udp.UDP(sport=40000, dport=65401, data=octets, ulen=8 + len(octets))
        ip = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=17, data=udp, len=28 + len(octets))
        if link == 1:
            return bytes(dpkt.ethernet.Ethernet(data=ip))
        return bytes(dpkt.sll.SLL(data=ip) if link == 113 else ip)

    with open(tmp_path / "made", "wb") as file:
        writer = dpkt.pcapng.Writer(file) if new else dpkt.pcap.Writer(file, linktype=link)
        writer.writepkt(packet(post(BODY)), 1.5)
        writer.writepkt(packet(post(BODY))[:20], 2)
    (line,) = lines_of(capsys, tmp_path / "made")
    assert line.split()[1:4] == ["10.0.0.1:40000", ">", "gateway"]
    assert "MSG 6b7d7d6c 3/7" in line


def test_octets_of_a_line(tmp_path, capsys):
    noise = b"\xff\x00garbage"
    told = noise + encode(COAP, post(BODY)) + encode(L3, b"\x01" + bytes(30)) + encode(TEXT, b"up\x1b[0m")
    (tmp_path / "out.bin").write_bytes(told)
    lines = lines_of(capsys, tmp_path / "out.bin")
    assert [line.split()[:2] for line in lines] == [["-", "out.bin"]] * 3
    assert "MSG 6b7d7d6c 3/7" in lines[0]
    assert lines[1].endswith("L3 MESSAGE SENDING REQUEST, 31 octets")
    assert lines[2].endswith("text: up?[0m")  # nothing that a terminal obeys


def traced(*arguments, **more):
    command = [sys.executable, "-m", "tools.cli", "trace", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def test_a_capture_that_comes_in(tmp_path):
    capture = Capture(tmp_path / "made.pcap")
    capture.add(post(BODY), False)
    capture.close()
    ours, its = os.pipe()
    process = traced("--from", "-", stdin=ours)
    os.close(ours)
    os.write(its, (tmp_path / "made.pcap").read_bytes())
    assert "MSG 6b7d7d6c" in process.stdout.readline()  # while it goes on
    os.close(its)
    assert communicate(process, 30) == ("", "1 message: 1 MSG\n")


def test_a_device_that_listens():
    ours, device = os.openpty()
    process = traced("--wire", "--from", os.ttyname(device))
    try:
        # What is sent before it listens is lost.
        while not select.select([process.stdout], [], [], 0.2)[0]:
            assert process.poll() is None, process.stderr.read()
            os.write(ours, encode(COAP, post(BODY)))
        assert "MSG 6b7d7d6c" in process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "is no capture, and holds no frame of slipmux"),
        (b"just some text", "is no capture, and holds no frame of slipmux"),
        (b"\xd4\xc3\xb2\xa1\x02", "is a damaged capture"),
        (b"\xd4\xc3\xb2\xa1" + bytes(16) + b"\x69\0\0\0", "packets of link type 105 are not understood"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "is a damaged capture"),
    ],
)
def test_what_it_cannot_read(tmp_path, capsys, octets, sentence):
    (tmp_path / "wrong").write_bytes(octets)
    assert main(["trace", "--from", str(tmp_path / "wrong")]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_as_the_released_version_took_it(tmp_path, capsys):
    """`msgin5g trace FILE... --port N`: a line for each message, and how it is said now."""
    capture = Capture(tmp_path / "one")
    capture.add(post(BODY), False)
    capture.close()
    (tmp_path / "two").write_bytes((tmp_path / "one").read_bytes())  # of the same time
    lines = lines_of(capsys, tmp_path / "one")
    assert main(["trace", "--port", "65401", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == lines * 2 and len(lines) == 1
    assert "msgin5g: --port is called --coap now\n" in err and "--from now" in err
    assert main(["trace"]) == 2
    assert "--from is missing" in capsys.readouterr().err


def test_no_such_file_key_or_port(tmp_path, capsys):
    assert main(["trace", "--from", str(tmp_path / "none")]) == 2
    assert f"{tmp_path}/none: No such file or directory" in capsys.readouterr().err
    capture = Capture(tmp_path / "made.pcap")
    capture.add(post(BODY), False)
    capture.close()
    assert main(["trace", "--coap", "5683", "--from", str(tmp_path / "made.pcap")]) == 2
    assert "of 1 packet none is UDP of port 5683; --coap names another" in capsys.readouterr().err
    (tmp_path / "key.json").write_text('{"security": {"master_secret": "00"}}')
    assert main(["trace", "--key", str(tmp_path / "key.json"), "--from", str(tmp_path / "made.pcap")]) == 2
    assert "security.sender_id must be the hexadecimal digits" in capsys.readouterr().err


def test_anything_may_be_heard(tmp_path):
    """Octets of chance, and messages with some octets changed, protected ones too: a line each, and no control
    character in it."""
    source = random.Random(7)
    made = keys.make(str(tmp_path / "keys.json"), set())
    reader = Reader([made])
    protected = b"\x42\x02\x12\x34ab\x93\x09\x00\x00\xff" + bytes(30)
    for _ in range(3000):
        octets = bytearray(source.choice((post(BODY), ACK, protected, source.randbytes(40))))
        for _ in range(source.randrange(4)):
            octets[source.randrange(len(octets))] = source.randrange(256)
        kind = source.choice((COAP, COAP, L3, TEXT))
        heard = sources.Heard(1.0, "device a:1", "gateway", ("a", 1), ("b", 2), kind, bytes(octets))
        said = reader.read(heard)
        assert trace.line(said).isprintable()
        drawn = steps([said])
        assert all(line.isprintable() for line in text.draw(drawn))
        xml.etree.ElementTree.fromstring(svg.draw(drawn, said.text))


def test_the_store_has_the_keys_of_all_devices(tmp_path, capsys):
    """With an ID context (RFC 8613 section 5.1) too."""
    path = str(tmp_path / "gateway.db")
    made = [Keys(b"\x01", b"", bytes(16)), Keys(b"\x01", b"", bytes(15) + b"\x02", b"salt", b"context")]
    store = Store(path, serving=False)
    for number, each in enumerate(made):
        store.bind_keys(f"ue:{number}@x", each)
    store.close()
    assert sorted(material.keys_of_store(path), key=lambda keys: keys.salt) == made
    missing = tmp_path / "none.db"
    assert main(["trace", "--store", str(missing), "--from", path]) == 2
    assert str(missing) in capsys.readouterr().err and not missing.exists()


def test_payloads_on_request(tmp_path, capsys):
    """Text as it is, octets in hex (RFC 2397: AAEC is 00 01 02); of a picture the beginning, of segments none."""
    whole = {name: value for name, value in BODY.items() if name not in ("segParams", "isSegmented")}
    capture = Capture(tmp_path / "made.pcap")
    for number, body in enumerate((whole, whole | {"payload": "21.5 °C" + "\x1b" + 100 * "x"}, BODY)):
        capture.add(post(body, mid=number), False)
    capture.close()
    path = str(tmp_path / "made.pcap")
    first, second, third = lines_of(capsys, "--payload", path)
    assert "payload of 3 00 01 02, " in first
    assert '"21.5 °C?' + 100 * "x" + '", ' in second
    assert main(["trace", "--payload", "--from", path]) == 0
    said = capsys.readouterr().out
    assert said.count("00 01 02") == 1 and '"21.5 °C?xxx' in said and 60 * "x" not in said
