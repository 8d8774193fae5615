# SPDX-License-Identifier: MIT
"""JSON text is looked at in pieces, and a long payload is left where it lies: RFC 8259, whatever lies on a boundary."""

from coap.compat import json_value
from common import Random, equal, raises
from msgin5g import BodyError
from msgin5g.wire.bodies import Body
from msgin5g.wire.reading import late_value

LONG = b"data:;base64," + 260 * b"QUJD"  # more than a piece of any kind


def read(octets):
    """The payload of a body, or its error in words."""
    try:
        return bytes(Body.read(octets, late_value).payload())
    except BodyError as error:
        return str(error)


def is_no_json(octets):
    equal(read(octets), "body: not JSON in UTF-8")


def test_a_payload_of_any_length_at_any_place():
    for size in (0, 1, 127, 255, 256, 257, 511, 513, 1000):
        for before in (0, 1, 64, 127):
            value = size * b"x"
            equal(read(b'{"a":"%s","payload":"%s"}' % (before * b"y", value)), value)
            equal(read(b'{"payload":"%s","a":"%s"}' % (value, before * b"y")), value)
            equal(read(b'{"payload ":"%s"}' % value + before * b" "), value)  # a name as the schemas print it
    for text in ("\u00e4", "\u4e2d", "\U0001f600"):
        for before in range(5):
            value = before * b"z" + 300 * text.encode()
            equal(read(b'{"a":"%s","payload":"%s"}' % (value, value)), value)


def test_escapes_on_each_boundary():
    for before in range(120, 136):
        for written, meant in (
            (rb"\"", '"'),
            (rb"\\", "\\"),
            (rb"\\\"", '\\"'),
            (rb"\\\\", "\\\\"),
            (rb"\n", "\n"),
            (rb"\u00e4", "\u00e4"),
            (rb"\ud83d\ude00", "\U0001f600"),
            (rb"\"]}\"[{", '"]}"[{'),
        ):
            written = before * b"x" + written
            meant = before * "x" + meant
            equal(json_value(b'["%s",{"a":"%s"}]' % (written, written)), [meant, {"a": meant}])
            equal(read(b'{"payload":"%s"}' % (written + LONG)), meant.encode() + LONG)
            is_no_json(b'{"payload":"%s"' % written)


def test_what_was_cut_off():
    whole = b'{"msgType":"MSG","segParams":{"segId":"1"},"payload":"%s"}' % LONG
    equal(read(whole), LONG)
    for end in range(len(whole)):
        is_no_json(whole[:end])


def test_what_is_no_utf_8():
    for at in range(0, len(LONG), 7):
        for wrong in (b"\xff", b"\x80", b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98"):
            is_no_json(b'{"payload":"%s"}' % (LONG[:at] + wrong + LONG[at:]))


def test_which_payload_counts():
    other = b'{"x":{"payload":"%s"}}' % LONG
    equal(read(other), b"")
    equal(Body.read(other, late_value).object("x").payload(), LONG)
    listed = Body.read(b'{"msgList":[{"payload":"%s"}]}' % LONG, late_value)
    equal(listed.objects("msgList")[0].payload(), LONG)
    equal(read(b'{"payload":"%s","payload":"b"}' % LONG), b"b")  # of two the last, as ever
    equal(read(b'{"payload":"b","payload":"%s"}' % LONG), LONG)
    equal(read(b'{"%s":"a","payload":"b"}' % LONG), b"b")
    equal(read(b'{"a":"%s","payload":"\x7f"}' % LONG), b"\x7f")
    equal(read(b'{"a":"\x7f","payload":"%s"}' % LONG), LONG)
    equal(Body.read(b'{"a":"%s","payload":"b"}' % LONG, late_value).text("a", longest=None), LONG.decode())
    for value in (b"1", b"true", b"[]", b"{}", b'["%s"]' % LONG):
        equal(read(b'{"payload":%s}' % value), "payload: not a string")
    equal(late_value(b'"%s"' % LONG), LONG.decode())
    equal(late_value(b'["payload","%s"]' % LONG), ["payload", LONG.decode()])


def test_how_deep_brackets_may_nest():
    """32 deep is read, whatever is in strings; 33 deep would fill heap and stack of a board."""
    for before in range(100, 131):
        text = b'"%s[{[{"' % (before * b"x")
        for depth in (1, 31, 32):
            found = json_value(b"[%s,%s1%s]" % (text, (depth - 1) * b"[", (depth - 1) * b"]"))
            equal(found[0], str(text[1:-1], "utf-8"))
        raises(ValueError, json_value, b"[%s,%s1%s]" % (text, 32 * b"[", 32 * b"]"))
        json_value(b"[%s%s]" % (text, 80 * b",[]"))  # many, not deep
        raises(ValueError, json_value, b"[%s%s" % (text, 80 * b",[]"))


def test_with_a_view_or_without_it_is_read_alike():
    random = Random(5)
    body = b'{"msgIden":"urn:3gpp:msgin5g","x":{"y":["a\\"b",1]},"payload":"%s","z":"\x7f"}'
    plain = b'{"msgIden":"urn:3gpp:msgin5g","x":{"y":["ab",1]},"payload":"%s","z":"v"}'
    read_whole = 0
    for number in range(600):
        octets = bytearray((body, plain, plain)[number % 3] % LONG[: 200 + number])
        for _ in range(number % 3):
            octets[random.below(len(octets))] = random.choice(b'"\\{}[],:a0\x80\x7f \xc3')
        found = []
        for read_value in (json_value, late_value):
            try:
                value = read_value(bytes(octets))
                if isinstance(value, dict):
                    value = {
                        name: bytes(each).decode() if isinstance(each, memoryview) else each
                        for name, each in value.items()
                    }
                    read_whole += 1
                found.append(value)
            except ValueError:
                found.append(ValueError)
        equal(found[0], found[1])
    assert read_whole > 400, read_whole
