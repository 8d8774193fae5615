# SPDX-License-Identifier: MIT
"""Slipmux frames on the line: known octets, noise, cuts, frames that are too long or damaged.

The CoAP frames are those that the Rust crate slipmux prints in its documentation; FCS-16 is CRC-16/X-25, whose check
value over "123456789" is 0x906E in the catalogues. The draft gives END 0xC0, ESC 0xDB, and DC and DD behind ESC.
host_tests/properties/test_slipmux.py has the same against sliplib and crccheck.
"""

from coap.aio import slipmux
from common import Random, equal

HELLO = b"\xc0\x0aHello World!\xc0"
GET = bytes.fromhex("c0a940010000bc38c0")  # CoAP 40 01 00 00
WORLD = b"\xc0\xa9Hello World!\x49\xff\xc0"


def frame(kind, *parts):
    return b"".join(slipmux.encode(kind, parts))


def found(decoder, *pieces):
    out = []
    for piece in pieces:
        for kind, content in decoder.feed(piece):
            out.append((kind, bytes(content)))
    return out


def test_known_frames():
    equal(frame(slipmux.TEXT, b"Hello World!"), HELLO)
    equal(frame(slipmux.COAP, bytes.fromhex("40010000")), GET)
    equal(frame(slipmux.COAP, b"Hello World!"), WORLD)
    stream = HELLO + GET + WORLD
    equal(
        found(slipmux.Decoder(64), stream),
        [
            (slipmux.TEXT, b"Hello World!"),
            (slipmux.COAP, bytes.fromhex("40010000")),
            (slipmux.COAP, b"Hello World!"),
        ],
    )


def test_fcs_check_value():
    low, high = slipmux.fcs(b"123456789")
    equal((high << 8 | low) ^ 0xFFFF, 0x906E)
    # RFC 1662 appendix C.2: over the octets and their check, low octet first, the register is 0xF0B8
    equal(slipmux.fcs(b"123456789\x6e\x90"), (0xB8, 0xF0))


def test_escapes():
    content = b"\xc0\xdb\xdc\xdd\xdb\xc0"
    wire = frame(slipmux.L3, content)
    # END -> DB DC, ESC -> DB DD, DC and DD as they are
    equal(wire[:12], b"\xc0\xc5\xdb\xdc\xdb\xdd\xdc\xdd\xdb\xdd\xdb\xdc")
    equal(wire.count(b"\xc0"), 2)
    equal(found(slipmux.Decoder(16), wire), [(slipmux.L3, content)])


def test_octet_by_octet():
    stream = GET + frame(slipmux.L3, b"\xc0\xdb" * 4) + HELLO
    decoder = slipmux.Decoder(64)
    pieces = [stream[at : at + 1] for at in range(len(stream))]
    equal(len(found(decoder, *pieces)), 3)
    equal(decoder.stats["frames"], 3)


def test_one_end_between_frames_is_enough():
    stream = HELLO + GET[1:] + WORLD[1:]
    equal(len(found(slipmux.Decoder(64), stream)), 3)


def test_each_damaged_octet_is_noticed():
    content = bytes(range(0x30, 0x50))
    wire = frame(slipmux.L3, content)
    for at in range(1, len(wire) - 1):
        for bit in (0x01, 0x10, 0x80):
            damaged = bytearray(wire)
            damaged[at] ^= bit
            decoder = slipmux.Decoder(64)
            got = [f for f in found(decoder, bytes(damaged) + GET) if f[0] != slipmux.TEXT]
            equal(got, [(slipmux.COAP, bytes.fromhex("40010000"))])


def test_cut_frames_do_not_harm_the_next():
    wire = frame(slipmux.L3, b"twelve octet")
    for end in range(len(wire) - 1):
        got = found(slipmux.Decoder(64), wire[:end], GET)
        equal(got[-1], (slipmux.COAP, bytes.fromhex("40010000")))
        equal(len(got), 1)
    for start in range(1, len(wire) - 1):
        decoder = slipmux.Decoder(64)
        got = [f for f in found(decoder, wire[start:], GET) if f[0] == slipmux.L3]
        equal(got, [] if start > 1 else [(slipmux.L3, b"twelve octet")])  # the first END is there for noise


def test_too_long_is_dropped_and_counted():
    decoder = slipmux.Decoder(8)
    equal(found(decoder, frame(slipmux.L3, bytes(8))), [(slipmux.L3, bytes(8))])
    equal(found(decoder, frame(slipmux.L3, bytes(9)), GET), [(slipmux.COAP, bytes.fromhex("40010000"))])
    equal((decoder.stats["long"], decoder.stats["frames"]), (1, 2))
    # without an end it takes no memory and counts once
    equal(found(decoder, *[bytes(64)] * 50), [])
    equal(decoder.stats["long"], 2)
    equal(found(decoder, b"\xc0" + GET), [(slipmux.COAP, bytes.fromhex("40010000"))])


def test_an_aborted_frame():
    # draft section "Framing considerations": ESC and END give a frame up
    decoder = slipmux.Decoder(64)
    equal(found(decoder, b"\xc0\xc5abc\xdb\xc0" + GET), [(slipmux.COAP, bytes.fromhex("40010000"))])
    equal((decoder.stats["aborted"], decoder.stats["damaged"]), (1, 0))


