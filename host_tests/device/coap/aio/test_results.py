# SPDX-License-Identifier: MIT
"""What a handler returns, and what is answered: RFC 7252 sections 5.8 and 5.9, RFC 8132; what is raised and wrong."""

import coap
from coap.aio import Failure, Site
from coap_scene import PEER
from common import equal, raises
from site_scene import request_for, site_answer, site_ask, site_handled

METHODS = (coap.GET, coap.POST, coap.PUT, coap.DELETE, coap.FETCH, coap.PATCH, coap.IPATCH)
FAILED = [("5.00", None, b"")]


def site_that(returns, **named):
    site = Site()

    @site.route("/", METHODS, **named)
    def handler(request):
        if isinstance(returns, Exception):
            raise returns
        return returns

    return site


def test_payloads():
    for result, expected in (
        ("21.5", ("2.05", 0, b"21.5")),
        ("\xfc", ("2.05", 0, b"\xc3\xbc")),
        ("", ("2.05", 0, b"")),
        (b"\x00\xff", ("2.05", None, b"\x00\xff")),
        (bytearray(b"a"), ("2.05", None, b"a")),
        (memoryview(b"ab")[:1], ("2.05", None, b"a")),
        ({"a": [1, None]}, ("2.05", 50, b'{"a":[1,null]}')),
        ([], ("2.05", 50, b"[]")),
        ((b"\xa0", 60), ("2.05", 60, b"\xa0")),
        (("<a/>", 41), ("2.05", 41, b"<a/>")),
        (({"e": []}, 110), ("2.05", 110, b'{"e":[]}')),
        (None, ("2.05", None, b"")),
    ):
        equal(site_ask(site_that(result), coap.GET), expected)


def test_what_a_method_says_that_has_done_its_work():
    expected = {1: "2.05", 2: "2.04", 3: "2.04", 4: "2.02", 5: "2.05", 6: "2.04", 7: "2.04"}
    for code in METHODS:
        equal((code, site_ask(site_that(None), code)[0]), (code, expected[code]))
        equal((code, site_ask(site_that("x"), code)), (code, (expected[code], 0, b"x")))


def test_codes():
    for code, text in ((coap.CREATED, "2.01"), (coap.FORBIDDEN, "4.03"), (coap.SERVICE_UNAVAILABLE, "5.03")):
        equal(site_ask(site_that(code), coap.PUT), (text, None, b""))


def test_a_message_is_sent_as_it_is():
    message = coap.Message(coap.CREATED, b"x", [(coap.LOCATION_PATH, b"a")])
    assert site_answer(site_that(message), coap.POST) is message


def test_a_coroutine():
    site = Site()

    @site.get("/<name>")
    async def handler(request, name):
        return name

    equal(site_ask(site, coap.GET, "/a"), ("2.05", 0, b"a"))


def test_failures():
    equal(site_ask(site_that(Failure(coap.FORBIDDEN, "not you")), coap.GET), ("4.03", None, b"not you"))
    equal(site_ask(site_that(Failure(coap.NOT_FOUND)), coap.GET), ("4.04", None, b""))


def test_a_failure_is_an_error():
    for code in (coap.CONTENT, coap.GET, 0, 95, 192, 256):
        raises(ValueError, Failure, code)


def test_the_content_format_of_the_route():
    equal(site_ask(site_that(b"x", ct=112), coap.GET), ("2.05", 112, b"x"))
    equal(site_ask(site_that("[]", ct=110), coap.GET), ("2.05", 110, b"[]"))
    equal(site_ask(site_that((b"x", 60), ct=112), coap.GET), ("2.05", 60, b"x"))
    equal(site_ask(site_that("x", ct=(112, 60)), coap.GET), ("2.05", 0, b"x"))


def test_what_cannot_be_sent_is_5_00():
    message = coap.Message(coap.GET)
    for result in (
        1.5,
        object(),
        True,
        0,
        coap.GET,
        224,
        -1,
        1000,
        ("a",),
        ("a", "b"),
        ("a", 1, 2),
        (b"x", -1),
        (b"x", 65536),
        (1, 50),
        message,
        {1},
    ):
        site = site_that(result)
        equal((repr(result), site_handled(site, request_for(coap.GET))), (repr(result), FAILED))
        equal(site.stats["failed"], 1)


