# SPDX-License-Identifier: MIT
"""A Context that observes, and a Site that is observed. Message types and codes are those of RFC 7252, Observe is 6."""

import asyncio
import io

import coap
from aio_scene import URI, Link, ended, quick, reply, run, turns
from coap.aio import Closed, Context, Failure, NoAnswer, Refused, Site
from coap.aio import observing as module
from coap.observe import MAX_OBSERVATIONS
from common import equal, raises


class Peer:
    """Whoever has /obs at the other end of a link; it answers each request with `options` and `payload`."""

    def __init__(self, link):
        self.link = link
        self.asked = []
        self.other = []  # what came that was no request
        self.code = coap.CONTENT
        self.payload = b"0"
        self.options = [(coap.OBSERVE, b"\x01")]
        self.number = 1
        self.mid = 0x7000
        self.silent = False
        link.sent = self.hear

    def hear(self, message):
        if not 0 < message.code < 32:
            self.other.append(message)
            return
        self.asked.append(message)
        if self.silent:
            return
        options = self.options
        if message.uint(coap.OBSERVE) != 0:
            options = [each for each in options if each[0] != coap.OBSERVE]
        self.link.come(reply(message, self.code, self.payload, options))

    def notify(self, payload, code=coap.CONTENT, options=None, type=coap.CON):
        self.number += 1
        self.mid += 1
        options = [(coap.OBSERVE, bytes((self.number,)))] if options is None else options
        message = coap.Message(code, payload, options)
        self.link.come(coap.encode(message, type, self.mid, self.asked[0].token))

    def observed(self):
        """What was asked: Observe of each request."""
        return [message.uint(coap.OBSERVE) for message in self.asked]


def observing(act, **options):
    """Run `act(context, peer, changes)`."""

    async def main(context, link):
        peer = Peer(link)
        await act(context, peer, context.observe(URI + "obs"))

    run(main, Link, **options)


async def rest(changes):
    """(code, payload) of all that still comes."""
    got = []
    async for change in changes:
        got.append((change.code, bytes(change.payload)))
    return got


def test_the_first_value_and_each_change():
    async def act(context, peer, changes):
        equal((await changes.__anext__()).text, "0")
        equal(changes.established, True)
        for value in ("1", "2"):
            peer.notify(value.encode())
            change = await changes.__anext__()
            equal((change.text, change.ok, change.peer), (value, True, ("192.0.2.1", 5683)))
        equal([each.path for each in peer.asked], ["/obs"])
        equal([(each.type, each.mid) for each in peer.other], [(coap.ACK, 0x7001), (coap.ACK, 0x7002)])
        equal(changes.skipped, 0)

    observing(act)


def test_a_slow_consumer_gets_the_newest():
    async def act(context, peer, changes):
        await changes.__anext__()
        for value in (b"1", b"2", b"3"):
            peer.notify(value, type=coap.NON)
            await turns()
        equal((await changes.__anext__()).text, "3")
        equal(changes.skipped, 2)

    observing(act)


def test_an_error_is_the_last():
    async def act(context, peer, changes):
        got = []
        async for change in changes:
            got.append((change.code, change.ok))
            if len(got) == 1:
                peer.notify(b"", coap.NOT_FOUND, ())
        equal(got, [(coap.CONTENT, True), (coap.NOT_FOUND, False)])
        equal(context.endpoint.observations, [])
        equal(changes.established, False)

    observing(act)


def test_an_error_at_once_is_a_response_too():
    async def act(context, peer, changes):
        peer.code, peer.options = coap.NOT_FOUND, []
        equal(await rest(changes), [(coap.NOT_FOUND, b"0")])

    observing(act)


def test_silence_and_reset_at_first_are_raised():
    async def act(context, peer, changes):
        peer.silent = True
        equal(type(await ended(changes.__anext__())), NoAnswer)
        peer.silent = False
        equal((await changes.__anext__()).text, "0")  # who goes on asks again
        again = context.observe(URI + "obs")
        peer.hear = None
        peer.link.sent = lambda message: peer.link.come(bytes((0x70, 0, message.mid >> 8, message.mid & 255)))
        equal(type(await ended(again.__anext__())), Refused)

    observing(act, endpoint=quick())


def test_a_uri_that_is_none():
    async def act(context, peer, changes):
        equal(type(await ended(context.observe("coap:/obs").__anext__())), ValueError)

    observing(act)


