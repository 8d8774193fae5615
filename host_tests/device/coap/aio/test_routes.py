# SPDX-License-Identifier: MIT
"""Which handler a request reaches: RFC 7252 sections 5.8, 5.9.2.5, 5.9.2.6, 5.10.1 and 6.4."""

import coap
from coap.aio import Site
from common import equal, raises
from site_scene import finished, request_for, said, site_ask

NOT_FOUND = ("4.04", None, b"")
NOT_ALLOWED = ("4.05", None, b"")


def site_of(*patterns):
    """Each pattern answers GET with its text and with what it has captured."""
    site = Site()
    for pattern in patterns:

        def handler(request, _pattern=pattern, **captured):
            equal(captured, request.arguments)
            return "%s %s" % (_pattern, ", ".join([str(captured[name]) for name in sorted(captured)]))

        site.get(pattern)(handler)
    return site


def got(site, path):
    code, _, payload = site_ask(site, coap.GET, path)
    return str(payload, "utf-8") if code == "2.05" else code


def got_options(site, *segments):
    """The same for a path whose options are given one by one."""
    message = coap.Message(coap.GET, options=[(coap.URI_PATH, each) for each in segments])
    code, _, payload = said(finished(site.answer(message, None)))
    return str(payload, "utf-8") if code == "2.05" else code


def test_paths_without_captures():
    site = site_of("/", "/a", "/a/b", "/a/")
    equal(got(site, "/"), "/ ")
    equal(got(site, "/a"), "/a ")
    equal(got(site, "/a/b"), "/a/b ")
    equal(got(site, "/a/"), "/a/ ")
    for path in ("/b", "/A", "/a/b/c", "/a//b", "/a/b/"):
        equal(got(site, path), "4.04")


def test_an_option_with_a_slash_is_one_segment():
    site = site_of("/a/b", "/<any:one>")
    equal(got(site, "/a%2Fb"), "/<any:one> a/b")
    equal(got(site, "/a/b"), "/a/b ")


def test_captures_are_decoded():
    site = site_of("/sensors/<name>")
    equal(got(site, "/sensors/a%20b"), "/sensors/<name> a b")
    equal(got(site, "/sensors/%C3%BC").encode(), b"/sensors/<name> \xc3\xbc")
    equal(got(site, "/sensors"), "4.04")
    equal(got(site, "/sensors/"), "4.04")
    equal(got(site, "/sensors/a/b"), "4.04")


def test_anything_in_a_segment():
    site = site_of("/x/<any:one>")
    equal(got(site, "/x/a%2Fb"), "/x/<any:one> a/b")
    equal(got(site, "/x/"), "/x/<any:one> ")
    equal(got(site, "/x"), "4.04")
    equal(got(site, "/x/a/b"), "4.04")
    equal(got_options(site, b"x", b".."), "4.04")


def test_a_pattern_is_percent_encoded():
    site = site_of("/a%20b/%3Cx%3E")
    equal(got_options(site, b"a b", b"<x>"), "/a%20b/%3Cx%3E ")
    equal(got_options(site, b"a b", b"y"), "4.04")


def test_numbers():
    site = site_of("/n/<int:n>")
    equal(got(site, "/n/12"), "/n/<int:n> 12")
    equal(got(site, "/n/0"), "/n/<int:n> 0")
    for path in ("/n/-1", "/n/1.5", "/n/x", "/n/", "/n/%2B1", "/n/1%20", "/n/%C2%B2", "/n/0x1"):
        equal(got(site, path), "4.04")


def test_the_rest_of_a_path():
    site = site_of("/files/<path:name>")
    equal(got(site, "/files/a"), "/files/<path:name> a")
    equal(got(site, "/files/a/b.txt"), "/files/<path:name> a/b.txt")
    equal(got(site, "/files"), "4.04")
    # "/" within an option would be taken for two segments
    equal(got(site, "/files/a%2Fb"), "4.04")


def test_a_path_does_not_lead_out_of_what_it_names():
    site = site_of("/files/<path:name>", "/one/<name>")
    for name in (b"", b"a/b", b"/etc/passwd", b"../a", b"/"):
        equal(got_options(site, b"one", name), "4.04")
    for segments in ((b"files", b".."), (b"files", b"a", b"..", b"b"), (b"files", b"."), (b"one", b"..")):
        equal(got_options(site, *segments), "4.04")
    equal(got_options(site, b"files", b"../../etc"), "4.04")
    # "/files//etc/passwd": what is captured would be an absolute path
    equal(got_options(site, b"files", b"", b"etc", b"passwd"), "4.04")
    equal(got_options(site, b"files", b""), "4.04")
    equal(got_options(site, b"files", b"a", b"", b"b", b""), "/files/<path:name> a//b/")
    # MicroPython's open() ends a name at its first NUL, so that "key\0.txt" would be "key"
    for segments in ((b"one", b"key\0.txt"), (b"files", b"key\0.txt"), (b"files", b"a", b"b\0")):
        equal(got_options(site, *segments), "4.04")


