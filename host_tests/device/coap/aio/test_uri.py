# SPDX-License-Identifier: MIT
"""URIs as options and back: the examples of RFC 7252 section 6.3, the syntax of RFC 3986, and what is refused."""

import coap
from coap.uri import whole as uri
from common import equal, raises

HOST, PORT, PATH, QUERY = coap.URI_HOST, coap.URI_PORT, coap.URI_PATH, coap.URI_QUERY


def test_the_three_equivalent_ones_of_section_6_3():
    for each in (
        "coap://example.com:5683/~sensors/temp.xml",
        "coap://EXAMPLE.com/%7Esensors/temp.xml",
        "coap://EXAMPLE.com:/%7esensors/temp.xml",
    ):
        equal(
            uri.parse(each),
            ("coap", "example.com", 5683, [(HOST, b"example.com"), (PATH, b"~sensors"), (PATH, b"temp.xml")]),
        )


def test_hosts_and_ports():
    for each, host, port, named in (
        ("coap://192.0.2.1", "192.0.2.1", 5683, None),
        ("COAP://192.0.2.1:61616/", "192.0.2.1", 61616, None),
        ("coap://[2001:DB8::1]/", "2001:db8::1", 5683, None),
        ("coap://[::]:1", "::", 1, None),
        ("coap://[1:2:3:4:5:6::8]", "1:2:3:4:5:6::8", 5683, None),
        ("coap://[::ffff:192.0.2.1]:65535", "::ffff:192.0.2.1", 65535, None),
        ("coap://[1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8", 5683, None),
        ("coap://[fe80::1%25eth0]/", "fe80::1%eth0", 5683, None),  # RFC 6874
        ("coap://[FE80::A%25enP1s0]/", "fe80::a%enP1s0", 5683, None),  # names of interfaces have capitals
        ("coap://a.example", "a.example", 5683, b"a.example"),
        ("coap://ex%61mple:5684?q", "example", 5684, b"example"),
        ("coap://b%C3%BCcher.example", "b\u00fccher.example", 5683, b"b\xc3\xbccher.example"),
        ("coap://b\u00fccher.example", "b\u00fccher.example", 5683, b"b\xc3\xbccher.example"),
        (
            "coap://256.1.1.1",
            "256.1.1.1",
            5683,
            b"256.1.1.1",
        ),  # no IPv4 address, so it is a name (RFC 3986, 3.2.2)
        ("coap://1.2.3", "1.2.3", 5683, b"1.2.3"),
        ("coap://01.2.3.4", "01.2.3.4", 5683, b"01.2.3.4"),
    ):
        scheme, got, number, options = uri.parse(each)
        equal((scheme, got, number), ("coap", host, port))
        equal([value for option, value in options if option == HOST], [named] if named else [])
        equal([value for option, value in options if option == PORT], [])


def test_paths_and_queries():
    for each, parts, arguments in (
        ("", (), ()),
        ("/", (), ()),
        ("//", (b"", b""), ()),
        ("/a/", (b"a", b""), ()),
        ("/a//b", (b"a", b"", b"b"), ()),
        ("/%2F/%2f", (b"/", b"/"), ()),
        ("/a%20b?c%26d&e", (b"a b",), (b"c&d", b"e")),
        ("?x=1", (), (b"x=1",)),
        ("/?", (), (b"",)),
        ("/a?b?c/d", (b"a",), (b"b?c/d",)),
        ("/%E2%82%ac", (b"\xe2\x82\xac",), ()),
        ("/\u20ac?\u20ac", (b"\xe2\x82\xac",), (b"\xe2\x82\xac",)),  # an IRI
        ("/%ff", (b"\xff",), ()),
        # dot segments (RFC 3986, 5.2.4 and 5.4)
        ("/a/b/c/./../../g", (b"a", b"g"), ()),
        ("/mid/content=5/../6", (b"mid", b"6"), ()),
        ("/a/.", (b"a", b""), ()),
        ("/a/b/..", (b"a", b""), ()),
        ("/..", (), ()),
        ("/../../g", (b"g",), ()),
        ("/a/%2e%2E/b", (b"b",), ()),
        ("/a.b/..c/d..", (b"a.b", b"..c", b"d.."), ()),
    ):
        options = uri.parse("coap://[::1]" + each)[3]
        equal([value for number, value in options if number == PATH], list(parts))
        equal([value for number, value in options if number == QUERY], list(arguments))


def test_what_the_destination_does_not_say_is_said_by_options():
    """Section 6.4, steps 5 and 6."""
    for each, destination, options in (
        ("coap://a.example:61616/", ("192.0.2.1", 61616), [(HOST, b"a.example")]),
        ("coap://a.example:61616/", ("192.0.2.1", 5683), [(HOST, b"a.example"), (PORT, b"\xf0\xb0")]),
        ("coap://192.0.2.1", ("192.0.2.1", 5683), []),
        ("coap://192.0.2.2", ("192.0.2.1", 5683), [(HOST, b"192.0.2.2")]),
    ):
        equal(uri.parse(each, destination)[3], options)


def test_lines():
    equal(uri.parse("coap+uart://0/a?b"), ("coap+uart", "0", None, [(PATH, b"a"), (QUERY, b"b")]))
    equal(uri.parse("coap+uart:///a"), ("coap+uart", "", None, [(PATH, b"a")]))
    equal(uri.parse("coap+uart://%2Fdev%2FttyACM0")[1], "/dev/ttyacm0")


