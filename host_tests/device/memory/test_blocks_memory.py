# SPDX-License-Identifier: MIT
"""What requests in blocks promise when memory ends, for each allocation in turn (starving.py): no octet is sent or
written twice or left out, a response that there was no memory for is taken when it comes again, and each request ends.
"""

import coap
from coap_pair import File, Seekable, Sink
from coap_scene import PEER, endpoint, events, octets, sent
from common import equal
from starving import each

BODY = bytes(range(40))
SMALL = (coap.BLOCK1, b"")  # blocks of 16


def to_block(request):
    """The response to a block: 2.31, or 2.04 to the last one."""
    value = request.option(coap.BLOCK1)
    code = coap.CONTINUE if value and value[0] & 8 else coap.CHANGED
    options = [(coap.BLOCK1, value)] if value else []
    return coap.encode(coap.Message(code, b"", options), coap.ACK, request.mid, request.token)


def requests_of(out):
    return [coap.decode(each) for each in out if 0 < each[1] < 32]


def finish(device, out, serve):
    """Answers what goes out until all has ended; gives (all datagrams, the events)."""
    everything, came = list(out), events(device)
    now = 4000
    for _ in range(40):
        pending = requests_of(out)
        if pending:
            device.receive(serve(pending[-1]), PEER, now)
        now += 2500
        device.poll(now)
        out = sent(device)
        everything += out
        came += events(device)
        if came and not device._exchanges:
            break
    equal((device._exchanges, device.next_deadline()), ([], None))
    return everything, came


def body_of(datagrams):
    """The body that these blocks make; the same block again must be the same."""
    blocks = {}
    tags = set()
    for request in requests_of(datagrams):
        value = request.uint(coap.BLOCK1, 0)
        tags.add(request.option(coap.REQUEST_TAG))
        octets_of = bytes(request.payload)
        equal(blocks.setdefault(value >> 4, octets_of), octets_of)
    assert len(tags) == 1, tags
    equal(sorted(blocks), list(range(len(blocks))))
    return b"".join([blocks[number] for number in sorted(blocks)])


def ended(device, came, unread=None):
    """One RESPONSE; INCOMPLETE where CPython made a SystemError of an allocation that failed, as it does now and then,
    or (`unread`, an exception) where it was the caller's read or write that found no memory, and nobody knows what was
    done of it. Gives whether it was the first."""
    ((kind, _, _),) = came
    if kind == coap.INCOMPLETE:
        name = type(device.failure).__name__
        assert name == "SystemError" or name == unread, device.failure
        return False
    equal(kind, coap.RESPONSE)
    return True


# --- a body of ours ------------------------------------------------------------------------------------


def start(payload):
    def act(device):
        device.exchange = device.request(coap.Message(coap.PUT, payload(), [SMALL]), PEER, 0)

    def check(device, raised):
        if raised:
            equal((sent(device), device._exchanges, device.next_deadline()), ([], [], None))
            act(device)
        out, came = finish(device, sent(device), to_block)
        equal([kind for kind, _, _ in came], [coap.RESPONSE])
        equal(body_of(out), BODY)
        return not raised

    return act, check


def test_the_first_block_of_a_request():
    for payload in (lambda: File(BODY), lambda: Seekable(BODY)):
        assert each(endpoint, *start(payload)) >= 15


def test_a_request_of_memory_that_does_not_fit():
    body = bytes(range(60))

    def act(device):
        device.request(coap.Message(coap.PUT, body), PEER, 0)

    def check(device, raised):
        if raised:
            equal((sent(device), device._exchanges), ([], []))
            act(device)
        out, came = finish(device, sent(device), to_block)
        equal(([kind for kind, _, _ in came], body_of(out)), ([coap.RESPONSE], body))
        return not raised

    assert each(lambda: endpoint(max_datagram=50), act, check) >= 15


def under_way(payload, count, text):
    """An endpoint that has sent so many blocks; the response to the last of them comes."""

    def prepare():
        device = endpoint()
        device.request(coap.Message(coap.PUT, payload(), [SMALL]), PEER, 0)
        device.out = sent(device)
        for _ in range(count - 1):
            device.receive(to_block(requests_of(device.out)[-1]), PEER, 0)
            device.out += sent(device)
        device.datagram = text(requests_of(device.out)[-1])
        return device

    return prepare, take


def take(device):
    device.receive(device.datagram, PEER, 100)


def test_a_block_in_the_middle_of_a_request():
    for payload in (lambda: File(BODY), lambda: Seekable(BODY), lambda: File(BODY, 5)):
        prepare, act = under_way(payload, 1, to_block)

        def check(device, raised):
            assert not raised
            out = sent(device)
            complete = len(requests_of(out)) == 1
            if not complete:
                take(device)  # it comes again
                out += sent(device)
            every, came = finish(device, out, to_block)
            if ended(device, came, "ValueError"):
                equal(body_of(device.out + every), BODY)
            return complete

        assert each(prepare, act, check) >= 15


