# SPDX-License-Identifier: MIT
"""What an endpoint promises when memory ends, for each allocation in turn (starving.py): receive, poll and cancel
raise nothing; request and respond raise and have changed nothing, or all is done; whatever was lost is dealt with when
it comes again, once; what is kept keeps its bounds.
"""

import coap
from coap.observe import observe
from coap_scene import OTHER, PEER, endpoint, events, octets, sent
from common import equal
from starving import each

# What a request may hear. 5.00 is CPython's, which now and then makes a SystemError of an allocation that fails.
ROOM = (coap.SERVICE_UNAVAILABLE, coap.INTERNAL_SERVER_ERROR)


def bounded(device):
    assert len(device.seen()._entries) <= device.MAX_DUPLICATES
    assert len(device._incoming) <= device.MAX_INCOMING
    assert len(device._queue) <= device.MAX_QUEUE
    assert len(device.bodies) <= 4
    for entry in device.seen()._entries:
        # one without an answer is that of a request which is open, none is left for ever
        assert entry.answer is not None or [i for i in device._incoming if i.entry is entry]


def requests(device):
    return [event for event in events(device) if event[0] == coap.REQUEST]


def again(device, datagram, now):
    """The peer hears nothing, and sends its request up to four times more; gives the REQUEST events and all answers."""
    came, out = [], []
    for _ in range(4):
        device.receive(datagram, PEER, now)
        came += requests(device)
        out += sent(device)
        now += 2000
    return came, out


# --- requests of a peer --------------------------------------------------------------------------------

REQUEST = octets("41 02 1234 aa b1 61 ff 31")


def check_request(device, raised):
    assert not raised
    bounded(device)
    out = sent(device)
    came = requests(device)
    complete = len(came) == 1 and not out
    if not came:
        # told, or silence; nothing is kept
        assert not out or coap.decode(out[0]).code in ROOM, out
        equal((device._incoming, device.seen()._entries[32:]), ([], []))
        assert device.stats["failed"]
    more, _ = again(device, REQUEST, 2000)
    came += more
    equal(len(came), 1)
    kind, incoming, message = came[0]
    equal(bytes(message.payload), b"1")
    device.respond(incoming, coap.Message(coap.CHANGED, b"2"), 9000)
    assert sent(device)[-1][-2:] == b"\xff2"
    return complete


def receive_request(device):
    device.receive(REQUEST, PEER, 0)


def test_a_request():
    assert each(endpoint, receive_request, check_request) >= 8


def full_table():
    """32 answered requests, of two peers, more than one answer being dropped with each that comes."""
    device = endpoint()
    for mid in range(34):
        device.receive(octets("41 01 %04x bb" % mid), OTHER if mid & 1 else PEER, 0)
        device.respond(requests(device)[0][1], coap.Message(coap.CONTENT, bytes(200)), 0)
    sent(device)
    return device


def test_a_request_when_the_table_is_full():
    assert each(full_table, receive_request, check_request) >= 10


def non_request(device):
    device.receive(octets("51 02 1234 aa b1 61 ff 31"), PEER, 0)


def check_non(device, raised):
    assert not raised
    bounded(device)
    came = requests(device)
    complete = len(came) == 1
    non_request(device)
    came += requests(device)
    equal(len(came), 1)
    equal(sent(device), [])
    return complete


def test_a_non_confirmable_request():
    assert each(endpoint, non_request, check_non) >= 8


def refused(datagram):
    usual = endpoint()
    usual.receive(datagram, PEER, 0)
    right = sent(usual)

    def act(device):
        device.receive(datagram, PEER, 0)

    def check(device, raised):
        assert not raised
        bounded(device)
        equal((events(device), device.next_deadline(), device.seen()._entries), ([], None, []))
        out = sent(device)
        assert out == right or not out or coap.decode(out[0]).code in ROOM, (out, device.failure)
        device.receive(datagram, PEER, 0)
        equal(sent(device), right)
        return out == right

    each(endpoint, act, check)