def stale(context):
    """As if Max-Age had passed."""
    (observation,) = context.endpoint.observations
    context.endpoint.emit((coap.STALE, observation, None))
    context.flush()


def test_stale_is_asked_for_again():
    async def act(context, peer, changes):
        await changes.__anext__()
        peer.payload = b"5"
        task = asyncio.create_task(changes.__anext__())
        await turns()
        stale(context)
        equal((await task).text, "5")
        equal(peer.observed(), [0, 0])
        equal(peer.asked[0].token, peer.asked[1].token)  # section 3.3.1

    observing(act)


def test_silence_later_is_tried_again():
    async def act(context, peer, changes):
        changes.PAUSE = 4
        await changes.__anext__()
        peer.silent = True
        task = asyncio.create_task(changes.__anext__())
        await turns()
        stale(context)
        while len(peer.asked) < 8:  # three of each
            await asyncio.sleep(0)
        peer.silent = False
        peer.payload = b"back"
        equal((await task).text, "back")
        equal(changes.established, True)

    observing(act, endpoint=quick())


def test_a_peer_that_does_not_notify_is_asked_again():
    async def act(context, peer, changes):
        changes.PAUSE = 1
        peer.options = [(coap.MAX_AGE, b"")]
        equal((await changes.__anext__()).text, "0")
        equal(changes.established, False)
        peer.payload = b"1"
        equal((await changes.__anext__()).text, "1")
        equal(peer.observed(), [0, 0])

    observing(act)


def test_a_change_in_blocks_is_fetched_whole():
    async def act(context, peer, changes):
        await changes.__anext__()

        def blocks(message):
            peer.other.append(message)
            if message.code == coap.GET:
                number = (message.uint(coap.BLOCK2) or 0) >> 4
                options = [] if number else [(coap.OBSERVE, b"\x03")]
                options.append((coap.BLOCK2, b"\x08" if not number else b"\x10"))
                part = b"cc" if number else b"b" * 16
                peer.link.come(reply(message, payload=part, options=options))

        peer.link.sent = blocks
        peer.notify(b"b" * 16, options=[(coap.OBSERVE, b"\x02"), (coap.BLOCK2, b"\x08")])
        equal((await changes.__anext__()).text, "b" * 16 + "cc")
        equal([message.uint(coap.OBSERVE) for message in peer.other if message.code], [0, None])

    observing(act)


def test_the_end_of_the_block_cancels():
    async def act(context, peer, changes):
        async with changes:
            await changes.__anext__()
        await turns()
        equal(peer.observed(), [0, 1])
        equal(peer.asked[0].token, peer.asked[1].token)
        equal(context.endpoint.observations, [])
        equal(await rest(changes), [])

    observing(act)


def test_cancel_ends_a_loop_that_waits():
    async def act(context, peer, changes):
        task = asyncio.create_task(rest(changes))
        await turns(20)
        changes.cancel()
        equal(await task, [(coap.CONTENT, b"0")])
        await turns()
        equal(peer.observed(), [0, 1])
        changes.cancel()  # again
        equal(peer.observed(), [0, 1])

    observing(act)


def test_cancel_before_anything_came():
    async def act(context, peer, changes):
        peer.silent = True
        task = asyncio.create_task(ended(changes.__anext__()))
        await turns()
        changes.cancel()
        equal(type(await task), StopAsyncIteration)
        equal((context.endpoint.observations, len(peer.asked)), ([], 1))
        peer.notify(b"1")  # it came late: Reset ends it there
        await turns()
        equal([each.type for each in peer.other], [coap.RST])

    observing(act)


def test_a_loop_that_was_left_ends_by_reset():
    async def act(context, peer, changes):
        async for _ in changes:
            break
        for number in range(20):
            peer.notify(b"%d" % number)
            await turns()
        types = [each.type for each in peer.other]
        equal(types[:17] + types[-1:], [coap.ACK] * 17 + [coap.RST])
        equal(context.endpoint.observations, [])
        # who comes back after all gets the newest that was taken, and then what it is now
        equal((await changes.__anext__()).text, "16")
        peer.payload = b"now"
        equal((await changes.__anext__()).text, "now")
        equal(peer.observed(), [0, 0])

    observing(act)


