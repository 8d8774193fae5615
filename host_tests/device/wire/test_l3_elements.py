# SPDX-License-Identifier: MIT
"""Elements of Annex A.2.2 that are wrong, unknown, repeated or out of order; targets from text."""

from common import equal, raises
from l3_scene import ID, decoded, octets
from msgin5g.wire import causes, l3
from msgin5g.wire.l3_target import target

HEX_ID = "00112233445566778899aabbccddeeff"
RECEIVED = "03" + HEX_ID + "0001 2a"  # MESSAGE RECEIVED REQUEST, payload "*"; what follows is optional
SENDING = "01 05 01 c0000201" + HEX_ID + "0001 2a"


def options(text, head=RECEIVED):
    """The optional values behind a good imperative part."""
    values = decoded(head + text)[1]
    for name in ("message_id", "payload", "target"):
        values.pop(name, None)
    return values


def refused(text, element, offset):
    error = raises(l3.L3Error, l3.decode, octets(text))
    equal((error.element, error.offset), (element, offset))


def test_reserved_message_types():
    refused("", "message type", 0)
    for type in (0, 13, 14, 0x2A, 0x80, 0xFF):
        error = raises(l3.L3Error, l3.decode, bytes((type,)) + bytes(64))
        equal((error.type, error.element, error.offset), (None, "message type", 0))


def test_target_lengths():
    # The length counts the type octet and the address: 5 for IPv4, 17 for IPv6, 5 or more for a name (6-n)
    for text in (
        "01 00",  # nothing
        "01 04 01 c00002",  # IPv4 of 3
        "01 06 01 c000020100",  # IPv4 of 5
        "01 05 02 20010db8",  # IPv6 of 4
        "01 10 02 20010db80000000000000000000000",  # IPv6 of 15
        "01 12 02 20010db8000000000000000000000001 00",  # IPv6 of 17
        "01 04 03 026173",  # a name of 3
    ):
        refused(text + HEX_ID + "0001 2a", "target", 1)


def test_reserved_address_types():
    for type in ("00", "04", "7f", "81", "ff"):
        refused("01 05" + type + "c0000201" + HEX_ID + "0001 2a", "target", 1)


def test_names_that_are_none():
    for labels in (
        "04 6173696f00",  # a zero octet at the end: not terminated, says TS 23.003
        "05 61732e69",  # a label that runs past the end
        "00 04 61736161",  # an empty label
        "04 61735f6f",  # "_" is no letter, digit or hyphen
        "04 61732e6f",  # nor is "."
        "04 6173c3a4",  # nor is a letter beyond ASCII
        "40" + "61" * 64,  # a label has 63 octets at most
    ):
        size = len(octets(labels)) + 1
        refused("01 %02x 03" % size + labels + HEX_ID + "0001 2a", "target", 1)
    kind, name = decoded("01 41 03 3f" + "5a" * 63 + HEX_ID + "0001 2a")[1]["target"]
    equal((kind, name), (l3.FQDN, b"\x3f" + b"Z" * 63))


def test_a_payload_longer_or_shorter_than_it_says():
    refused("03" + HEX_ID + "0002 2a", "payload", 17)
    refused("03" + HEX_ID + "ffff 2a", "payload", 17)
    # one octet more than it says is an unknown element behind it: 2a is TLV, cut short
    equal(options("2a"), {})


def test_a_credential_needs_an_octet():
    refused("07 0001 0000", "credential", 3)


def test_reserved_values():
    equal(options("b2"), {"report": 0})  # reads as not required
    equal(options("bf"), {"report": 0})
    equal(options("c3"), {"priority": 1})  # reads as MEDIUM
    equal(options("cf"), {"priority": 1})
    refused(SENDING + "d3", "target_type", 26)
    refused(SENDING + "df", "target_type", 26)
    refused("02 02", "result", 1)
    refused("04 0f", "result", 1)
    refused("05 02" + HEX_ID + HEX_ID, "delivery_status", 1)
    refused("06 ff" + HEX_ID + HEX_ID, "delivery_status", 1)


def test_spare_bits_are_ignored():
    equal(decoded("02 f1"), (2, {"result": 1}))
    equal(decoded("04 a0"), (4, {"result": 0}))


def test_order_does_not_matter():
    equal(options("c2 b1 0e0167 0f0175"), {"priority": 2, "report": 1, "group": b"g", "originator": b"u"})


def test_the_first_of_a_repeated_element_is_used():
    equal(options("c2 c0 0f0175 0f0176"), {"priority": 2, "originator": b"u"})
    equal(options("0a0001 0a0002", SENDING), {"app_id": 1})


