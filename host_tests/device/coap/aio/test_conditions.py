# SPDX-License-Identifier: MIT
"""What a request wants of a resource or of its representation: RFC 7252 sections 5.5.1, 5.10.3, 5.10.4, 5.10.6 and
5.10.8."""

import binascii
import os

import coap
from coap.aio import Failure, File, Site
from coap.aio.site import files
from common import equal
from site_scene import request_for, site_answer, site_ask, site_handled

PRECONDITION_FAILED = ("4.12", None, b"")


def etags(*values):
    return [(coap.ETAG, value) for value in values]


def test_content_formats_that_a_route_consumes():
    site = Site()
    site.post("/a", consumes=(50, 60))(lambda request: request.payload)
    site.post("/b")(lambda request: request.payload)
    site.post("/c", consumes=60)(lambda request: request.payload)
    equal(site_ask(site, coap.POST, "/c", b"x", [(coap.CONTENT_FORMAT, b"\x3c")])[0], "2.04")
    equal(site_ask(site, coap.POST, "/c", b"x", [(coap.CONTENT_FORMAT, b"\x32")])[0], "4.15")
    for value, code in (
        (b"\x32", "2.04"),
        (b"\x3c", "2.04"),
        (b"", "4.15"),
        (b"\x29", "4.15"),
        (b"\x01\x32", "4.15"),
    ):
        equal(site_ask(site, coap.POST, "/a", b"x", [(coap.CONTENT_FORMAT, value)])[0], code)
        equal(site_ask(site, coap.POST, "/b", b"x", [(coap.CONTENT_FORMAT, value)])[0], "2.04")
    equal(site_ask(site, coap.POST, "/a", b"x")[0], "2.04")


def test_accept():
    # section 5.10.4: where the preferred Content-Format cannot be returned, 4.06
    site = Site()
    site.get("/one", ct=50)(lambda request: {})
    site.get("/two", ct=(50, 0))(lambda request: {} if request.accept == 50 else "x")
    site.get("/unsaid")(lambda request: "x")
    site.get("/octets")(lambda request: b"x")
    site.get("/code")(lambda request: coap.FORBIDDEN)
    site.put("/put")(lambda request: None)
    for path, text, json, cbor in (
        ("/one", "4.06", "2.05", "4.06"),
        ("/two", "2.05", "2.05", "4.06"),
        ("/unsaid", "2.05", "4.06", "4.06"),
        ("/octets", "4.06", "4.06", "4.06"),
        ("/code", "4.03", "4.03", "4.03"),
        ("/.well-known/core", "4.06", "4.06", "4.06"),
    ):
        for value, code in ((b"", text), (b"\x32", json), (b"\x3c", cbor)):
            equal(
                (path, value, site_ask(site, coap.GET, path, b"", [(coap.ACCEPT, value)])[0]),
                (path, value, code),
            )
    equal(
        site_ask(site, coap.PUT, "/put", b"x", [(coap.ACCEPT, b"\x32")])[0], "2.04"
    )  # nothing to be of a format
    equal(site_ask(site, coap.GET, "/.well-known/core", b"", [(coap.ACCEPT, b"\x28")])[0], "2.05")


def test_the_etag_of_a_result():
    site = Site()
    options = etags(b"v1") + [(coap.MAX_AGE, b"\x05"), (coap.CONTENT_FORMAT, b"")]
    site.route("/", (coap.GET, coap.FETCH, coap.PUT))(
        lambda request: coap.Message(coap.CONTENT, b"body", options)
    )
    for code in (coap.GET, coap.FETCH):
        equal(bytes(site_answer(site, code, options=etags(b"v0")).payload), b"body")
        message = site_answer(site, code, options=etags(b"v0", b"v1"))
        equal((message.code, len(message.payload)), (coap.VALID, 0))
        equal(sorted(message.options), etags(b"v1") + [(coap.MAX_AGE, b"\x05")])
    equal(site_answer(site, coap.PUT, options=etags(b"v1")).code, coap.CONTENT)


def test_an_error_is_never_valid():
    site = Site()
    site.get("/")(lambda request: coap.Message(coap.NOT_FOUND, b"", etags(b"v1")))
    equal(site_answer(site, coap.GET, options=etags(b"v1")).code, coap.NOT_FOUND)


