# SPDX-License-Identifier: MIT
"""`msgin5g trace` on files of somebody else, or of a power cut: a sentence, or what is left of them."""

import json
import random
import struct
import time
import tracemalloc
import xml.etree.ElementTree

import pytest

from host_tests.tools.trace.test_commands import BODY, post
from tools.cli import main
from tools.trace import ring
from tools.transport.lines import COAP, encode
from tools.wire.capture import Capture

STEP = {"who": "device", "to": "server", "what": "MSG", "time": 1}
HEAD = "msgin5g trace: rp2040, events 1, older lost 0, missed 0"


@pytest.fixture
def made(tmp_path):
    """A capture of two messages."""
    capture = Capture(tmp_path / "made.pcapng", clock=lambda: 1.0)
    for mid in (1, 2):
        capture.datagram(post(BODY, mid=mid), ("192.0.2.2", 40001), ("192.0.2.1", 65401))
    capture.close()
    return tmp_path / "made.pcapng"


def wrong(capsys, *options):
    """The one line that is said."""
    assert main(["trace", *map(str, options)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("size", (1, 20, 70))
def test_what_is_before_a_power_cut_is_drawn(made, capsys, size):
    octets = made.read_bytes()
    made.write_bytes(octets[:-size])
    assert main(["trace", "--from", str(made)]) == 0
    said = capsys.readouterr()
    assert said.out.count(" MSG ") == 1
    assert "damaged" in said.err and said.err.count("\n") == 1


@pytest.mark.parametrize(
    "octets",
    [
        # draft-ietf-opsawg-pcapng section 4.1: a section header of 2^32 - 4 octets, in either byte order
        struct.pack("<IIIHHq", 0x0A0D0D0A, 2**32 - 4, 0x1A2B3C4D, 1, 0, -1),
        struct.pack(">IIIHHq", 0x0A0D0D0A, 2**32 - 4, 0x1A2B3C4D, 1, 0, -1),
        # draft-ietf-opsawg-pcap section 4: a packet of 2^31 octets, of which none is there
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
        + struct.pack("<IIII", 1, 0, 2**31, 2**31),
    ],
)
def test_a_length_that_is_none_asks_for_no_memory(tmp_path, capsys, octets):
    (tmp_path / "made").write_bytes(octets)
    tracemalloc.start()
    try:
        assert "is a damaged capture" in wrong(capsys, "--from", tmp_path / "made")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("resolution", (0, 6))  # if_tsresol: 10^-0 s, 10^-6 s
def test_a_time_that_no_calendar_has(made, capsys, resolution):
    octets = bytearray(made.read_bytes())
    # Its interface gets if_tsresol (9) and if_tsoffset (14), and no end of options; 8 more octets each.
    at = 28
    kind, length = struct.unpack_from("<II", octets, at)
    assert kind == 1
    options = struct.pack("<HHB3xHHqHH", 9, 1, resolution, 14, 8, 2**62, 0, 0)
    block = octets[at + 8 : at + 16]
    size = 20 + len(options)
    octets[at : at + length] = struct.pack("<II", 1, size) + block + options + struct.pack("<I", size)
    made.write_bytes(octets)
    assert main(["trace", "--from", str(made), "--lines"]) == 0
    assert all(line.startswith("- ") for line in capsys.readouterr().out.splitlines())
    assert main(["trace", "--from", str(made)]) == 0
    assert capsys.readouterr().out.count(" MSG ") == 1  # two of one segment are one arrow


def test_captures_with_some_octets_changed(made, capsys):
    """Of each a picture or a sentence; and nothing that a terminal obeys."""
    source, whole = random.Random(3), made.read_bytes()
    for _ in range(100):
        octets = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            octets[source.randrange(len(octets))] = source.choice((0, 1, 0x1B, 0x7F, 0xFF))
        del octets[source.choice((len(octets), source.randrange(4, len(octets)))) :]
        made.write_bytes(octets)
        assert main(["trace", "--from", str(made), *source.choice((["--lines"], ["--payload"], []))]) in (
            0,
            2,
        )
        said = capsys.readouterr()
        assert all(line.isprintable() for line in (said.out + said.err).split("\n"))


@pytest.mark.parametrize(
    "life",
    [
        '{"steps":' + "[" * 100000,
        json.dumps({"steps": [STEP | {"time": 10**400}]}),
        json.dumps({"steps": [STEP | {"time": float("inf")}]}),
        json.dumps({"steps": [STEP | {"count": 1e999}]}),
        json.dumps({"steps": [STEP | {"segments": {"done": 10**12, "of": 3}}]}),
        json.dumps({"steps": [STEP | {"segments": {"done": -(10**400), "of": 3}}]}),
        json.dumps({"steps": [STEP | {"segments": {"done": 1, "of": 0}}]}),
        json.dumps({"steps": [STEP | {"detail": "\ud800"}]}),
    ],
)
def test_a_life_that_is_none(tmp_path, capsys, life):
    (tmp_path / "life.json").write_text(life)
    svg = tmp_path / "life.svg"
    assert "no message's life" in wrong(capsys, "--from", tmp_path / "life.json", "--svg", svg)


def test_octets_of_a_line_say_not_who_spoke(tmp_path, capsys):
    (tmp_path / "out.bin").write_bytes(encode(COAP, post(BODY)))
    assert wrong(capsys, "--from", tmp_path / "out.bin").endswith("say not who spoke: use --lines\n")
    assert main(["trace", "--from", str(tmp_path / "out.bin"), "--lines"]) == 0


def test_segments_of_which_nobody_knows_yet_how_many_there_are(tmp_path, capsys):
    """As the page gives them until the last one has come: openapi.json, `of` is null."""
    life = {"steps": [STEP | {"segments": {"done": 3, "of": None}}]}
    (tmp_path / "life.json").write_text(json.dumps(life))
    assert main(["trace", "--from", str(tmp_path / "life.json"), "--svg", str(tmp_path / "x.svg")]) == 0
    assert main(["trace", "--from", str(tmp_path / "life.json")]) == 0
    assert " 3 segments " in capsys.readouterr().out
    drawn = xml.etree.ElementTree.parse(tmp_path / "x.svg").getroot()
    assert "3 segments" in "".join(drawn.itertext())


def test_a_file_with_any_name_makes_a_picture(tmp_path):
    odd = tmp_path / "x\x1b\udcff<&.json"
    odd.write_text(json.dumps({"steps": [STEP]}))
    assert main(["trace", "--from", str(odd), "--svg", str(tmp_path / "x.svg")]) == 0
    title = xml.etree.ElementTree.parse(tmp_path / "x.svg").getroot()[0]
    assert title.text == "x??<&.json: 1 step"


def test_a_line_takes_as_long_as_it_is_long():
    def spent(spaces):
        text, began = "\n".join((HEAD, "1.000 > " + " " * spaces + "x")), time.process_time()
        assert ring.read(text)[0] == []
        return time.process_time() - began

    short, long = (min(spent(spaces) for _ in range(5)) for spaces in (10_000, 80_000))
    assert long < 30 * short  # 8 times as long; where each space is tried with each, 64