def test_unknown_elements_are_skipped():
    # bit 8 set: one octet, whatever it is
    for iei in ("80", "91", "a5", "d0", "e7", "ff"):
        equal(options(iei + "c2"), {"priority": 2})
    # bit 8 clear: TLV. 0x0A and 0x58 are known elsewhere, here they are not
    for iei in ("00", "01", "0a", "0d", "10", "58", "7f"):
        equal(options(iei + "00 c2"), {"priority": 2})
        equal(options(iei + "03 c0c0c0 c2"), {"priority": 2})
        equal(options(iei + "ff" + "c0" * 255 + "c2"), {"priority": 2})
    # TV of three octets where it is known
    equal(options("0a00c2 d1", SENDING), {"app_id": 0xC2, "target_type": 1})
    # behind an imperative part alone they are skipped as well
    equal(decoded("09 02 80 1001ff"), (9, {"cause": 2}))


def test_elements_cut_short_are_left_out():
    for text in ("0f", "0f02", "0f0275", "10", "10 05 00", "0e ff 67"):
        equal(options("c2" + text), {"priority": 2})
    for text in ("0a", "0a 01"):
        equal(options("d1" + text, SENDING), {"target_type": 1})
    equal(decoded("02 00 58"), (2, {"result": 0}))


def test_an_empty_address_is_left_out():
    # 3-257 with IEI and length: at least one octet
    equal(options("0f00 0e00 c2"), {"priority": 2})
    equal(options("0f00 0f0175"), {"originator": b"u"})


def test_targets_from_text():
    for text, kind, address in (
        ("192.0.2.1", l3.IPV4, "c0000201"),
        ("0.0.0.0", l3.IPV4, "00000000"),
        ("255.255.255.255", l3.IPV4, "ffffffff"),
        # RFC 4291 section 2.2 has these addresses
        ("2001:DB8:0:0:8:800:200C:417A", l3.IPV6, "20010db80000000000080800200c417a"),
        ("2001:DB8::8:800:200C:417A", l3.IPV6, "20010db80000000000080800200c417a"),
        ("FF01::101", l3.IPV6, "ff010000000000000000000000000101"),
        ("::1", l3.IPV6, "00000000000000000000000000000001"),
        ("::", l3.IPV6, "00000000000000000000000000000000"),
        ("1::", l3.IPV6, "00010000000000000000000000000000"),
        ("::13.1.68.3", l3.IPV6, "0000000000000000000000000d014403"),
        ("::FFFF:129.144.52.38", l3.IPV6, "00000000000000000000ffff81903426"),
        # TS 23.003 19.4.2.1: a length octet before each label, none at the end
        ("weather.example.org", l3.FQDN, "0777656174686572" + "076578616d706c65" + "036f7267"),
        ("sensor-1", l3.FQDN, "0873656e736f722d31"),
        ("256.1.1.1", l3.FQDN, "03323536" + "0131" * 3),  # no IPv4 address, so a name
    ):
        equal(target(text), (kind, octets(address)))


def test_what_is_no_target():
    for text in (
        "ue:sensor-1@example.org",
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "ab",  # 1 + 3 octets: less than table A.2.1.1 allows
        "a_b.org",
        "b\xfccher.example",
        "x" * 64 + ".org",
        ".".join(["a" * 63] * 4),
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "1:2:3:4:5:6:7::8",
        ":1::2",
        "12345::",
        "::g",
        "::1.2.3",
        "1.2.3.4:5",
        "\u0661.1.1.1",  # digits of another script
    ):
        error = raises(ValueError, target, text)
        assert "FQDN" in str(error) and "IPv4" in str(error), error


def test_a_long_name_fits():
    name = ".".join(
        ["a" * 63, "b" * 63, "c" * 63, "d" * 61]
    )  # 253 characters, the longest of DNS: 254 octets
    kind, address = target(name)
    equal((kind, len(address)), (l3.FQDN, 254))
    values = {"target": (kind, address), "message_id": ID, "payload": b"x"}
    frame = b"".join([bytes(part) for part in l3.encode(l3.SENDING_REQUEST, values)])
    equal(frame[1], 255)
    equal(bytes(l3.decode(frame)[1]["target"][1]), address)


def test_causes():
    # A.2.2.17, as printed
    printed = (
        (0x01, "Access via a Gateway UE is not allowed"),
        (0x02, "Invalid credentials"),
        (0x03, "Conflict of transport identifier for unicast communication is detected"),
        (0x04, "Connection is not available anymore"),
        (0x05, "Lack of resources for lower layer"),
        (0x06, "Congestion situation"),
        (0x07, "Unknown device"),
        (0x6F, "Protocol error, unspecified"),
    )
    for value, meaning in printed:
        equal(causes.text(value), meaning)
        equal(causes.cause(meaning.upper()), value)
    for value in (0, 8, 0x6E, 0x70, 0xFF):  # any other value is treated as 0x6F
        equal(causes.text(value), "Protocol error, unspecified")
    equal(causes.cause("the dog ate it"), 0x6F)
