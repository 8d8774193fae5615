# SPDX-License-Identifier: MIT
"""Slipmux against a second source: sliplib for the framing, crccheck for the check sequence, which the gateway uses."""

import sliplib
from crccheck.crc import CrcX25
from hypothesis import given
from hypothesis import strategies as st

from coap.aio import slipmux

KINDS = st.sampled_from([slipmux.COAP, slipmux.L3])
AWKWARD = st.one_of(
    st.binary(max_size=600),
    st.lists(st.sampled_from(b"\xc0\xdb\xdc\xdd\x0a\xa9\xc5"), max_size=80).map(bytes),
)


def by_libraries(kind, content):
    """The frame as sliplib and crccheck make it, with the ENDs around it that sliplib leaves to its user."""
    checked = bytes([kind]) + content
    return b"\xc0" + sliplib.encode(checked + CrcX25.calc(checked).to_bytes(2, "little")) + b"\xc0"


def ours(kind, content):
    return b"".join(slipmux.encode(kind, [content]))


def found(stream, cuts=()):
    decoder = slipmux.Decoder(700)
    got, start = [], 0
    for end in [*sorted(cuts), len(stream)]:
        for kind, content in decoder.feed(stream[start:end]):
            got.append((kind, bytes(content)))
        start = end
    return got, decoder.stats


@given(KINDS, AWKWARD)
def test_the_same_octets_as_the_libraries(kind, content):
    assert ours(kind, content) == by_libraries(kind, content)


@given(AWKWARD)
def test_text_has_no_check(content):
    assert ours(slipmux.TEXT, content) == b"\xc0" + sliplib.encode(b"\x0a" + content) + b"\xc0"


@given(st.data())
def test_a_stream_in_any_pieces(data):
    frames = data.draw(st.lists(st.tuples(KINDS, AWKWARD), max_size=8))
    stream = b"".join(by_libraries(*frame) for frame in frames)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    got, stats = found(stream, cuts)
    assert got == frames
    assert stats == {"frames": len(frames), "damaged": 0, "long": 0, "aborted": 0, "unknown": 0}


NOISE = st.binary(min_size=1, max_size=60)


@given(st.data())
def test_noise_between_frames_costs_no_frame(data):
    """Each frame has END on both sides, so what stands between two of them is a frame of its own, and wrong."""
    frames = data.draw(st.lists(st.tuples(KINDS, AWKWARD), min_size=1, max_size=6))
    stream = b""
    for kind, content in frames:
        # a lone ESC at the end of noise would swallow the END: that is an aborted frame, and the next one is whole
        stream += data.draw(NOISE) + b"\xc0" + by_libraries(kind, content)
    got, stats = found(stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    # By chance noise is text, which has no check, or even a frame (1 in 65,536 of those with a known first octet).
    wanted = [frame for frame in got if frame in frames]
    assert wanted == frames or len(wanted) > len(frames)
    assert stats["frames"] == len(got)


@given(st.data())
def test_a_damaged_frame_is_counted_or_text(data):
    kind, content = data.draw(st.tuples(KINDS, st.binary(min_size=1, max_size=200)))
    wire = bytearray(by_libraries(kind, content))
    at = data.draw(st.integers(1, len(wire) - 2))
    old = wire[at]
    wire[at] = data.draw(st.integers(0, 255).filter(lambda new: new != old))
    last = (slipmux.COAP, b"after")
    got, stats = found(bytes(wire) + by_libraries(*last))
    assert got[-1] == last
    # A 16-bit check finds every burst of up to 16 bits; an octet that becomes END or ESC cuts the frame in two
    # pieces, of which one may pass by chance.
    others = [frame for frame in got[:-1] if frame[0] != slipmux.TEXT]
    assert len(others) <= (
        1 if 0xC0 in (wire[at], old) or 0xDB in (wire[at], old) or wire[at - 1] == 0xDB else 0
    )
    assert (kind, content) not in others


@given(st.binary(max_size=3000))
def test_any_octets_do_no_harm(stream):
    got, stats = found(stream)
    assert stats["frames"] == len(got)
    last = (slipmux.L3, b"\xc0still there\xdb")
    decoder = slipmux.Decoder(700)
    for _ in decoder.feed(stream):
        pass
    after = [(kind, bytes(content)) for kind, content in decoder.feed(b"\xc0" + by_libraries(*last))]
    assert after[-1] == last


@given(st.lists(st.tuples(KINDS, AWKWARD), max_size=5))
def test_the_libraries_read_what_we_write(frames):
    driver = sliplib.Driver()
    driver.receive(b"".join(ours(*frame) for frame in frames))
    for kind, content in frames:
        packet = driver.get(block=False)
        assert packet[0] == kind and packet[1:-2] == content
        assert CrcX25.calc(packet[:-2]) == int.from_bytes(packet[-2:], "little")