def test_what_is_not_utf8_names_nothing():
    site = site_of("/<name>", "/x/<path:rest>")
    equal(got_options(site, b"\xff"), "4.04")
    equal(got_options(site, b"x", b"a", b"\xc3"), "4.04")


def test_the_more_exact_pattern_wins_whatever_its_place():
    patterns = ["/a/<path:p>", "/a/<any:y>", "/a/<x>", "/a/<int:n>", "/a/b", "/<x>/b", "/<path:p>"]
    for _ in range(2):
        site = site_of(*patterns)
        equal(got(site, "/a/b"), "/a/b ")
        equal(got(site, "/a/7"), "/a/<int:n> 7")
        equal(got(site, "/a/c"), "/a/<x> c")
        equal(got(site, "/a/%2F"), "/a/<any:y> /")
        equal(got(site, "/a/c/d"), "/a/<path:p> c/d")
        equal(got(site, "/c/b"), "/<x>/b c")
        equal(got(site, "/c/d"), "/<path:p> c/d")
        patterns.reverse()


def test_methods():
    site = Site()
    for name in ("get", "post", "put", "delete", "fetch", "patch", "ipatch"):
        decorated = getattr(site, name)("/" + name)
        decorated(lambda request, _name=name: _name)
    codes = {
        "get": 1,
        "post": 2,
        "put": 3,
        "delete": 4,
        "fetch": 5,
        "patch": 6,
        "ipatch": 7,
    }  # RFC 7252, 8132
    for name, code in codes.items():
        for other in codes.values():
            expected = name.encode() if other == code else b""
            equal((name, other, site_ask(site, other, "/" + name)[2]), (name, other, expected))
            if other != code:
                equal(site_ask(site, other, "/" + name), NOT_ALLOWED)
    equal(site_ask(site, coap.GET, "/none"), NOT_FOUND)


def test_a_method_that_no_rfc_names():
    # section 5.8: an unknown method must be answered with 4.05
    site = site_of("/a")
    equal(site_ask(site, 30, "/a"), NOT_ALLOWED)


def test_one_handler_for_several_methods():
    site = Site()

    @site.route("/a", methods=[coap.GET, coap.PUT])
    def handler(request):
        return "%d" % request.code

    equal(site_ask(site, coap.GET, "/a"), ("2.05", 0, b"1"))
    equal(site_ask(site, coap.PUT, "/a"), ("2.04", 0, b"3"))
    equal(site_ask(site, coap.POST, "/a"), NOT_ALLOWED)
    equal(handler(request_for(coap.PUT)), "3")  # the function stays what it was


def test_a_less_exact_pattern_has_the_methods_that_the_other_lacks():
    site = Site()
    site.get("/a/b")(lambda request: "exact")
    site.put("/a/<x>")(lambda request, x: "pattern " + x)
    equal(site_ask(site, coap.GET, "/a/b"), ("2.05", 0, b"exact"))
    equal(site_ask(site, coap.PUT, "/a/b"), ("2.04", 0, b"pattern b"))
    equal(site_ask(site, coap.GET, "/a/c"), NOT_ALLOWED)


def test_a_second_handler_is_refused():
    site = site_of("/a/<x>", "/b")
    for pattern in ("/a/<y>", "/b"):
        error = str(raises(ValueError, site.get(pattern), print))
        assert pattern in error, error
    site.put("/a/<y>")(print)
    site.get("/a/<int:y>")(print)
    equal(len(site.routes), 4)


def test_methods_that_are_none():
    for methods in ([0], [coap.CONTENT], ["GET"], [coap.GET, 32]):
        error = str(raises(ValueError, Site().route("/a", methods=methods), print))
        assert "methods" in error and repr(methods[-1]) in error, error


def test_content_formats_that_are_none():
    # RFC 6690 writes ct="40 50", which is the tuple (40, 50) here
    for name in ("ct", "consumes"):
        for wrong in ("40 50", "50", 65536, -1, (50, "0"), [65536], 1.5, b"\x32"):
            error = str(raises(ValueError, Site().route("/a", **{name: wrong}), print))
            assert name in error and "65535" in error, error
        for right in (0, 65535, (40, 50), [50], None):
            Site().route("/a", **{name: right})(print)


def test_a_decorator_without_a_pattern():
    error = str(raises(TypeError, Site().get, print))
    assert "@site.get(PATTERN)" in error, error


def test_patterns_that_are_none():
    for pattern, named in (
        ("a", "a"),
        ("", "''"),
        ("/a?b=1", "query"),
        ("/a#b", "fragment"),
        ("/%", "%"),
        ("/a<b>", "a<b>"),
        ("/<b>c", "<b>c"),
        ("/<>", "<>"),
        ("/<:a>", "<:a>"),
        ("/<float:a>", "<float:a>"),
        ("/<path:a>/b", "last"),
        ("/<a>/<a>", "second 'a'"),
        ("/<request>", "request"),
        ("/..", ".."),
        ("/" + "a" * 256, "256"),
    ):
        error = str(raises(ValueError, Site().get(pattern), print))
        assert named in error, (pattern, error)