def test_a_loop_that_was_left_is_dropped_when_it_is_stale():
    # else eight of them, of what seldom changes, would leave no room for others
    async def act(context, peer, changes):
        async for _ in changes:
            break
        stale(context)
        await turns()
        # by Observe 1 (section 3.6), so that it leaves the list of the peer as well
        equal((context.endpoint.observations, peer.observed()), ([], [0, 1]))
        equal(peer.asked[0].token, peer.asked[1].token)
        # who comes back after all, hears what it is now
        peer.payload = b"now"
        equal((await changes.__anext__()).text, "now")
        equal((peer.observed(), changes.established), ([0, 1, 0], True))

    observing(act)


def test_a_closed_context_raises():
    kept = []

    async def act(context, peer, changes):
        await changes.__anext__()
        kept.append(asyncio.create_task(ended(changes.__anext__())))
        await turns()

    async def main():
        async with Context(Link()) as context:
            peer = Peer(context._link)
            await act(context, peer, context.observe(URI + "obs"))
        equal(type(await kept[0]), Closed)

    asyncio.run(main())


def test_no_more_than_eight():
    async def act(context, peer, changes):
        all = [context.observe(URI + "obs") for _ in range(9)]
        for each in all[:8]:
            await each.__anext__()
        equal(type(await ended(all[8].__anext__())), coap.BusyError)
        all[0].cancel()
        await turns()
        equal((await all[8].__anext__()).text, "0")

    observing(act)


def test_a_request_with_a_body_is_a_fetch():
    async def act(context, peer, changes):
        changes = context.observe(URI + "obs", "what", accept=50)
        await changes.__anext__()
        (message,) = peer.asked
        equal((message.code, bytes(message.payload), message.uint(coap.ACCEPT)), (coap.FETCH, b"what", 50))

    observing(act)


def test_a_request_with_a_file_sends_it_again():
    async def act(context, peer, changes):
        changes = context.observe(URI + "obs", io.BytesIO(b"what"))
        await changes.__anext__()
        changes.cancel()
        await turns()
        equal([bytes(message.payload) for message in peer.asked], [b"what", b"what"])
        equal(peer.observed(), [0, 1])

    observing(act)


def starved(act):
    """As `observing`; `act` is given a list: as many next values as it has items there is no memory for. A context
    tries each twice."""
    failures = []
    before = module.Response

    def response(message, peer):
        if failures:
            failures.pop()
            raise MemoryError
        return before(message, peer)

    async def main(context, peer, changes):
        changes.PAUSE = 1
        await act(peer, changes, failures)

    module.Response = response
    try:
        observing(main)
    finally:
        module.Response = before


def test_a_change_that_there_is_no_memory_for_comes_again():
    async def act(peer, changes, failures):
        await changes.__anext__()
        failures.extend((1, 1))
        peer.notify(b"1")
        while failures:
            await asyncio.sleep(0)
        await turns()
        equal(peer.other, [])  # it was not acknowledged
        peer.number -= 1
        peer.mid -= 1
        peer.notify(b"1")
        equal((await changes.__anext__()).text, "1")
        await turns()
        equal([each.type for each in peer.other], [coap.ACK])

    starved(act)


def test_a_response_that_there_is_no_memory_for_is_asked_for_again():
    async def act(peer, changes, failures):
        failures.extend((1, 1))
        equal((await changes.__anext__()).text, "0")
        equal(peer.observed(), [0, 0])

    starved(act)


# --- a Site that is observed ------------------------------------------------------------------------------


def served(act, site):
    """Run `act(client, server)`, contexts at the two ends of a link."""

    async def main():
        here, there = Link(), Link()
        here.sent = lambda message: there.come(coap.encode(message))
        there.sent = lambda message: here.come(coap.encode(message))
        async with Context(there, site=site) as server, Context(here) as client:
            await act(client, server)

    asyncio.run(asyncio.wait_for(main(), 60))


class Thermometer:
    """A site with one value."""

    def __init__(self):
        self.value = 20
        self.site = Site()
        self.runs = 0

        @self.site.get("/<room>/temp", observe=True)
        async def temp(request, room):
            self.runs += 1
            await asyncio.sleep(0)
            if isinstance(self.value, Exception):
                raise self.value
            return str(self.value)

        @self.site.put("/<room>/temp")
        def put(request, room):
            self.set(request.text)

        @self.site.get("/plain")
        def plain(request):
            return "plain"

    def set(self, value, path="/a/temp"):
        self.value = value
        return self.site.changed(path)