def test_refusals_and_what_is_malformed():
    for text in (
        "41 01 1234 aa 90",  # option 9 is not known: 4.02
        "41 01 1234 aa d1 16 78",  # Proxy-Uri: 5.05
        "40 00 1234",  # ping
        "41 45 1234 aa",  # a response to nothing
        "4f 01 1234",  # not CoAP
        "41 02 1234 aa ff" + "61" * 1147,  # longer than a datagram
        "51 45 1234 aa 61 01",
    ):
        refused(octets(text))


# --- bodies in blocks ----------------------------------------------------------------------------------


def block(number, more, size=64):
    options = coap.path_options("/a") + [(coap.BLOCK1, coap.uint_octets(number << 4 | more << 3 | 2))]
    message = coap.Message(coap.PUT, bytes((97 + number,)) * size, options, mid=number + 1, token=b"\xaa")
    return bytes(coap.encode(message))


BLOCKS = [block(0, 1), block(1, 1), block(2, 0, 10)]
BODY = b"a" * 64 + b"b" * 64 + b"c" * 10


def put(device, now, mids=0):
    """Sends the whole body, with message IDs from there on; gives what came."""
    for number, datagram in enumerate(BLOCKS):
        device.receive(datagram[:2] + bytes((mids, number + 1)) + datagram[4:], PEER, now)
        if number < 2:
            equal([out[1] for out in sent(device)], [coap.CONTINUE])
    return requests(device)


def blocks(number):
    """The endpoint before that block, what is done, and what must hold."""

    def prepare():
        device = endpoint()
        for datagram in BLOCKS[:number]:
            device.receive(datagram, PEER, 0)
        sent(device)
        return device

    def act(device):
        device.receive(BLOCKS[number], PEER, 0)

    def check(device, raised):
        assert not raised
        bounded(device)
        out = [each[1] for each in sent(device)]
        came = requests(device)
        complete = len(came) == 1 if number == 2 else out == [coap.CONTINUE]
        if not came and out != [coap.CONTINUE]:
            assert out == [] or out[0] in ROOM, out
        if not came:
            more, answers = again(device, BLOCKS[number], 2000)
            came += more
            assert came or {each[1] for each in answers} & {
                coap.CONTINUE,
                coap.REQUEST_ENTITY_INCOMPLETE,
            }, answers
        for _, incoming, message in came:
            equal(bytes(message.payload), BODY)
            device.respond(incoming, coap.Message(coap.CHANGED), 8000)
            sent(device)
        # and whatever it was, the body can be sent anew
        ((kind, incoming, message),) = put(device, 300000, 1)
        equal(bytes(message.payload), BODY)
        return complete

    return prepare, act, check


def test_the_first_block():
    assert each(*blocks(0)) >= 12


def test_a_block_in_the_middle():
    assert each(*blocks(1)) >= 12


def test_the_last_block():
    assert each(*blocks(2)) >= 10


# --- responses to our requests -------------------------------------------------------------------------


def asking(text, options=(), code=coap.GET, before=()):
    """The endpoint with one request open, a datagram that comes, and what must hold: RESPONSE once, acknowledged where
    it is confirmable."""
    datagram = octets(text)

    def prepare():
        device = endpoint()
        device.request(coap.Message(code, options=options), PEER, 0)
        for each_before in before:
            device.receive(octets(each_before), PEER, 0)
        sent(device)
        return device

    def act(device):
        device.receive(datagram, PEER, 100)

    def check(device, raised):
        assert not raised
        bounded(device)
        came = events(device)
        out = sent(device)
        confirmable = datagram[0] & 0x30 == 0
        complete = len(came) == 1 and (not confirmable or len(out) == 1)
        if not came:
            assert not [each for each in out if each[:1] == b"\x60"], out  # not acknowledged
            equal(len(device._exchanges), 1)
            assert device.next_deadline() is not None
        device.receive(datagram, PEER, 3000)
        came += events(device)
        out += sent(device)
        equal([kind for kind, _, _ in came], [coap.RESPONSE])
        if confirmable:
            assert octets("60 00 5001") in out
        equal((device._exchanges, device.next_deadline()), ([], None))
        return complete

    return prepare, act, check


def test_a_piggybacked_response():
    assert each(*asking("64 45 0001 00000001 c0 ff 31")) >= 5


def test_a_separate_response():
    assert each(*asking("44 45 5001 00000001 ff 31", before=("60 00 0001",))) >= 8
    assert each(*asking("54 45 5001 00000001 ff 31", before=("60 00 0001",))) >= 5


