# SPDX-License-Identifier: MIT
"""Requests to many by a Context: `async for answer in coap.multicast(...)`. Real groups are in `interop`."""

import asyncio

import coap
from aio_scene import Link, ended, quick, run, turns
from coap.aio import Closed, Context, Failure, Site
from coap_scene import PEER, endpoint, octets, one_event, sent
from coap_scene import run as until
from common import equal
from site_scene import finished

GROUP = "coap://224.0.1.187/.well-known/core"
ONE, TWO = ("192.0.2.11", 5683), ("192.0.2.12", 5683)


def many(link, *answers):
    """Have (peer, code, payload, options) answer each request to the group; others as `alone` says."""

    def sent(request):
        if not request.code or request.code > 31:
            return
        if request.type == coap.NON:
            for number, (peer, code, payload, options) in enumerate(answers):
                message = coap.Message(code, payload, options)
                link.come(coap.encode(message, coap.NON, 0x7000 + number, request.token), peer)
        else:  # to one of them alone
            message = coap.Message(coap.CONTENT, b"all of it")
            link.come(coap.encode(message, coap.ACK, request.mid, request.token), ONE)

    link.sent = sent
    return link


def asked(*answers, timeout=0.1, **keywords):
    """(peer, text) of what comes, the link, and how many were dropped."""
    out = []

    async def act(context, link):
        many(link, *answers)
        group = context.multicast(GROUP, timeout, **keywords)
        async for answer in group:
            out.append((answer.peer, answer.code, answer.text))
        out.append(group.dropped)
        out.append(link.out)
        equal(context.endpoint.next_deadline(), None)

    run(act, Link)
    wire = out.pop()
    return out, wire


def test_each_who_answers_is_heard():
    out, wire = asked((ONE, coap.CONTENT, b"1", ()), (TWO, coap.NOT_FOUND, b"", ()))
    equal(out, [(ONE, coap.CONTENT, "1"), (TWO, coap.NOT_FOUND, ""), 0])
    (request,) = wire
    equal((request.type, request.code), (coap.NON, coap.GET))
    equal(request.options, [(coap.URI_PATH, b".well-known"), (coap.URI_PATH, b"core")])


def test_nobody():
    equal(asked()[0], [0])


def test_method_payload_and_options():
    _, wire = asked(method=coap.PUT, payload="on", no_response=26, content_format=0)
    equal((wire[0].code, bytes(wire[0].payload)), (coap.PUT, b"on"))
    equal(wire[0].options[2:], [(coap.CONTENT_FORMAT, b""), (coap.NO_RESPONSE, b"\x1a")])


def test_the_rest_of_a_body_is_asked_of_its_peer():
    # Block2 0/1/16 = 08
    out, wire = asked((ONE, coap.CONTENT, b"a" * 16, [(coap.BLOCK2, b"\x08")]))
    equal(out, [(ONE, coap.CONTENT, "all of it"), 0])
    equal([(each.type, each.code) for each in wire], [(coap.NON, coap.GET), (coap.CON, coap.GET)])
    equal(wire[0].options, wire[1].options)


def test_one_whose_rest_does_not_come_is_left_out():
    async def act(context, link):
        many(link, (ONE, coap.CONTENT, b"a" * 16, [(coap.BLOCK2, b"\x08")]), (TWO, coap.CONTENT, b"2", ()))
        answering = link.sent
        link.sent = lambda request: answering(request) if request.type == coap.NON else None
        group = context.multicast(GROUP, 0.3)
        peers = []
        async for answer in group:
            peers.append(answer.peer)
        equal((peers, group.dropped), ([TWO], 1))

    run(act, Link, endpoint=quick())


def in_blocks(count):
    """Answers of so many peers, each of whom has more, and does not send it."""
    more = [(coap.BLOCK2, b"\x08")]
    return [(("192.0.2.1", port), coap.CONTENT, b"a" * 16, more) for port in range(count)]


def mute(link):
    """Have nobody answer what is asked of one alone."""
    answering = link.sent
    link.sent = lambda request: answering(request) if request.type == coap.NON else None


def test_who_does_not_go_on_keeps_others_from_nothing():
    async def act(context, link):
        many(link, *in_blocks(1) + [(TWO, coap.CONTENT, b"2", ())])
        mute(link)
        group = context.multicast(GROUP, 60)
        equal((await group.__anext__()).peer, TWO)
        equal(group.dropped, 0)  # it is still waited for
        group.close()
        await turns()
        equal(context.endpoint.next_deadline(), None)

    run(act, Link)


def test_those_who_do_not_go_on_are_not_waited_for_one_by_one():
    # 100 ms, and MAX_TRANSMIT_WAIT more, 84 ms; each of them takes 56 ms at least
    async def act(context, link):
        many(link, *in_blocks(10))
        mute(link)
        group = context.multicast(GROUP, 0.1)
        async for answer in group:
            raise AssertionError(answer)
        equal(group.dropped, 10)
        asked = len({message.mid for message in link.out if message.type == coap.CON})
        assert asked <= 4, asked

    run(act, Link, endpoint=quick())


