# SPDX-License-Identifier: MIT
"""What a gateway answers a discovery with: the link format of RFC 6690, read by hand from its section 2 and 5."""

from common import Random, equal, raises
from msgin5g.wire.link_format import domain, gateway

PLAIN = b'</msgin5g>;rt="msgin5g.gw";sz=1152;ep="ue:gw@example.org"'


def test_a_gateway():
    equal(gateway(PLAIN), (1152, b"ue:gw@example.org"))


def test_what_it_does_not_say_is_none():
    equal(gateway(b'</msgin5g>;rt="msgin5g.gw"'), (None, None))
    equal(gateway(b'</msgin5g>;rt="msgin5g.gw";sz=700'), (700, None))


def test_attributes_come_in_any_order_and_number():
    equal(
        gateway(b'</msgin5g>;ep="ue:g@x";obs;ct=50;sz=512;if="a";rt="msgin5g.gw";title="x"'), (512, b"ue:g@x")
    )


def test_attributes_quoted_or_not():
    # section 2: a value is a ptoken or a quoted-string
    equal(gateway(b'</msgin5g>;rt=msgin5g.gw;sz="1024";ep=ue:g@x'), (1024, b"ue:g@x"))


def test_a_type_among_others():
    # section 3.1: a space-separated list of relation types
    equal(gateway(b'</msgin5g>;rt="core.ps msgin5g.gw x"'), (None, None))
    for other in (b"msgin5g.gw2", b"xmsgin5g.gw", b"msgin5g", b"msgin5g.gw,x", b""):
        equal(gateway(b'</msgin5g>;rt="' + other + b'"'), None)


def test_one_link_among_several():
    others = b'</.well-known/core>;ct=40,</su-uc>;rt="x";sz=99,'
    equal(gateway(others + PLAIN), (1152, b"ue:gw@example.org"))
    equal(gateway(PLAIN + b',</other>;rt="msgin5g.gw";sz=1'), (1152, b"ue:gw@example.org"))
    equal(gateway(PLAIN + b',</msgin5g>;rt="msgin5g.gw";sz=1'), (1152, b"ue:gw@example.org"))


def test_marks_within_quotes_are_text():
    equal(
        gateway(b'</a>;title="x,</msgin5g>;rt=\\"msgin5g.gw\\"",</msgin5g>;ep="a;,\\\\\\"b";rt="msgin5g.gw"'),
        (None, b'a;,\\"b'),
    )


def test_of_two_of_a_name_the_first_one_counts():
    # section 2, "rt": occurrences after the first one must be ignored
    equal(gateway(b'</msgin5g>;rt="x";rt="msgin5g.gw"'), None)
    equal(gateway(b'</msgin5g>;rt="msgin5g.gw";sz=600;sz=700'), (600, None))


def test_blanks_between_links_and_attributes():
    equal(gateway(b'</a> , </msgin5g> ; rt="msgin5g.gw" ; SZ = 600'), (600, None))


def test_another_target_is_not_one():
    for target in (
        b"/",
        b"/msgin5g/x",
        b"/MSGIN5G",
        b"coap://192.0.2.9/msgin5g",
        b"",
        b"//192.0.2.9/msgin5g",
    ):
        equal(gateway(b"<" + target + b'>;rt="msgin5g.gw"'), None)


def test_sizes_that_are_none():
    for size in (b"", b"-1", b"1e3", b"0x200", b"12a", b"99999999", b"\xc2\xb2", b'"1 2"'):
        equal(gateway(b'</msgin5g>;rt="msgin5g.gw";sz=' + size), (None, None))


def test_what_is_no_link_format():
    for octets in (
        b"",
        b" ",
        b"msgin5g",
        b"</msgin5g",
        b"</msgin5g>rt",
        b'</msgin5g>;rt="msgin5g.gw',
        b'</msgin5g>;rt="msgin5g.gw\\',
        b'</msgin5g>;rt="msgin5g.gw\\"',
        b'</msgin5g>;rt="msgin5g.gw",',
        b'</msgin5g>;rt="msgin5g.gw"x',
        b'{"rt":"msgin5g.gw"}',
    ):
        raises(ValueError, gateway, octets)


def test_whatever_comes_is_read_or_refused():
    random = Random(5)
    for _ in range(300):
        octets = bytearray(PLAIN + b',</a>;title="b\\"c",' + PLAIN)
        for _ in range(random.below(4) + 1):
            octets[random.below(len(octets))] = random.choice(b'<>;,="\\ \x00\xff1a')
        try:
            found = gateway(bytes(octets[random.below(3) :]))
        except ValueError:
            continue
        if found is not None:
            assert found[0] is None or 0 <= found[0] < 10000000, found


def test_domains():
    for service_id, expected in (
        (b"ue:a@example.org", b"example.org"),
        (b"ue:a@b@Example.ORG", b"example.org"),
        (b"coap://gw.example.org/1", b"gw.example.org"),
        (b"https://gw.example.org", b"gw.example.org"),
        (b"coap://x@gw.example.org", b"gw.example.org"),
        (b"ue:a", None),
        (b"urn:imei:35", None),
        (b"ue:a@", None),
        (b"", None),
    ):
        equal(domain(service_id), expected)
