# SPDX-License-Identifier: MIT
"""The twelve messages of TS 24.538 Annex A.2.1, octet by octet from its tables.

Each vector is worked by hand from the table that its comment names: message type (A.2.2.1), then the imperative part
in table order, then the optional elements. IEIs: A is 0x0A, E 0x0E, F 0x0F, X 0x58, B to D are half octets 0xB to 0xD.
"""

from common import equal, raises
from l3_scene import ID, decoded, octets, plain
from msgin5g.wire import l3

OTHER = bytes.fromhex("ffeeddccbbaa99887766554433221100")
REGISTRATION = bytes.fromhex("0a0b0c0d0e0f")

VECTORS = (
    (
        # A.2.1.1: 01; target LV: length 5 = type 1 (IPv4) and 192.0.2.1; ID; LV-E 0002 "Hi"; B = 1; D = 0 (UE)
        "01 05 01 c0000201 00112233445566778899aabbccddeeff 0002 4869 b1 d0",
        l3.SENDING_REQUEST,
        {
            "target": (l3.IPV4, bytes((192, 0, 2, 1))),
            "message_id": ID,
            "payload": b"Hi",
            "report": 1,
            "target_type": 0,
        },
    ),
    (
        # A.2.1.1: IPv6 2001:db8::1 is 16 octets, so length 17 = 0x11; A (TV, 2 octets) = 0x1234; D = 2 (AS)
        "01 11 02 20010db8000000000000000000000001 00112233445566778899aabbccddeeff 0001 00 0a1234 d2",
        l3.SENDING_REQUEST,
        {
            "target": (l3.IPV6, bytes.fromhex("20010db8000000000000000000000001")),
            "message_id": ID,
            "payload": b"\x00",
            "app_id": 0x1234,
            "target_type": 2,
        },
    ),
    (
        # A.2.1.1: FQDN as.io: labels 02 "as" 02 "io" (TS 23.003 19.4.2.1), no end mark: 1 + 6 octets; no options
        "01 07 03 026173 02696f 00112233445566778899aabbccddeeff 0001 ff",
        l3.SENDING_REQUEST,
        {"target": (l3.FQDN, b"\x02as\x02io"), "message_id": ID, "payload": b"\xff"},
    ),
    # A.2.1.5: Result in the low half octet, the high half is spare; X (TV) = cause 07
    ("02 01", l3.SENDING_RESPONSE, {"result": 1}),
    ("02 00 5807", l3.SENDING_RESPONSE, {"result": 0, "cause": 7}),
    (
        # A.2.1.3: ID; LV-E 0003 "abc"; F (TLV) length 2 "ue"; E (TLV) length 1 "g"; B = 1; C = 2 (HIGH)
        "03 00112233445566778899aabbccddeeff 0003 616263 0f027565 0e0167 b1 c2",
        l3.RECEIVED_REQUEST,
        {
            "message_id": ID,
            "payload": b"abc",
            "originator": b"ue",
            "group": b"g",
            "report": 1,
            "priority": 2,
        },
    ),
    # A.2.1.3: the payload may be empty here (length 2-65537 with its two length octets)
    (
        "03 00112233445566778899aabbccddeeff 0000",
        l3.RECEIVED_REQUEST,
        {"message_id": ID, "payload": b""},
    ),
    # A.2.1.6
    ("04 01", l3.RECEIVED_RESPONSE, {"result": 1}),
    ("04 00 5806", l3.RECEIVED_RESPONSE, {"result": 0, "cause": 6}),
    (
        # A.2.1.2: Delivery Status 1 = SUCCESS; Message ID of the report; Reply-to Message ID
        "05 01 ffeeddccbbaa99887766554433221100 00112233445566778899aabbccddeeff",
        l3.REPORT_SENDING_REQUEST,
        {"delivery_status": 1, "message_id": OTHER, "reply_to": ID},
    ),
    (
        # A.2.1.4
        "06 00 ffeeddccbbaa99887766554433221100 00112233445566778899aabbccddeeff",
        l3.REPORT_RECEIVED_REQUEST,
        {"delivery_status": 0, "message_id": OTHER, "reply_to": ID},
    ),
    (
        # A.2.1.7: Application ID V 2 octets; Credential information LV-E (type 6 by A.2.2.15)
        "07 0102 0004 deadbeef",
        l3.REGISTRATION_REQUEST,
        {"app_id": 0x0102, "credential": b"\xde\xad\xbe\xef"},
    ),
    # A.2.1.8: Registration ID V 6 octets
    ("08 0a0b0c0d0e0f", l3.REGISTRATION_ACCEPT, {"registration_id": REGISTRATION}),
    # A.2.1.9: cause V 1 octet
    ("09 02", l3.REGISTRATION_REJECT, {"cause": 2}),
    # A.2.1.10
    ("0a 0a0b0c0d0e0f", l3.DEREGISTRATION_REQUEST, {"registration_id": REGISTRATION}),
    # A.2.1.12: reject is 0x0B, before accept
    ("0b 6f", l3.DEREGISTRATION_REJECT, {"cause": 0x6F}),
    # A.2.1.11
    ("0c 0a0b0c0d0e0f", l3.DEREGISTRATION_ACCEPT, {"registration_id": REGISTRATION}),
)