def test_what_json_cannot_say_is_5_00():
    # RFC 8259: no octets, no sets, no functions, no NaN; MicroPython's dumps writes anything
    infinite = float("inf")
    for result in (
        {"a": b"x"},
        [object()],
        {"a": [{1}]},
        [print],
        {(1, 2): 1},
        {b"a": 1},
        {"a": infinite},
        [-infinite],
        [infinite - infinite],
    ):
        site = site_that(result)
        equal((repr(result), site_handled(site, request_for(coap.GET))), (repr(result), FAILED))
    result = {"a": (1, -2.5, None, True, ["x", {}]), 7: False}
    payload = site_ask(site_that(result), coap.GET)[2]
    equal(coap.compat.json_value(payload), {"a": [1, -2.5, None, True, ["x", {}]], "7": False})


def test_an_exception_is_5_00_and_the_site_goes_on():
    site = Site()
    site.get("/bad")(lambda request: 1 / 0)
    site.get("/good")(lambda request: "x")
    equal(site_handled(site, request_for(coap.GET, "/bad")), FAILED)
    equal(site_handled(site, request_for(coap.GET, "/good")), [("2.05", 0, b"x")])
    equal(site.stats, {"handled": 2, "failed": 1})


def test_a_stop_iteration_is_no_result():
    site = Site()
    site.get("/")(lambda request: next(iter(())))
    equal(site_handled(site, request_for(coap.GET)), FAILED)


def test_a_handler_that_wants_other_arguments():
    site = Site()
    site.get("/<a>")(lambda request, b: "x")
    equal(site_handled(site, request_for(coap.GET, "/1")), FAILED)


def test_no_memory_is_5_03():
    equal(site_handled(site_that(MemoryError()), request_for(coap.GET)), [("5.03", None, b"")])


def test_a_response_that_cannot_be_sent():
    # the endpoint raises, and then nothing was sent and another response may follow
    site = site_that("x")
    equal(site_handled(site, request_for(coap.GET), [coap.MessageError("too long")]), FAILED)
    equal(site_handled(site, request_for(coap.GET), [MemoryError()]), [("5.03", None, b"")])
    equal(site_handled(site, request_for(coap.GET), [MemoryError(), MemoryError()]), [])
    equal(site_handled(site, request_for(coap.GET), [Failure(coap.FORBIDDEN)]), [("4.03", None, b"")])


def test_the_request():
    seen = []
    site = Site()

    @site.post("/<int:n>/<any:x>")
    def handler(request, n, x):
        seen.append(
            (
                request.path,
                request.query,
                request.arguments,
                request.text,
                request.peer,
                request.content_format,
            )
        )
        seen.append((request.accept, request.json(), request.option(coap.URI_QUERY), request.code))

    options = [(coap.CONTENT_FORMAT, b""), (coap.ACCEPT, b"\x32")]
    equal(site_ask(site, coap.POST, "/7/a%2Fb?u=c&w&u=%C3%BC&x=1=2", b"[1]", options), ("2.04", None, b""))
    query = {"u": "\xfc", "w": "", "x": "1=2"}
    equal(seen[0], ("/7/a%2Fb", query, {"n": 7, "x": "a/b"}, "[1]", PEER, 0))
    equal(seen[1], (50, [1], b"u=c", coap.POST))


def test_what_a_request_does_not_say():
    site = Site()

    @site.post("/")
    def handler(request):
        return {"q": request.query, "a": request.accept, "c": request.content_format, "t": request.text}

    code, _, payload = site_ask(site, coap.POST)
    equal((code, coap.compat.json_value(payload)), ("2.04", {"q": {}, "a": None, "c": None, "t": ""}))


def test_what_cannot_be_read_is_4_00():
    site = Site()
    site.post("/json")(lambda request: request.json())
    site.post("/text")(lambda request: request.text)
    site.post("/query")(lambda request: request.query)
    for payload in (b"x", b"", b"\xff", b"[" * 100, b"[1", b'{"a":1', b'[{"a":[1]', b'{"a":"}"', b"[1]]"):
        equal(site_ask(site, coap.POST, "/json", payload)[0], "4.00")
    for payload in (b'{"a":"]"}', b'["[", "\\"[{"]'):
        equal(site_ask(site, coap.POST, "/json", payload)[0], "2.04")
    equal(site_ask(site, coap.POST, "/text", b"\xff")[0], "4.00")
    equal(site_ask(site, coap.POST, "/query?a=%FF")[0], "4.00")
