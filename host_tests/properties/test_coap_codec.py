# SPDX-License-Identifier: MIT
"""The codec against aiocoap's, both ways, and against any octets at all; links (RFC 6690) and
URIs against aiocoap's."""

import urllib.parse

import aiocoap
import pytest
from aiocoap.error import UnparsableMessage
from aiocoap.numbers.optionnumbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption
from aiocoap.util.linkformat import Link, LinkFormat, parse
from hypothesis import given, settings
from hypothesis import strategies as st

import coap
from coap.aio.site.links import link
from coap.uri import whole
from coap.uri.link_format import links

CODES = [code for code in range(1, 256) if code >> 5 in (0, 2, 3, 4, 5)]
# On both sides of each border of the delta, known ones, any
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 3, 4, 11, 12, 13, 14, 23, 27, 60, 268, 269, 281, 282, 65534, 65535]),
    st.integers(0, 65535),
)
VALUES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([12, 13, 14, 268, 269, 270]).map(bytes),
)
OPTIONS = st.lists(st.tuples(NUMBERS, VALUES), max_size=12)
TYPES = st.sampled_from([coap.CON, coap.NON])
TOKENS = st.binary(max_size=8)
MIDS = st.integers(0, 65535)
PAYLOADS = st.binary(max_size=100)


def in_order(options):
    return sorted(options, key=lambda option: option[0])  # which keeps the order of repeated ones


def as_read(options):
    """Options as aiocoap says them again: it keeps some as numbers, so without leading zeros."""
    return [(number, OptionNumber(number).create_option(decode=value).encode()) for number, value in options]


def readable(options):
    """aiocoap refuses a text that is not UTF-8, which our codec leaves to those who read the text."""
    try:
        return as_read(options) is not None
    except UnicodeDecodeError:
        return False


@given(TYPES, st.sampled_from(CODES), MIDS, TOKENS, OPTIONS.filter(readable), PAYLOADS)
@settings(max_examples=500)
def test_what_we_encode_aiocoap_decodes(type, code, mid, token, options, payload):
    datagram = bytes(coap.encode(coap.Message(code, payload, options, type, mid, token)))
    message = aiocoap.Message.decode(datagram)
    assert (int(message.mtype), int(message.code), message.mid, message.token) == (type, code, mid, token)
    assert message.payload == payload
    assert [(int(option.number), option.encode()) for option in message.opt.option_list()] == in_order(
        as_read(options)
    )


@given(TYPES, st.sampled_from(CODES), MIDS, TOKENS, OPTIONS, PAYLOADS)
@settings(max_examples=500)
def test_what_aiocoap_encodes_we_decode(type, code, mid, token, options, payload):
    message = aiocoap.Message(code=aiocoap.Code(code), payload=payload, _mtype=type, _mid=mid, _token=token)
    for number, value in options:
        message.opt.add_option(OpaqueOption(OptionNumber(number), value))
    ours = coap.decode(message.encode())
    assert (ours.type, ours.code, ours.mid, ours.token) == (type, code, mid, token)
    assert bytes(ours.payload) == payload
    assert ours.options == in_order(options)


@given(TYPES, st.sampled_from(CODES), MIDS, TOKENS, OPTIONS, PAYLOADS)
@settings(max_examples=500)
def test_what_we_encode_we_decode(type, code, mid, token, options, payload):
    ours = coap.decode(coap.encode(coap.Message(code, payload, options, type, mid, token)))
    assert (ours.type, ours.code, ours.mid, ours.token) == (type, code, mid, token)
    assert bytes(ours.payload) == payload
    assert ours.options == in_order(options)


HEADS = st.builds(
    lambda first, code, rest: bytes((first, code)) + rest,
    st.integers(0x40, 0x7F),
    st.sampled_from([0, 1, 2, 68, 69, 132]),
    st.binary(min_size=2, max_size=60),
)


@given(st.one_of(st.binary(max_size=80), HEADS))
@settings(max_examples=2000)
def test_any_octets_decode_or_raise_message_error(octets):
    try:
        message = coap.decode(octets)
    except coap.MessageError as error:
        assert str(error)
        # only a confirmable message of version 1 is ever reset
        assert error.reset is None or (octets[0] >> 4 == 4 and error.reset == octets[2] << 8 | octets[3])
        return
    # What decodes says the same when it is encoded again, though perhaps in fewer octets.
    again = coap.decode(coap.encode(message))
    assert (again.type, again.code, again.mid, again.token) == (
        message.type,
        message.code,
        message.mid,
        message.token,
    )
    assert (again.options, bytes(again.payload)) == (message.options, bytes(message.payload))


