# SPDX-License-Identifier: MIT
"""Registration at a Resource Directory: RFC 9176 sections 4.3, 5, 5.1, 5.3.1, 5.3.2. The directory is a list of what it
answers; time stands in the list of what is waited for."""

import coap
from coap.aio import Response, Site, directory
from coap.aio.client import Client
from common import equal, raises
from site_scene import finished

HOST = "coap://192.0.2.9"
LINKS = b'</temp>;rt="temperature"'


class Directory(Client):
    """A context whose requests are answered from a list, where an exception is raised."""

    def __init__(self, *answers, spread=0):
        self.site = Site()
        self.site.get("/temp", rt="temperature")(None)
        self.endpoint = self
        self.answers = list(answers)
        self.asked = []
        self.running = []
        self.waited = []
        self.spread = spread
        self.noticed = lambda: None
        self.short = 0  # times that there is no memory

    max_datagram = 1152

    def random(self, size):
        if self.short:
            self.short -= 1
            raise MemoryError
        return bytes([self.spread] * size)

    async def request(self, message, to=None, timeout=None, context=None):
        queries = [str(value, "utf-8") for number, value in message.options if number == coap.URI_QUERY]
        self.asked.append((message.code, to, queries, bytes(message.payload)))
        self.noticed()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        code, options = answer if isinstance(answer, tuple) else (answer, ())
        payload = options if isinstance(options, bytes) else b""
        return Response(coap.Message(code, payload, () if payload else options), None)

    def begin(self, coroutine):
        self.running.append(coroutine)
        self.waits(1)
        return coroutine

    def end(self, coroutine):
        self.running.remove(coroutine)
        coroutine.close()

    def register(self, uri=HOST, ep="node1", **named):
        return finished(directory.register(self, uri, ep, **named))

    def waits(self, count):
        """Let the renewal go on until it has waited so many times; the seconds that it waited for."""
        real = directory.sleep_ms
        directory.sleep_ms = lambda ms: Pause(self.waited, ms)
        try:
            while len(self.waited) < count:
                self.running[0].send(None)
        finally:
            directory.sleep_ms = real
        return self.waited