class Store:
    """A resource with a version; it is not there while that is None."""

    def __init__(self, version=b"v1"):
        self.version = version
        self.calls = []
        self.site = Site()
        self.site.route("/<name>", (coap.GET, coap.PUT, coap.DELETE), etag=self.etag)(self.handler)

    def etag(self, request, name):
        equal(name, "x")
        return self.version

    async def handler(self, request, name):
        self.calls.append(request.code)
        return "body" if request.code == coap.GET else None

    def ask(self, code, *options):
        return site_ask(self.site, code, "/x", options=options)[0]


def test_an_etag_of_the_route():
    store = Store()
    message = site_answer(store.site, coap.GET, "/x")
    equal((message.option(coap.ETAG), bytes(message.payload)), (b"v1", b"body"))
    message = site_answer(store.site, coap.GET, "/x", options=etags(b"v1"))
    equal((message.code, message.options, len(message.payload)), (coap.VALID, etags(b"v1"), 0))
    equal(store.calls, [coap.GET])  # nobody had to make the second one
    equal(store.ask(coap.PUT, *etags(b"v1")), "2.04")


def test_if_match():
    # section 5.10.8.1: one of the values is the ETag of what is there, or one is empty and something is there
    for version, values, fulfilled in (
        (b"v1", (b"v1",), True),
        (b"v1", (b"v0", b"v1"), True),
        (b"v1", (b"v0",), False),
        (b"v1", (b"",), True),
        (b"v1", (b"", b"v0"), True),
        (None, (b"v1",), False),
        (None, (b"",), False),
    ):
        store = Store(version)
        options = [(coap.IF_MATCH, value) for value in values]
        for code, good in ((coap.PUT, "2.04"), (coap.DELETE, "2.02"), (coap.GET, "2.05")):
            equal(
                (version, values, store.ask(code, *options)), (version, values, good if fulfilled else "4.12")
            )
        equal(len(store.calls), 3 if fulfilled else 0)


def test_if_none_match():
    # section 5.10.8.2: nothing is there
    for version, code in ((None, "2.04"), (b"v1", "4.12")):
        store = Store(version)
        equal(store.ask(coap.PUT, (coap.IF_NONE_MATCH, b"")), code)
        equal(store.calls, [coap.PUT] if version is None else [])


def test_both_at_once_cannot_hold():
    for version in (None, b"v1"):
        equal(Store(version).ask(coap.PUT, (coap.IF_MATCH, b""), (coap.IF_NONE_MATCH, b"")), "4.12")


def test_an_etag_that_is_a_coroutine():
    site = Site()

    async def etag(request):
        return b"v1"

    site.get("/", etag=etag)(lambda request: "x")
    equal(site_answer(site, coap.GET, options=etags(b"v1")).code, coap.VALID)


def test_conditions_that_nothing_can_decide_do_not_hold():
    site = Site()
    site.put("/")(lambda request: 1 / 0)
    for option in ((coap.IF_MATCH, b"v1"), (coap.IF_MATCH, b""), (coap.IF_NONE_MATCH, b"")):
        equal(site_ask(site, coap.PUT, options=[option]), PRECONDITION_FAILED)


def test_a_method_that_is_not_there_comes_before_a_condition():
    equal(Store().ask(coap.POST, (coap.IF_NONE_MATCH, b"")), "4.05")
    equal(site_ask(Store().site, coap.PUT, "/", options=[(coap.IF_MATCH, b"")])[0], "4.04")


def test_an_etag_that_is_none_is_5_00():
    for wrong in ("v1", b"123456789", 1):
        store = Store(wrong)
        equal(site_handled(store.site, request_for(coap.GET, "/x"))[0][0], "5.00")
        equal(store.calls, [])


class Files:
    def __init__(self, name, content):
        self.path = "/tmp/coap-test-%s-%s" % (str(binascii.hexlify(os.urandom(4)), "ascii"), name)
        self.content = content

    def __enter__(self):
        self.write(self.content)
        self.site = Site()
        self.site.get("/")(lambda request: File(self.path))
        self.site.get("/cbor")(lambda request: (File(self.path), 60))
        return self

    def write(self, content):
        with open(self.path, "wb") as file:
            file.write(content)

    def __exit__(self, *error):
        os.remove(self.path)


def test_a_file():
    with Files("a.json", b"[1, 2]") as files:
        message = site_answer(files.site, coap.GET)
        equal((message.code, message.uint(coap.CONTENT_FORMAT)), (coap.CONTENT, 50))
        tag = message.option(coap.ETAG)
        assert 1 <= len(tag) <= 8
        file = message.payload
        equal((file.read(2), file.seek(4), file.read(9)), (b"[1", 4, b"2]"))
        file.close()
        file.close()
        equal(site_answer(files.site, coap.GET, "/cbor").uint(coap.CONTENT_FORMAT), 60)
        message = site_answer(files.site, coap.GET, options=etags(tag))
        equal((message.code, message.options, len(message.payload)), (coap.VALID, etags(tag), 0))
        files.write(b"[1, 2, 3]")
        assert site_answer(files.site, coap.GET).option(coap.ETAG) != tag


