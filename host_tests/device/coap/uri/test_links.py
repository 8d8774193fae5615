# SPDX-License-Identifier: MIT
"""The CoRE Link Format: examples of RFC 6690 section 5, the rules of its section 2, and what is none."""

from coap.aio.site.links import link
from coap.uri.link_format import links
from common import Random, equal, raises


def read(octets):
    return list(links(octets))


def test_the_examples_of_section_5():
    equal(
        read(b'</sensors>;ct=40;title="Sensor Index",</sensors/temp>;rt="temperature-c";if="sensor"'),
        [
            (b"/sensors", {b"ct": b"40", b"title": b"Sensor Index"}),
            (b"/sensors/temp", {b"rt": b"temperature-c", b"if": b"sensor"}),
        ],
    )
    equal(
        read(
            b'<http://www.example.com/sensors/t123>;anchor="/sensors/temp";rel="describedby",'
            b'</t>;anchor="/sensors/temp";rel="alternate"'
        ),
        [
            (
                b"http://www.example.com/sensors/t123",
                {b"anchor": b"/sensors/temp", b"rel": b"describedby"},
            ),
            (b"/t", {b"anchor": b"/sensors/temp", b"rel": b"alternate"}),
        ],
    )
    equal(
        read(b'</firmware/v2.1>;rt="firmware";sz=262144'),
        [(b"/firmware/v2.1", {b"rt": b"firmware", b"sz": b"262144"})],
    )


def test_no_links_at_all():
    # section 2: link-value-list = [ link-value *[ "," link-value ]]
    equal(read(b""), [])
    equal(read(b" \r\n"), [])


def test_attributes_without_a_value():
    equal(read(b"</a>;obs,</b>;x;y=1"), [(b"/a", {b"obs": b""}), (b"/b", {b"x": b"", b"y": b"1"})])


def test_marks_within_quotes_are_text():
    equal(
        read(b'</a>;title="x,</b>;rt=\\"q\\"\\\\",</c>'),
        [(b"/a", {b"title": b'x,</b>;rt="q"\\'}), (b"/c", {})],
    )


def test_blanks_and_capitals():
    equal(read(b' </a> ; RT = "x" , </b>\n;sz = 6 '), [(b"/a", {b"rt": b"x"}), (b"/b", {b"sz": b"6"})])


def test_of_two_of_a_name_the_first_one_counts():
    equal(read(b'</a>;rt="x";rt="y"'), [(b"/a", {b"rt": b"x"})])


def test_any_buffer():
    equal(read(memoryview(b"</a>;obs")), [(b"/a", {b"obs": b""})])


def test_what_is_no_link_format_names_the_place():
    for octets, place in (
        (b"x", 0),
        (b"  x", 2),
        (b"</a", 0),
        (b"</a>rt", 4),
        (b"</a>,", 5),
        (b"</a>,,</b>", 5),
        (b"</a>;", 5),
        (b"</a>;;rt=1", 5),
        (b'</a>;="x"', 5),
        (b'</a>;rt="x', 8),
        (b'</a>;rt="x\\', 8),
        (b'</a>;rt="x\\"', 8),
        (b'</a>;rt="x"y', 11),
        (b'{"href":"/a"}', 0),
    ):
        error = str(raises(ValueError, read, octets))
        equal((octets, error.split(":")[0]), (octets, "octet %d" % place))


def test_a_link_has_32_attributes_at_most():
    equal(len(read(b"</a>" + b"".join([b";a%d" % i for i in range(32)]))[0][1]), 32)
    # those that do not count take time all the same
    raises(ValueError, read, b"</a>" + b";a" * 33)


def test_links_before_the_wrong_one_are_given():
    document = links(b"</a>,</b>x")
    equal(next(document), (b"/a", {}))
    raises(ValueError, next, document)


def test_a_link_is_written():
    # section 2: sz is a cardinal, and so is one number alone as ct (RFC 7252 section 7.2.1); all else may be quoted
    equal(
        link(
            "/s", {"rt": ("a", "b"), "ct": 40, "obs": True, "x": False, "y": None, "title": 'say "a\\b"; so'}
        ),
        b'</s>;ct=40;obs;rt="a b";title="say \\"a\\\\b\\"; so"',
    )
    equal(link("/s", {"ct": (0, 50)}), b'</s>;ct="0 50"')
    equal(link("/", {}), b"</>")
    equal(link("/t", {"title": "\xfc"}), b'</t>;title="\xc3\xbc"')


def test_a_link_that_cannot_be_said():
    for target, name in (
        ("/a>b", "rt"),
        ("/a", "r t"),
        ("/a", ""),
        ("/a", "a;b"),
        ("/a", 'a"'),
        ("/a", "a=b"),
    ):
        raises(ValueError, link, target, {name: "x"})


def test_what_is_written_is_read():
    random = Random(3)
    for _ in range(100):
        value = str(bytes([random.choice(b' "\\;,<>=ab') for _ in range(random.below(12))]), "utf-8")
        equal(
            read(link("/a", {"title": value}) + b",</b>"), [(b"/a", {b"title": value.encode()}), (b"/b", {})]
        )


def test_whatever_comes_is_read_or_refused():
    random = Random(5)
    for _ in range(300):
        octets = bytearray(b'</x>;rt="a b";sz=7,</a>;title="b\\"c",</y>;obs')
        for _ in range(random.below(4) + 1):
            octets[random.below(len(octets))] = random.choice(b'<>;,="\\ \x00\xff1a')
        try:
            read(octets)
        except ValueError:
            pass