def test_the_last_block_of_a_response():
    first = "64 45 0001 00000001 d1 0a 0a ff" + "61" * 64
    prepare, act, check = asking("64 45 0002 00000002 d1 0a 12 ff 62", before=(first,))
    assert each(prepare, act, check) >= 8


def test_a_block_of_a_response_in_the_middle():
    # then the next one is asked for, once
    text = "44 45 5001 00000001 d1 0a 0a ff" + "61" * 64
    datagram = octets(text)
    prepare, act, _ = asking(text, before=("60 00 0001",))

    def check(device, raised):
        assert not raised
        bounded(device)
        out = sent(device)
        complete = [each[1] for each in out] == [0, 1]
        equal((events(device), len(device._exchanges)), ([], 1))
        device.receive(datagram, PEER, 3000)
        for now in (3000, 4100, 5200, 9000):
            device.poll(now)
        out += sent(device)
        asked = [coap.decode(each) for each in out if each[1] == coap.GET]
        assert octets("60 00 5001") in out and asked
        equal({request.uint(coap.BLOCK2) for request in asked}, {0x12})
        answer = coap.Message(
            coap.CONTENT, b"bb", [(coap.BLOCK2, b"\x12")], coap.ACK, asked[-1].mid, asked[-1].token
        )
        device.receive(coap.encode(answer), PEER, 9100)
        ((kind, _, message),) = events(device)
        equal((kind, bytes(message.payload)), (coap.RESPONSE, b"a" * 64 + b"bb"))
        return complete

    assert each(prepare, act, check) >= 20


def with_request():
    """An endpoint whose request is on the air."""
    device = endpoint()
    device.request(coap.Message(coap.GET), PEER, 0)
    sent(device)
    return device


def test_an_echo_that_is_asked_for():
    # 4.01 with Echo 252: d1 ef + ab...; asked again with it
    datagram = octets("64 81 0001 00000001 d2 ef abcd")

    def act(device):
        device.receive(datagram, PEER, 100)

    def check(device, raised):
        assert not raised
        out = sent(device)
        equal((events(device), len(device._exchanges)), ([], 1))
        device.receive(datagram, PEER, 3000)
        for now in (3000, 4100, 5200):
            device.poll(now)
        asked = [coap.decode(each) for each in out + sent(device)]
        equal({request.option(coap.ECHO) for request in asked if request.mid != 1}, {b"\xab\xcd"})
        return len(out) == 1

    assert each(with_request, act, check) >= 10


def one_acknowledgements_and_resets(datagram, kinds):
    def act(device):
        device.receive(datagram, PEER, 100)

    def check(device, raised):
        assert not raised
        came = events(device)
        complete = not device.stats["failed"]
        if not came:
            device.receive(datagram, PEER, 200)
            came = events(device)
        equal([kind for kind, _, _ in came], kinds)
        equal(len(device._exchanges), 0 if kinds else 1)
        return complete

    each(with_request, act, check)


def test_acknowledgements_and_resets():
    for text, kinds in (("60 00 0001", []), ("70 00 0001", [coap.RESET])):
        one_acknowledgements_and_resets(octets(text), kinds)


# --- what the application calls ------------------------------------------------------------------------


def asks(code, type, queued):
    message = coap.Message(code, b"1" if code else b"", coap.path_options("/a") if code else (), type)

    def prepare():
        device = endpoint()
        if queued:  # NSTART 1: the next one waits
            device.request(coap.Message(coap.GET), PEER, 0)
            sent(device)
        return device

    def act(device):
        device.request(message, PEER, 0)

    def check(device, raised):
        bounded(device)
        before = 1 if queued else 0
        out = sent(device)
        equal(len(device._exchanges), before if raised else before + 1)
        complete = not raised and len(out) == (0 if queued else 1)
        if raised:
            equal(out, [])
            act(device)
        if queued:
            device.cancel(device._exchanges[0], 100)
        for now in range(0, 7000, 1000):
            device.poll(now)
        out += sent(device)
        equal({each[1] for each in out} - {code}, set())
        # a non-confirmable one whose datagram there was no memory for is lost as on the way, and counted
        assert out or type == coap.NON and device.stats["dropped"] == 1
        return complete

    return prepare, act, check