def test_frames_that_mean_nothing_here():
    decoder = slipmux.Decoder(64)
    for wire in (b"\xc0\x45IPv4\xc0", b"\xc0\x60IPv6\xc0", b"\xc0\x00\xc0", b"\xc0\xff\xff\xff\xc0"):
        equal(found(decoder, wire), [])
    equal((decoder.stats["unknown"], decoder.stats["frames"]), (4, 0))
    # a frame needs its check, and an escape one of two octets behind it
    for wire in (b"\xc0\xa9\xc0", b"\xc0\xa9\x01\xc0", b"\xc0\xc5\xdb\x01abc\xc0"):
        equal(found(decoder, wire), [])
    equal(decoder.stats["damaged"], 3)
    equal(found(decoder, b"\xc0\xc0\xc0\xc0"), [])  # nothing between frames is no error
    equal(sum(decoder.stats.values()), 7)


class Source:
    """A part that is read while it goes out."""

    def __init__(self, octets, there=None):
        self.octets = octets
        self.there = len(octets) if there is None else there
        self.largest = 0

    def __len__(self):
        return len(self.octets)

    def read(self, offset, size):
        self.largest = max(self.largest, size)
        return self.octets[offset : min(offset + size, self.there)]


def test_a_part_from_storage_goes_out_piece_by_piece():
    source = Source(bytes(range(256)) * 5)
    pieces = list(slipmux.encode(slipmux.L3, [b"head", source, bytearray(b"tail")]))
    equal(b"".join(pieces), frame(slipmux.L3, b"head" + source.octets + b"tail"))
    assert source.largest <= 256 and max([len(piece) for piece in pieces]) <= 512


def test_a_part_that_vanishes_aborts_the_frame():
    wire = frame(slipmux.L3, b"head", Source(bytes(600), there=300), b"tail")
    equal(wire[-2:], b"\xdb\xc0")
    decoder = slipmux.Decoder(2000)
    equal(found(decoder, wire + GET), [(slipmux.COAP, bytes.fromhex("40010000"))])
    equal(decoder.stats["aborted"], 1)


class Spool:
    """Stands in for a file of the storage."""

    full = False

    def __init__(self):
        self.octets = b""
        self.removed = False

    def append(self, octets):
        if Spool.full:
            raise OSError(28)
        self.octets += bytes(octets)

    def remove(self):
        self.removed = True


def spooled(wire, max_frame=1000, step=64):
    made = []

    def spool():
        made.append(Spool())
        return made[-1]

    decoder = slipmux.Decoder(max_frame, spool, buffer=100)
    got = []
    for at in range(0, len(wire), step):
        for _, content in decoder.feed(wire[at : at + step]):
            got.append(content.octets if isinstance(content, Spool) else bytes(content))
    return got, made, decoder.stats


def test_long_content_goes_to_the_spool():
    random = Random(5)
    for size in (96, 97, 98, 99, 100, 101, 102, 197, 198, 199, 200, 295, 296, 999, 1000):
        content = (random.bytes(100) * 30)[:size]
        wire = frame(slipmux.L3, content)
        for step in (1, 64, 5000):
            got, made, stats = spooled(wire + GET, step=step)
            equal(got, [content, bytes.fromhex("40010000")])
            equal(len(made), 1 if size > 97 else 0)  # 100 octets of buffer hold 97 of content
            equal(stats["frames"], 2)


def test_a_damaged_long_frame_leaves_nothing_in_the_storage():
    wire = bytearray(frame(slipmux.L3, bytes(1000)))
    wire[700] ^= 1
    got, made, stats = spooled(bytes(wire))
    equal((got, made[0].removed, stats["damaged"]), ([], True, 1))
    got, made, stats = spooled(frame(slipmux.L3, bytes(1000)), max_frame=999)
    equal((got, made[0].removed, stats["long"]), ([], True, 1))


def test_only_the_frames_of_a_link_are_spooled():
    """Nobody would take the others, and remove them: a line full of text would fill the flash."""
    wire = b"".join(
        [frame(kind, b"x" * size) for kind in (slipmux.TEXT, slipmux.COAP, 0x55) for size in (200, 900)]
    )
    good = frame(slipmux.L3, b"y" * 500)
    for step in (1, 64, 9999):
        got, made, stats = spooled(wire + good + wire, step=step)
        equal((got, len(made), made[0].removed), ([b"y" * 500], 1, False))
        equal((stats["frames"], stats["long"]), (1, 12))


def test_a_full_storage_drops_the_frame_and_counts_it():
    Spool.full = True
    try:
        got, made, stats = spooled(frame(slipmux.L3, bytes(1000)) + GET)
    finally:
        Spool.full = False
    equal((got, stats["long"], made[0].removed), ([bytes.fromhex("40010000")], 1, True))


def test_reset_forgets_half_a_frame():
    decoder = slipmux.Decoder(64)
    equal(found(decoder, b"\xc0\xc5half"), [])
    decoder.reset()
    equal(found(decoder, GET[1:]), [(slipmux.COAP, bytes.fromhex("40010000"))])
    equal(decoder.stats["damaged"], 1)