class Pause:
    def __init__(self, waited, ms):
        waited.append(ms // 1000)

    def __await__(self):
        yield

    __iter__ = __await__


CREATED = (coap.CREATED, [(coap.LOCATION_PATH, b"rd"), (coap.LOCATION_PATH, b"4521")])


def test_a_simple_registration():
    # section 5.1: POST /.well-known/rd?lt=6000&ep=node1, 2.04
    there = Directory(coap.CHANGED)
    registration = there.register(lt=6000, d="floor1")
    equal(there.asked, [(coap.POST, HOST + "/.well-known/rd", ["ep=node1", "lt=6000", "d=floor1"], b"")])
    equal(
        (registration.registered, registration.location, registration.response.code),
        (True, None, coap.CHANGED),
    )


def test_where_a_directory_is():
    for uri, asked in (
        (HOST, HOST),
        (HOST + "/", HOST),
        ("coap+uart://", "coap+uart://"),
        ("coap+uart:///", "coap+uart://"),
        ("coap+uart://0", "coap+uart://0"),
    ):
        there = Directory(coap.CHANGED)
        there.register(uri)
        equal((uri, there.asked[0][1]), (uri, asked + "/.well-known/rd"))


def test_it_is_renewed_before_it_ends():
    there = Directory(*[coap.CHANGED] * 4)
    registration = there.register(HOST + "/", lt=6000)
    equal(there.waits(3), [4500, 4500, 4500])
    equal(len(there.asked), 3)
    equal([each[1] for each in there.asked], [HOST + "/.well-known/rd"] * 3)
    equal(registration.stats, {"registered": 3, "failed": 0})


def test_lifetimes():
    for lt, wait in ((1, 1), (60, 45), (90000, 67500), (0xFFFFFFFF, 86400)):
        there = Directory(coap.CHANGED)
        there.register(lt=lt)
        equal((lt, there.waits(1)), (lt, [wait]))


def test_it_is_tried_again_with_back_off_and_never_given_up():
    there = Directory(*[OSError(110)] * 12 + [coap.CHANGED, OSError(110)])
    registration = there.register()
    equal((registration.registered, registration.response), (False, None))
    assert isinstance(registration.failure, OSError)
    equal(there.waits(14), [30, 60, 120, 240, 480, 960, 1920] + [3600] * 5 + [67500, 30])
    equal(registration.stats, {"registered": 1, "failed": 13})


def test_tries_come_soon_where_the_lifetime_is_short():
    there = Directory(coap.CHANGED, OSError(110), coap.INTERNAL_SERVER_ERROR)
    there.register(lt=60)
    equal(there.waits(3), [45, 15, 30])


def test_not_all_devices_try_at_once():
    there = Directory(OSError(110), spread=255)
    there.register(lt=4000)
    equal(there.waits(1), [30 + 30 * 255 // 1024])


def test_a_quarter_of_the_lifetime_is_left_for_renewals_that_fail():
    for spread in (0, 128, 255):
        there = Directory(coap.CHANGED, spread=spread)
        there.register(lt=4000)
        (wait,) = there.waits(1)
        assert 2000 <= wait <= 3000, (spread, wait)


def test_a_directory_that_is_busy_says_for_how_long():
    for value, wait in ((b"\x64", 100), (b"\x05", 30), (b"\xff\xff\xff\xff", 3600)):
        there = Directory((coap.SERVICE_UNAVAILABLE, [(coap.MAX_AGE, value)]))
        registration = there.register()
        equal((registration.registered, registration.failure), (False, None))
        equal(there.waits(1), [wait])


def test_whatever_fails_is_tried_again():
    for error in (MemoryError(), coap.BusyError("x"), coap.MessageError("x"), ValueError("x")):
        there = Directory(error, coap.CHANGED)
        registration = there.register()
        assert registration.failure is error
        equal(there.waits(2)[0], 30)
        assert registration.registered


def test_a_renewal_outlives_an_end_of_memory():
    there = Directory(*[coap.CHANGED] * 4)
    registration = there.register(lt=6000)
    there.short = 2
    equal(there.waits(4), [4500, 30, 30, 4500])
    assert registration.registered


def test_a_simple_one_is_not_deleted():
    there = Directory(coap.CHANGED)
    registration = there.register()
    finished(registration.close())
    finished(registration.close())
    equal((registration.registered, there.running, len(there.asked)), (False, [], 1))


def test_a_full_registration():
    # section 5: POST with the links, 2.01 with a location; 5.3.1: POST there; 5.3.2: DELETE there
    there = Directory(CREATED, coap.CHANGED, coap.DELETED)
    registration = there.register(HOST + "/rd", lt=6000, base="coap://[2001:db8:3::129]:61616")
    query = ["ep=node1", "lt=6000", "base=coap://[2001:db8:3::129]:61616"]
    equal(there.asked, [(coap.POST, HOST + "/rd", query, LINKS)])
    equal((registration.registered, registration.location), (True, "/rd/4521"))
    equal(there.waits(2), [4500, 4500])
    equal(there.asked[1:], [(coap.POST, HOST + "/rd/4521", ["lt=6000"], b"")])
    finished(registration.close())
    equal(there.asked[2:], [(coap.DELETE, HOST + "/rd/4521", [], b"")])
    equal((registration.registered, registration.location, there.running), (False, None, []))


def test_one_that_could_not_be_deleted_can_be_closed_again():
    there = Directory(CREATED, OSError(110), coap.DELETED)
    registration = there.register(HOST + "/rd")
    raises(OSError, finished, registration.close())
    equal(there.running, [])
    for _ in range(2):
        finished(registration.close())
    equal([each[:2] for each in there.asked[1:]], [(coap.DELETE, HOST + "/rd/4521")] * 2)


def test_it_is_registered_while_it_is_renewed():
    there = Directory(coap.CHANGED, coap.CHANGED, OSError(110), coap.CHANGED)
    seen = []
    registration = there.register(lt=6000)
    there.noticed = lambda: seen.append(registration.registered)
    there.waits(4)
    equal(seen, [True, True, False])


def test_a_registration_that_the_directory_has_forgotten():
    there = Directory(CREATED, coap.NOT_FOUND, (coap.CREATED, [(coap.LOCATION_PATH, b"new")]))
    registration = there.register(HOST + "/rd")
    there.waits(2)
    equal([each[1] for each in there.asked], [HOST + "/rd", HOST + "/rd/4521", HOST + "/rd"])
    equal((registration.registered, registration.location), (True, "/new"))


def test_links_that_have_changed_are_written_anew():
    there = Directory(CREATED, CREATED)
    there.register(HOST + "/rd")
    there.site.get("/new")(None)
    there.waits(2)
    equal(
        [(each[1], each[3]) for each in there.asked],
        [(HOST + "/rd", LINKS), (HOST + "/rd", b"</new>," + LINKS)],
    )


def test_the_resource_for_registrations_is_looked_up():
    # section 4.3
    for found, uri in (
        (b'</rd>;rt="core.rd";ct=40,</rd-lookup/ep>;rt="core.rd-lookup-ep"', HOST + "/rd"),
        (b'</x>;rt="core.rd-lookup-res",</y/>;rt="a core.rd"', HOST + "/y/"),
        (b"<coap://192.0.2.8/rd>;rt=core.rd", "coap://192.0.2.8/rd"),
    ):
        there = Directory((coap.CONTENT, found), CREATED)
        there.register(full=True)
        equal([each[1] for each in there.asked], [HOST + "/.well-known/core?rt=core.rd", uri])


def test_a_location_is_one_of_the_host_that_gave_it():
    # RFC 7252 section 5.10.7: Location-Path is relative to the URI of the request
    found = (coap.CONTENT, b"<coap://192.0.2.8:61616/rd>;rt=core.rd")
    there = Directory(found, CREATED, coap.CHANGED, coap.DELETED)
    registration = there.register(full=True)
    there.waits(2)
    finished(registration.close())
    equal([each[1] for each in there.asked[2:]], ["coap://192.0.2.8:61616/rd/4521"] * 2)


def test_a_directory_that_is_none():
    for answer in ((coap.CONTENT, b"</x>"), (coap.CONTENT, b"no links"), (coap.CONTENT, b""), coap.NOT_FOUND):
        there = Directory(answer)
        registration = there.register(full=True)
        equal((registration.registered, len(there.asked), there.waits(1)), (False, 1, [30]))


def test_what_cannot_be_registered():
    for named, part in (
        ({"ep": ""}, "ep"),
        ({"ep": "a" * 64}, "ep"),
        ({"lt": 0}, "lt"),
        ({"lt": 1 << 32}, "lt"),
        ({"base": "coap://x"}, "base"),
        ({"d": "a" * 64}, "d:"),
        ({"et": "a" * 255}, "et"),
        ({"uri": HOST + "?ep=x"}, "keywords"),
        ({"uri": "coaps://x"}, "coaps"),
    ):
        there = Directory()
        error = str(raises(ValueError, there.register, **named))
        assert part in error, error
        equal((there.asked, there.running), ([], []))


def test_nothing_to_register():
    there = Directory()
    there.site = None
    raises(ValueError, there.register)