def test_request():
    for code, type in ((coap.POST, coap.CON), (coap.POST, coap.NON), (coap.EMPTY, coap.CON)):
        assert each(*asks(code, type, False)) >= 5
    assert each(*asks(coap.POST, coap.CON, True)) >= 8


def test_cancel_lets_the_next_one_go():
    def prepare():
        device = endpoint()
        for _ in range(2):
            device.request(coap.Message(coap.GET), PEER, 0)
        sent(device)
        return device

    def act(device):
        device.cancel(device._exchanges[0], 100)

    def check(device, raised):
        if raised:  # CPython: a list that shrinks takes memory. Nothing has changed
            equal((len(device._exchanges), sent(device)), (2, []))
            act(device)
        out = sent(device)
        equal(len(device._exchanges), 1)
        assert out or device.next_deadline() is not None
        for now in (100, 1200, 2300, 5000):
            device.poll(now)
        assert out + sent(device)
        return bool(out)

    assert each(prepare, act, check) >= 1


def answers(text, wait, message, parts):
    """A request that is open, and the codes of what goes out for it in the end."""

    def prepare():
        device = endpoint()
        device.receive(octets(text), PEER, 0)
        if wait:
            device.poll(wait)
            sent(device)
        device.held = requests(device)[0][1]
        return device

    def act(device):
        device.respond(device.held, message, wait)

    def check(device, raised):
        bounded(device)
        out = sent(device)
        complete = not raised and len(out) == 1
        if raised:
            equal((out, len(device._incoming)), ([], 1))
            act(device)
            out += sent(device)
        if not out:
            # it was taken, and its datagram lost: repeated by us, or when the request comes again
            device.receive(octets(text), PEER, wait + 2000)
            for now in range(wait + 2000, wait + 8000, 1000):
                device.poll(now)
            out += [each for each in sent(device) if each[1]]
        if not out:
            assert text[0] == "5" and device.stats["dropped"] == 1
            return complete
        equal(coap.decode(out[0]).code, message.code)
        equal(bytes(coap.decode(out[0]).payload)[:4], bytes(message.payload)[:4])
        return complete

    return prepare, act, check


def test_respond():
    short = coap.Message(coap.CONTENT, b"text", [(coap.CONTENT_FORMAT, b"")])
    long = coap.Message(coap.CONTENT, bytes(3000))
    for message in (short, long):
        assert each(*answers("41 02 1234 aa", 0, message, 1)) >= 3
        assert each(*answers("41 02 1234 aa", 250, message, 1)) >= 5
        assert each(*answers("51 02 1234 aa", 0, message, 1)) >= 3


# --- time ----------------------------------------------------------------------------------------------


def one_a_retransmission_and_a_time_out(retransmissions):
    def prepare():
        device = endpoint()
        device.request(coap.Message(coap.GET), PEER, 0)
        for _ in range(retransmissions):
            device.poll(device.next_deadline())
        device.due = device.next_deadline()
        sent(device)
        return device

    def act(device):
        device.poll(device.due)

    def check(device, raised):
        assert not raised
        out, came = sent(device), events(device)
        complete = bool(out or came)
        now = device.due
        for _ in range(40):
            now += 1000
            device.poll(now)
            if not device.next_deadline():
                break
        if retransmissions:
            equal([kind for kind, _, _ in came + events(device)], [coap.TIMEOUT])
            equal(device.next_deadline(), None)
        else:
            assert out + sent(device)
        return complete

    each(prepare, act, check)


def test_a_retransmission_and_a_time_out():
    for retransmissions in (0, 4):
        one_a_retransmission_and_a_time_out(retransmissions)


def one_an_acknowledgement_and_a_request_that_is_given_up(wait):
    def prepare():
        device = endpoint()
        device.receive(REQUEST, PEER, 0)
        requests(device)
        if wait > 250:
            device.poll(250)
            sent(device)
        return device

    def act(device):
        device.poll(wait)

    def check(device, raised):
        assert not raised
        out = sent(device)
        complete = len(out) == 1
        if wait == 250:
            device.poll(wait + 2000)
            device.receive(REQUEST, PEER, wait + 2000)
            out += sent(device)
            assert octets("60 00 1234") in out
            equal(len(device._incoming), 1)
        else:
            device.poll(wait + 2000)
            equal((device._incoming, device.next_deadline()), ([], None))
            bounded(device)
        return complete

    assert each(prepare, act, check) >= 1