def test_a_separate_response_to_a_block():
    def separate(request):
        device_mid = 0x5001
        message = coap.Message(coap.CONTINUE, b"", [(coap.BLOCK1, request.option(coap.BLOCK1))])
        return coap.encode(message, coap.CON, device_mid, request.token)

    prepare, act = under_way(lambda: File(BODY), 1, separate)

    def check(device, raised):
        assert not raised
        out = sent(device)
        complete = [each[1] for each in out] == [0, coap.PUT]
        take(device)
        out += sent(device)
        assert octets("60 00 5001") in out
        every, came = finish(device, out, to_block)
        if ended(device, came, "ValueError"):
            equal(body_of(device.out + every), BODY)
        return complete

    assert each(prepare, act, check) >= 15


def test_a_body_that_begins_again():
    """4.08, and 4.13 with a smaller block, in the middle."""

    def lost(request):
        return coap.encode(coap.Message(coap.REQUEST_ENTITY_INCOMPLETE), coap.ACK, request.mid, request.token)

    prepare, act = under_way(lambda: Seekable(BODY), 2, lost)

    def check(device, raised):
        assert not raised
        out = sent(device)
        complete = len(requests_of(out)) == 1
        if not complete:
            take(device)
            out += sent(device)
        every, came = finish(device, out, to_block)
        if ended(device, came):
            equal(body_of(every), BODY)  # with one Request-Tag, another than before
        return complete

    assert each(prepare, act, check) >= 15


def test_the_last_response_to_a_body():
    prepare, act = under_way(lambda: File(BODY), 3, to_block)

    def check(device, raised):
        assert not raised
        came = events(device)
        complete = len(came) == 1
        if not complete:
            take(device)
            came += events(device)
        equal([kind for kind, _, _ in came], [coap.RESPONSE])
        equal((device._exchanges, device.next_deadline()), ([], None))
        return complete

    assert each(prepare, act, check) >= 5


def test_an_echo_to_a_block():
    def challenge(request):
        message = coap.Message(coap.UNAUTHORIZED, b"", [(coap.ECHO, b"\xab")])
        return coap.encode(message, coap.ACK, request.mid, request.token)

    prepare, act = under_way(lambda: File(BODY), 2, challenge)

    def check(device, raised):
        assert not raised
        out = sent(device)
        complete = len(requests_of(out)) == 1
        if not complete:
            take(device)
            out += sent(device)
        every, came = finish(device, out, to_block)
        if ended(device, came, "ValueError"):
            equal(body_of(device.out + every), BODY)
            assert b"\xab" in [request.option(coap.ECHO) for request in requests_of(every)]
        return complete

    assert each(prepare, act, check) >= 15


# --- a body that comes ---------------------------------------------------------------------------------


def part(request, etag=b"1", body=BODY):
    number = request.uint(coap.BLOCK2, 0) >> 4
    payload = body[number * 16 : number * 16 + 16]
    more = 8 if number * 16 + 16 < len(body) else 0
    options = [(coap.ETAG, etag), (coap.BLOCK2, coap.uint_octets(number << 4 | more))]
    return coap.encode(coap.Message(coap.CONTENT, payload, options), coap.ACK, request.mid, request.token)


def fetching(count, into, answer=part):
    def prepare():
        device = endpoint()
        device.sink = Sink() if into else None
        device.request(coap.Message(coap.GET, options=[(coap.BLOCK2, b"")]), PEER, 0, None, device.sink)
        device.out = sent(device)
        for _ in range(count - 1):
            device.receive(part(requests_of(device.out)[-1]), PEER, 0)
            device.out += sent(device)
        device.datagram = answer(requests_of(device.out)[-1])
        return device

    def check(device, raised):
        assert not raised
        out = sent(device)
        came = events(device)
        complete = len(requests_of(out)) == 1 or len(came) == 1
        if not complete:
            take(device)
            out += sent(device)
        if device._exchanges:
            _, more = finish(device, out, part if answer is part else answer)
            came += more
        else:
            came += events(device)
        ((_, exchange, message),) = came
        if not ended(device, came, "OSError" if into else None):
            assert not into or BODY.startswith(device.sink.octets)
            return complete
        if into:
            equal((device.sink.octets, message.payload, exchange.body.length), (BODY, b"", 40))
        else:
            equal(bytes(message.payload), BODY)
        return complete

    return prepare, take, check


def test_each_block_of_a_response():
    for into in (False, True):
        for count in (1, 2, 3):
            assert each(*fetching(count, into)) >= 8


def test_a_response_that_begins_again():
    def changed(request):
        return part(request, b"2")

    assert each(*fetching(2, False, changed)) >= 15


def test_a_request_into_something():
    sink = Sink()

    def act(device):
        device.request(coap.Message(coap.GET), PEER, 0, None, sink)

    def check(device, raised):
        if raised:
            equal((sent(device), device._exchanges), ([], []))
        return not raised

    assert each(endpoint, act, check) >= 8