def test_the_etag_of_the_route_is_that_of_its_file():
    # what a client was told is what If-Match is decided by
    with Files("a.txt", b"x") as files:
        site = Site()
        site.get("/", etag=lambda request: b"v1")(lambda request: File(files.path))
        site.put("/", etag=lambda request: b"v1")(lambda request: None)
        site.get("/none", etag=lambda request: b"")(lambda request: File(files.path))
        message = site_answer(site, coap.GET)
        equal([each for each in message.options if each[0] == coap.ETAG], etags(b"v1"))
        equal(site_ask(site, coap.PUT, options=[(coap.IF_MATCH, message.option(coap.ETAG))])[0], "2.04")
        assert site_answer(site, coap.GET, "/none").option(coap.ETAG) is None


def test_content_formats_of_files():
    for name, number in (
        ("a.txt", 0),
        ("a.JSON", 50),
        ("a.xml", 41),
        ("a.bin", 42),
        ("a", 42),
        ("json", 42),
        ("a.b/c", 42),
    ):
        equal((name, File(name).content_format), (name, number))
    equal(File("a.txt", 41).content_format, 41)


class Source:
    """A file that is open."""

    closed = 0

    def read(self, size):
        return b""

    def close(self):
        self.closed += 1


def test_a_file_that_is_not_sent_is_closed():
    source = Source()
    site = Site()
    message = coap.Message(coap.CONTENT, source, etags(b"v1"))
    site.get("/")(lambda request: message)
    assert site_answer(site, coap.GET) is message
    equal(source.closed, 0)
    equal(site_ask(site, coap.GET, options=etags(b"v1"))[0], "2.03")
    equal(source.closed, 1)
    equal(site_ask(site, coap.GET, options=[(coap.ACCEPT, b"\x32")])[0], "4.06")
    equal(source.closed, 2)
    for count, error in ((3, coap.MessageError("x")), (4, MemoryError()), (5, Failure(coap.FORBIDDEN))):
        assert site_handled(site, request_for(coap.GET), [error])[0][0] in ("5.00", "5.03", "4.03")
        equal(source.closed, count)


def test_a_file_that_is_not_there():
    site = Site()
    site.get("/none")(lambda request: File("/tmp/there/is/none.txt"))
    site.get("/folder")(lambda request: File("/tmp"))
    equal(site_ask(site, coap.GET, "/none"), ("4.04", None, b""))
    equal(site_ask(site, coap.GET, "/folder"), ("4.04", None, b""))


def test_a_name_that_no_file_can_have():
    # a peer may send 255 octets in a segment, and 32 of them
    site = Site()
    site.get("/<path:name>")(lambda request, name: File("/tmp/" + name))
    site.get("/octet")(lambda request: File("/tmp/\0"))
    for path in ("/" + "a" * 255 + "/" + "b" * 255, "/" + "/".join(["c" * 250] * 30), "/octet"):
        equal(site_ask(site, coap.GET, path), ("4.04", None, b""))


def test_names_that_a_file_system_refuses():
    # FAT has no ":" in a name and says EINVAL, littlefs ENAMETOOLONG; whoever sees no more says EPERM
    real = files.os
    for number, code in ((22, "4.04"), (36, "4.04"), (1, "4.03"), (13, "4.03"), (63, "4.04")):
        files.os = Refusing(number)
        try:
            site = Site()
            site.get("/")(lambda request: File("/a:b"))
            equal((number, site_ask(site, coap.GET)), (number, (code, None, b"")))
        finally:
            files.os = real


class Refusing:
    def __init__(self, number):
        self.number = number

    def stat(self, path):
        raise OSError(self.number, "refused")


def test_what_is_there_without_an_etag():
    for option, code in (
        ((coap.IF_MATCH, b""), "2.04"),
        ((coap.IF_MATCH, b"v1"), "4.12"),
        ((coap.IF_NONE_MATCH, b""), "4.12"),
    ):
        equal(Store(b"").ask(coap.PUT, option), code)
    equal(site_answer(Store(b"").site, coap.GET, "/x").option(coap.ETAG), None)