def joined(type, values):
    return b"".join([bytes(part) for part in l3.encode(type, values)])


def test_each_message_is_written_as_its_table_says():
    for text, type, values in VECTORS:
        equal(joined(type, values), octets(text))


def test_each_message_is_read_as_its_table_says():
    for text, type, values in VECTORS:
        equal(decoded(text), (type, values))


def test_every_type_is_covered():
    equal(sorted({v[1] for v in VECTORS}), list(range(1, 13)))


# Octets of the imperative part of each vector: what must be whole for the message to be used.
IMPERATIVE = (27, 38, 28, 2, 2, 22, 19, 2, 2, 34, 34, 9, 7, 2, 7, 2, 7)


def test_cut_at_every_octet():
    equal(len(IMPERATIVE), len(VECTORS))
    for (text, type, values), imperative in zip(VECTORS, IMPERATIVE):
        whole = octets(text)
        for end in range(len(whole)):
            if end < imperative:
                error = raises(l3.L3Error, l3.decode, whole[:end])
                equal(error.type, type if end else None)
                assert error.offset is not None and error.offset <= end, error
            else:
                got_type, got = l3.decode(whole[:end])
                equal(got_type, type)
                for name, value in plain(got).items():  # what is read is whole; the rest was left out
                    equal(value, values[name])
                assert len(got) < len(values)


def test_the_error_names_element_and_offset():
    # 01, target of 6 octets, 3 octets of the Message ID that begins at octet 7
    error = raises(l3.L3Error, l3.decode, octets("01 05 01 c0000201 001122"))
    equal((error.type, error.element, error.offset), (1, "message_id", 7))
    equal(str(error), "message_id at octet 7: 3 of 16 octets")


def test_views_not_copies():
    frame = bytearray(octets(VECTORS[0][0]))
    payload = l3.decode(frame)[1]["payload"]
    frame[26] = 0x6F  # the second octet of "Hi"
    equal(bytes(payload), b"Ho")


class Sized:
    """A payload that is somewhere else."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size


def test_a_payload_of_any_kind_with_a_length_passes_through():
    payload = Sized(65535)
    parts = l3.encode(l3.RECEIVED_REQUEST, {"message_id": ID, "payload": payload, "priority": 1})
    equal(len(parts), 3)
    assert parts[1] is payload
    equal(bytes(parts[0]), b"\x03" + ID + b"\xff\xff")
    equal(bytes(parts[2]), b"\xc1")


def test_a_length_of_two_octets_is_read():
    # 0x0203 = 515; 65,535 octets are too many for this heap in one piece (the properties on CPython have them)
    type, values = l3.decode(b"\x03" + ID + b"\x02\x03" + bytes(515) + b"\xc2")
    equal((type, len(values["payload"]), values["priority"]), (3, 515, 2))


def test_what_cannot_be_said_is_refused():
    target = (l3.IPV4, bytes(4))
    good = {"target": target, "message_id": ID, "payload": b"x"}
    wrong = (
        ("target", None),
        ("target", (l3.IPV4, bytes(3))),  # 1 + 3 is less than the 5 octets of table A.2.1.1
        ("target", (l3.FQDN, bytes(255))),
        ("message_id", bytes(15)),
        ("message_id", bytes(17)),
        ("payload", b""),  # 3-65537 with its length: at least one octet
        ("payload", Sized(65536)),
        ("app_id", 65536),
        ("app_id", -1),
        ("report", 2),
        ("target_type", 3),
    )
    for name, value in wrong:
        values = dict(good)
        values[name] = value
        error = raises(l3.L3Error, l3.encode, l3.SENDING_REQUEST, values)
        equal((error.element, error.offset), (name, None))
    for name in ("originator", "group"):
        for size in (0, 256):
            values = {"message_id": ID, "payload": b"", name: bytes(size)}
            equal(raises(l3.L3Error, l3.encode, l3.RECEIVED_REQUEST, values).element, name)
    values = {"app_id": 1, "credential": b""}
    equal(raises(l3.L3Error, l3.encode, l3.REGISTRATION_REQUEST, values).element, "credential")