def test_what_is_refused_is_named():
    for each, part in (
        ("", "coap://"),
        ("/a", "coap://"),
        ("coap:/a", "coap://"),
        ("//a", "coap://"),
        ("coap://", "host"),
        ("coap:///a", "host"),
        ("coap://:5683/", "host"),
        ("coaps://a/", "DTLS"),
        ("coap+tcp://a/", "UDP"),
        ("coaps+tcp://a/", "TLS"),
        ("http://a/", "'http'"),
        ("coap://u@a/", "user"),
        ("coap://u:p@a/", "user"),
        ("coap://a/#f", "fragment"),
        ("coap://a#", "fragment"),
        ("coap://a:0/", "port '0'"),
        ("coap://a:65536/", "port '65536'"),
        ("coap://a:99999999999999999999/", "port"),
        ("coap://a:+1/", "port '+1'"),
        ("coap://a:x/", "port 'x'"),
        ("coap://1:2:3/", "port '2:3'"),
        ("coap://[::1/", "IPv6"),
        ("coap://[::1]5683/", "IPv6"),
        ("coap://[1::2::3]/", "IPv6"),
        ("coap://[1:2:3:4:5:6:7]/", "IPv6"),
        ("coap://[1:2:3:4:5:6:7:8:9]/", "IPv6"),
        ("coap://[1:2:3:4:5:6:7::8]/", "IPv6"),
        ("coap://[::12345]/", "IPv6"),
        ("coap://[::g]/", "IPv6"),
        ("coap://[1.2.3.4::]/", "IPv6"),
        ("coap://[v1.a]/", "IPv6"),
        ("coap://[fe80::1%25]/", "IPv6"),
        ("coap://[fe80::1%eth0]/", "IPv6"),
        ("coap://[fe80::1%25%ff]/", "zone"),
        ("coap://a[b]/", "brackets"),
        ("coap://%ff/", "UTF-8"),
        ("coap://a/%", "two hex"),
        ("coap://a/%4", "two hex"),
        ("coap://a/%zz", "two hex"),
        ("coap://a/%a\u00e9", "two hex"),
        ("coap://a/%\u20ac", "two hex"),
        ("coap://a%4/", "two hex"),
        ("coap://a/b c", "%20"),
        ("coap://a/\r\n", "%0D"),
        ("coap://a/{x}", "%7B"),
        ("coap://a/" + "b" * 256, "255"),
        ("coap://a/?" + "b" * 256, "255"),
        ("coap://" + "b" * 256, "255"),
        ("coap+uart://0:1/", "port"),
    ):
        error = raises(ValueError, uri.parse, each)
        if part not in str(error):
            raise AssertionError("%r: %s" % (each, error))


def test_of_a_request_and_its_peer():
    """Section 6.5."""
    for peer, options, expected in (
        (("192.0.2.1", 5683), (), "coap://192.0.2.1/"),
        (
            ("192.0.2.1", 61616),
            ((PATH, b"a"), (PATH, b""), (QUERY, b"x=1"), (QUERY, b"y")),
            "coap://192.0.2.1:61616/a/?x=1&y",
        ),
        (("2001:db8::1", 5683), ((PATH, b""),), "coap://[2001:db8::1]/"),
        (("fe80::1%eth0", 1), (), "coap://[fe80::1%25eth0]:1/"),
        (("192.0.2.1", 5683), ((HOST, b"a.example"), (PORT, b"\xf0\xb0")), "coap://a.example:61616/"),
        (("192.0.2.1", 5683), ((HOST, b"::1"),), "coap://[::1]/"),
        (("192.0.2.1", 5683), ((HOST, b"b\xc3\xbc&"),), "coap://b%C3%BC&/"),
        (("192.0.2.1", 5683), ((HOST, b"a\xff/"),), "coap://a%FF%2F/"),  # what a peer may say
        (("192.0.2.1", 5683), ((PATH, b"a/b?#%&=:@!~ \xff"),), "coap://192.0.2.1/a%2Fb%3F%23%25&=:@!~%20%FF"),
        (("192.0.2.1", 5683), ((QUERY, b"a/b?#%&=:@!~ \xff"),), "coap://192.0.2.1/?a/b?%23%25%26=:@!~%20%FF"),
    ):
        equal(uri.compose(coap.Message(coap.GET, options=options), peer), expected)


def test_there_and_back():
    for each in (
        "coap://192.0.2.1/",
        "coap://[2001:db8::1]:61616/a/b?c=d&e",
        "coap://a.example/%2F/%E2%82%AC?%26",
        "coap://a.example/a/",
        "coap://a.example//",
        "coap://a.example/?",
        "coap://[fe80::1%25eth0]/x",
    ):
        scheme, host, port, options = uri.parse(each)
        equal(uri.compose(coap.Message(coap.GET, options=options), (host, port), scheme), each)
    scheme, host, _, options = uri.parse("coap+uart://0/a")
    equal(uri.compose(coap.Message(coap.GET, options=options), host, scheme), "coap+uart://0/a")


def test_locations():
    """RFC 7252 section 5.10.7."""
    path, query = coap.LOCATION_PATH, coap.LOCATION_QUERY
    for options, expected in (
        ((), None),
        (((path, b"a"), (path, b"b c"), (query, b"d=e")), "/a/b%20c?d=e"),
        (((query, b"x"),), "/?x"),
        (((path, b""),), "/"),
    ):
        equal(uri.location(coap.Message(coap.CREATED, options=options)), expected)