def test_one_whose_body_does_not_end_well_keeps_no_other_from_being_heard():
    # a body that is longer than max_body, 4096: INCOMPLETE; then a Reset
    for bad in (coap.ACK, coap.RST):

        async def act(context, link, bad=bad):
            many(
                link,
                (ONE, coap.CONTENT, b"a" * 1024, [(coap.BLOCK2, b"\x0e")]),
                (TWO, coap.CONTENT, b"2", ()),
            )
            answering = link.sent

            def sent(request):
                if request.type == coap.NON:
                    answering(request)
                elif request.type == coap.CON and bad == coap.RST:
                    link.come(coap.encode(coap.Message(0), coap.RST, request.mid), ONE)
                elif request.type == coap.CON:
                    number = request.uint(coap.BLOCK2, 0) >> 4
                    more = [(coap.BLOCK2, coap.uint_octets(number << 4 | 0xE))]
                    message = coap.Message(coap.CONTENT, b"a" * 1024, more)
                    link.come(coap.encode(message, coap.ACK, request.mid, request.token), ONE)

            link.sent = sent
            group = context.multicast(GROUP, 0.3)
            peers = []
            async for answer in group:
                peers.append(answer.peer)
            equal((peers, group.dropped), ([TWO], 1))

        run(act, Link)


def test_answers_that_nobody_takes_are_bounded():
    crowd = [(("192.0.2.1", port), coap.CONTENT, b"", ()) for port in range(50)]

    async def act(context, link):
        many(link, *crowd)
        group = context.multicast(GROUP, 0.1)
        await group.__anext__()
        await turns(300)
        heard = 1
        async for _ in group:
            heard += 1
        equal((heard + group.dropped, group.dropped > 0), (50, True))

    run(act, Link)


def test_what_can_not_be_asked_is_raised():
    async def act(context, link):
        for uri in ("coaps://224.0.1.187/", "/a", ""):
            equal(type(await ended(context.multicast(uri).__anext__())), ValueError)
        error = await ended(context.multicast(GROUP, payload=bytes(2000)).__anext__())
        equal(isinstance(error, coap.MessageError), True)
        equal(link.out, [])

    run(act, Link)


def test_it_may_be_given_up():
    async def act(context, link):
        many(link, (ONE, coap.CONTENT, b"1", ()))
        group = context.multicast(GROUP, 60)
        equal((await group.__anext__()).peer, ONE)
        group.close()
        await turns()
        equal(context.endpoint.next_deadline(), None)
        equal(type(await ended(group.__anext__())), StopAsyncIteration)

    run(act, Link)


def test_a_context_that_is_closed_ends_it():
    async def act(context, link):
        group = context.multicast(GROUP, 60)
        waiting = asyncio.create_task(ended(group.__anext__()))
        await turns()
        await context.__aexit__(None, None, None)
        equal(type(await waiting), Closed)

    run(act, Link)


def served(handler, leisure=None):
    """The codes of what goes out for a GET of /a, which this handler answers."""
    site = Site()
    site.get("/a")(handler)
    device = endpoint()
    device.receive(octets("51 01 1234 aa b1 61"), PEER, 0, leisure)
    _, incoming, message = one_event(device)

    class There:
        def respond(self, incoming, message, observe=False):
            device.respond(incoming, message, 0)

    finished(site.handle(There(), incoming, message))
    return [out[1] for out in sent(device)] + [out[1] for _, out in until(device, 10000)]


def test_a_handler_decides_what_a_group_hears():
    # RFC 7252 section 8.2. By default no error is sent, and nothing without payload
    def silent(request):
        raise Failure(coap.NOT_FOUND)

    def told(request):
        equal(request.quiet, 25 if request.multicast else 0)
        request.quiet = 0
        raise Failure(coap.NOT_FOUND)

    def hushed(request):
        request.quiet = 2
        return "1"

    equal([served(each, 5000) for each in (silent, told, hushed)], [[], [coap.NOT_FOUND], []])
    equal([served(each) for each in (silent, told, hushed)], [[coap.NOT_FOUND], [coap.NOT_FOUND], []])


def test_a_handler_knows_who_was_asked():
    seen = []
    for leisure in (None, 0, 5000):
        served(lambda request: seen.append(request.multicast) or "1", leisure)
    equal(seen, [False, True, True])
    finished(Site().answer(coap.Message(coap.GET), PEER))  # without an endpoint: neither


def test_it_ends_with_its_context_while_a_rest_is_asked_for():
    for wait in (0, 5):

        async def act(context, link, wait=wait):
            many(link, *in_blocks(3))
            mute(link)
            waiting = asyncio.create_task(ended(context.multicast(GROUP, 60).__anext__()))
            while len(link.out) < 1:
                await turns(1)
            await turns(wait)
            await context.__aexit__(None, None, None)
            equal(type(await waiting), Closed)

        run(act, Link)


def test_groups_want_a_port():
    for keywords in ({"groups": ("224.0.1.187",)}, {"link": Link(), "groups": ("224.0.1.187",)}):
        try:
            Context(**keywords)
        except ValueError as error:
            assert "groups" in str(error)
        else:
            raise AssertionError(keywords)