def test_an_acknowledgement_and_a_request_that_is_given_up():
    for wait in (250, 247250):
        one_an_acknowledgement_and_a_request_that_is_given_up(wait)


def test_taking_out():
    def prepare():
        device = endpoint()
        device.receive(octets("40 00 1234"), PEER, 0)
        device.receive(REQUEST, PEER, 0)
        return device

    def act(device):
        device.got = device.outgoing(), device.next_event(), device.next_deadline()

    def check(device, raised):
        if raised:
            # whatever was not given is there
            assert len(device._queue) + len(device._events) in (0, 1, 2)
            return False
        equal((len(device._queue), len(device._events), device.got[2]), (0, 0, 250))
        return True

    each(prepare, act, check)


# --- observations --------------------------------------------------------------------------------------


def watching():
    device = endpoint()
    device.watch = observe(device, coap.Message(coap.GET), PEER, 0)
    device.receive(octets("64 45 0001 00000001 61 01 ff 30"), PEER, 0)
    sent(device)
    events(device)
    return device


def one_a_notification(datagram, established):
    def act(device):
        device.receive(datagram, PEER, 1000)

    def check(device, raised):
        assert not raised
        bounded(device)
        came = events(device)
        complete = len(came) == 1
        if not came:
            device.receive(datagram, PEER, 3000)
            came = events(device)
        equal([(kind, subject is device.watch) for kind, subject, _ in came], [(coap.NOTIFICATION, True)])
        device.watch.accept(came[0][2], 3000)
        assert octets("60 00 5001") in sent(device)
        equal(device.watch.established, established)
        return complete

    assert each(watching, act, check) >= 3


def test_observe():
    message = coap.Message(coap.GET, options=coap.path_options("/a"))

    def act(device):
        device.watch = None  # the place for it is there
        device.watch = observe(device, message, PEER, 0)

    def check(device, raised):
        out = sent(device)
        complete = not raised and len(out) == 1
        if raised:
            equal((out, device._exchanges, list(device.observations)), ([], [], []))
            act(device)
        equal((len(device._exchanges), list(device.observations)), (1, [device.watch]))
        for now in (1100, 2200):
            device.poll(now)
        assert out + sent(device)
        device.receive(octets("64 45 %04x" % device._mid) + device.watch.token + octets("61 01"), PEER, 3000)
        equal(([kind for kind, _, _ in events(device)], device.watch.established), ([coap.RESPONSE], True))
        return complete

    assert each(endpoint, act, check) >= 10


def test_a_notification_that_is_accepted():
    datagram = octets("44 45 5001 00000001 61 02 ff 31")

    def prepare():
        device = watching()
        device.receive(datagram, PEER, 1000)
        ((_, _, device.held),) = events(device)
        return device

    def act(device):
        device.watch.accept(device.held, 1000)

    def check(device, raised):
        if raised:  # CPython: an iterator takes memory. Nothing has changed
            act(device)
        out = sent(device)
        complete = len(out) == 1
        device.receive(datagram, PEER, 3000)  # acknowledged now if it was not, and not told again
        assert octets("60 00 5001") in out + sent(device)
        equal(events(device), [])
        return complete

    assert each(prepare, act, check)


def test_a_notification():
    for text, established in (("44 45 5001 00000001 61 02 ff 31", True), ("44 84 5001 00000001", False)):
        one_a_notification(octets(text), established)


def test_an_observation_that_is_stale():
    # Max-Age 60 s, and 5 s more with this chance
    def act(device):
        device.poll(device.watch.deadline)

    def prepare():
        device = watching()
        device.poll(device.next_deadline()) if device.next_deadline() < 64000 else None
        return device

    def check(device, raised):
        assert not raised
        came = events(device)
        complete = False
        for now in range(60000, 200000, 1000):
            device.poll(now)
        complete = len(came) == 1
        equal([kind for kind, _, _ in came + events(device)], [coap.STALE])
        return complete

    each(prepare, act, check)