@given(st.one_of(st.binary(min_size=4, max_size=80), HEADS))
@settings(max_examples=2000)
def test_what_aiocoap_cannot_parse_neither_can_we(octets):
    try:
        aiocoap.Message.decode(octets)
    except UnparsableMessage:
        pass
    except UnicodeDecodeError:
        return  # a text option that is not UTF-8
    else:
        return
    with pytest.raises(coap.MessageError):
        coap.decode(octets)


def test_the_longest_option_value():
    # 65804 = 65535 + 269 is all that two octets of extended length can say: nibble 14, ffff
    value = bytes(65804)
    datagram = bytes(coap.encode(coap.Message(coap.GET, options=[(3, value)])))
    assert datagram[4:7] == bytes.fromhex("3e ffff")
    assert coap.decode(datagram).options == [(3, value)]


# --- the link format ----------------------------------------------------------------------------------

TARGETS = st.text("abc/:?&=.,;~%20", min_size=1, max_size=12).map(lambda text: "/" + text)
ATTRIBUTES = st.sampled_from(["rt", "if", "title", "ep", "x-y", "anchor"])
# Of aiocoap a text has neither controls nor line breaks, and no escape of a backslash is written or read (RFC 6690
# section 2, quoted-string)
TEXTS = st.text(
    st.characters(exclude_characters="\\", exclude_categories=["C", "Z"]) | st.sampled_from(' ",;<>='),
    max_size=12,
)
DOCUMENTS = st.lists(st.tuples(TARGETS, st.dictionaries(ATTRIBUTES, TEXTS, max_size=4)), max_size=4)


@given(DOCUMENTS)
def test_aiocoap_reads_what_we_write(document):
    octets = b",".join(link(target, attributes) for target, attributes in document)
    found = parse(octets.decode()).links if octets else []
    assert [(each.href, dict(each.attr_pairs)) for each in found] == document


@given(DOCUMENTS)
def test_we_read_what_aiocoap_writes(document):
    octets = str(
        LinkFormat(Link(target, list(attributes.items())) for target, attributes in document)
    ).encode()
    expected = [
        (target.encode(), {name.encode(): value.encode() for name, value in attributes.items()})
        for target, attributes in document
    ]
    assert list(links(octets)) == expected


WORDS = st.text(max_size=12).filter(lambda text: text not in (".", "..") and len(text.encode()) < 60)
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,20}(\.[a-zA-Z0-9]{1,8}){0,3}", fullmatch=True)
ADDRESSES = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map("[{}]".format)
PORTS = st.none() | st.integers(1, 65535)


@st.composite
def uris(draw):
    uri = "coap://" + draw(NAMES | ADDRESSES)
    port = draw(PORTS)
    if port is not None:
        uri += f":{port}"
    # what may stand in a part as it is (RFC 3986 section 3.3), or escaped all the same
    safe = draw(st.sampled_from(["", "!$'()*+,;=:@", "-._~"]))
    for part in draw(st.lists(WORDS, max_size=4)):
        uri += "/" + urllib.parse.quote(part, safe=safe)
    arguments = draw(st.lists(WORDS, max_size=3))
    if any(arguments):
        uri += "?" + "&".join(urllib.parse.quote(each, safe=safe + "/?") for each in arguments)
    return uri


def values(options, number):
    return tuple(value.decode() for each, value in options if each == number)


@given(uris())
def test_uris_as_aiocoap_reads_them(uri):
    scheme, host, port, options = whole.parse(uri)
    theirs = aiocoap.Message(code=aiocoap.GET, uri=uri)
    assert scheme == "coap"
    assert values(options, coap.URI_PATH) == theirs.opt.uri_path
    assert values(options, coap.URI_QUERY) == theirs.opt.uri_query
    assert (values(options, coap.URI_HOST) or (None,)) == (theirs.opt.uri_host,)
    assert values(options, coap.URI_PORT) == ()
    split = urllib.parse.urlsplit(uri)
    assert (host, port) == (split.hostname, split.port or 5683)


@given(uris())
def test_uris_there_and_back(uri):
    _, host, port, options = whole.parse(uri)
    again = whole.compose(coap.Message(coap.GET, options=options), (host, port))
    assert whole.parse(again) == ("coap", host, port, options)
    theirs = aiocoap.Message(code=aiocoap.GET, uri=again)
    assert values(options, coap.URI_PATH) == theirs.opt.uri_path


@given(st.text() | st.builds("coap://{}".format, st.text()) | st.builds("coap://a/{}".format, st.text()))
def test_whatever_is_typed_is_a_uri_or_a_value_error(text):
    try:
        scheme, host, port, options = whole.parse(text)
    except ValueError as error:
        assert str(error)
        return
    assert coap.encode(coap.Message(coap.GET, options=options))
    assert (
        whole.parse(whole.compose(coap.Message(coap.GET, options=options), (host, port), scheme))[3]
        == options
    )