def test_a_site_notifies():
    thermometer = Thermometer()

    async def act(client, server):
        equal(thermometer.set(20), 0)  # nobody yet
        changes = client.observe(URI + "a/temp")
        equal((await changes.__anext__()).text, "20")
        equal(thermometer.set(21), 1)
        equal((await changes.__anext__()).text, "21")
        equal(thermometer.set(22, "/b/temp"), 0)
        equal(thermometer.set(22, "/%61/temp"), 1)  # in any form of a path
        equal((await changes.__anext__()).text, "22")
        # changed by a client, too
        equal((await client.put(URI + "a/temp", "23")).code, coap.CHANGED)
        equal((await changes.__anext__()).text, "23")
        changes.cancel()
        await turns(20)
        equal(thermometer.set(24), 0)
        equal(len(server.endpoint.observers), 0)

    served(act, thermometer.site)


def test_one_client_observes_as_many_as_it_may():
    thermometer = Thermometer()

    async def act(client, server):
        all = [client.observe(URI + "room%d/temp" % number) for number in range(MAX_OBSERVATIONS)]
        for each in all:
            equal(((await each.__anext__()).text, each.established), ("20", True))

    served(act, thermometer.site)


def test_what_does_not_notify_has_no_observe():
    thermometer = Thermometer()

    async def act(client, server):
        changes = client.observe(URI + "plain")
        equal((await changes.__anext__()).text, "plain")
        equal(changes.established, False)
        equal(server.endpoint.observers, None)
        changes.cancel()

    served(act, thermometer.site)


def test_a_failure_ends_the_observation():
    for failure, code in (
        (Failure(coap.NOT_FOUND), coap.NOT_FOUND),
        (KeyError("x"), coap.INTERNAL_SERVER_ERROR),
    ):
        thermometer = Thermometer()

        async def act(client, server, thermometer=thermometer, failure=failure, code=code):
            changes = client.observe(URI + "a/temp")
            await changes.__anext__()
            thermometer.set(failure)
            equal([got for got, _ in await rest(changes)], [code])
            equal(len(server.endpoint.observers), 0)

        served(act, thermometer.site)


def test_the_handler_runs_for_each_observer_with_what_it_asked():
    site = Site()
    asked = []

    @site.get("/log", observe=True)
    def log(request):
        asked.append(request.query.get("n"))
        return request.query.get("n", "")

    async def act(client, server):
        all = [client.observe(URI + "log?n=%d" % number) for number in range(3)]
        for number, each in enumerate(all):
            equal((await each.__anext__()).text, "%d" % number)
        equal(site.changed("/log"), 3)
        for number, each in enumerate(all):
            equal((await each.__anext__()).text, "%d" % number)
        equal(sorted(asked), ["0", "0", "1", "1", "2", "2"])

    served(act, site)


def test_a_handler_that_fails_when_it_is_asked_again_ends_the_observation():
    thermometer = Thermometer()

    async def act(client, server):
        changes = client.observe(URI + "a/temp")
        await changes.__anext__()
        equal(len(server.endpoint.observers), 1)
        thermometer.value = KeyError("x")
        changes._observation.register(coap.Message(coap.GET, options=coap.path_options("/a/temp")), 0)
        client.flush()
        await turns(20)
        equal(len(server.endpoint.observers), 0)

    served(act, thermometer.site)


def test_who_observes_no_more_before_the_handler_has_begun():
    thermometer = Thermometer()

    async def act(client, server):
        changes = client.observe(URI + "a/temp")
        await changes.__anext__()
        link, out = server._link, client._link.out
        for number in range(20):  # more than there may be handlers at once
            token = out[-1].token
            equal(thermometer.set(number), 1)
            # as by a Reset that comes before the task of the handler had its first turn
            observers = server.endpoint.observers
            observers._remove(observers._entries[0])
            server._sweep()
            await turns(20)
            equal(server._handlers, [])
            options = [(coap.OBSERVE, b"")] + coap.path_options("/a/temp")
            link.come(coap.encode(coap.Message(coap.GET, b"", options), coap.CON, 0x4000 + number, token))
            await turns(20)
            equal(len(observers), 1)
        equal(link.out[-1].code, coap.CONTENT)

    served(act, thermometer.site)


def test_what_is_no_path_has_not_changed():
    site = Site()
    for path in ("a/temp", "/a#b", "/%ff"):
        raises(ValueError, site.changed, path)


def test_a_context_that_was_closed_is_asked_no_more():
    thermometer = Thermometer()

    async def act(client, server):
        await client.observe(URI + "a/temp").__anext__()

    served(act, thermometer.site)
    equal(thermometer.set(21), 0)
