# SPDX-License-Identifier: MIT
"""What the list of observers promises when memory ends, for each allocation in turn (starving.py): receive, poll and
changed raise nothing; respond raises and has changed nothing, or all is done; what was lost is made good later.
"""

import coap
from coap_scene import PEER, events, octets, sent
from common import equal
from observe_scene import CANCEL, REGISTER, Served
from starving import each

HOUR = 3600000


def run(served, until):
    """Polls and answers up to `until`, with a poll each second beside those that are due, as after one that failed;
    what went out."""
    out = []
    now = served.now
    while now < until:
        deadline = served.device.next_deadline()
        now += 1000
        if deadline is not None and served.now < deadline < now:
            now = deadline
        served.device.poll(now)
        out += served.work(now)
        served.now = now
    return out


def registered(unconfirmed=5):
    served = Served(unconfirmed=unconfirmed)
    served.now = 0
    served.register()
    return served


def sound(served):
    """Each observer can still be told, and stands there once."""
    entries = served.list._entries
    assert len(entries) == len({id(entry) for entry in entries}) <= 1
    for entry in entries:
        assert entry.exchange is None or served.device.is_open(entry.exchange), "waits for ever"
        assert len(entry.mids) <= 4
    assert len(served.device._exchanges) <= 1


def still_told(served):
    """It hears of the next change, by a datagram that it acknowledges; gives whether it was in the list."""
    sound(served)
    if not len(served.list):
        return False
    served.value = b"last"
    served.list.changed("/obs", served.now)
    until = served.now + 70000
    payload = None
    while payload != b"last" and served.now < until:
        for datagram in run(served, served.now + 1000):
            message = coap.decode(datagram)
            payload = bytes(message.payload)
            if message.type == coap.CON:
                served.device.receive(bytes((0x60, 0)) + datagram[2:4], PEER, served.now)
    equal(payload, b"last")
    sound(served)
    return True


# --- to register ---------------------------------------------------------------------------------------


def asked(text, before):
    """A request that waits for its answer, with an entry of that peer and token in the list where `before`."""

    def prepare():
        served = registered() if before else Served()
        served.now = 0
        served.device.receive(octets("41 01 7002 aa" + text), PEER, 0)
        ((_, served.incoming, _),) = events(served.device)
        served.device.put(b"", PEER)  # the queue has room for one more
        sent(served.device)
        return served

    return prepare


def answer(served):
    served.raised = False
    try:
        served.list.respond(served.incoming, coap.Message(coap.CONTENT, b"0"), 0)
    except MemoryError:
        served.raised = True


def one_registration(text, before, after):
    def check(served, raised):
        assert not raised
        out = sent(served.device)
        sound(served)
        if not served.raised:
            equal(len(served.list), after)
            if len(out) == 1 and after:
                return still_told(served)
            return len(out) == 1
        equal(out, [])
        assert len(served.list) in (before, min(before, after)), len(served.list)  # what ends has ended
        answer(served)
        equal((len(sent(served.device)), served.raised, len(served.list)), (1, False, after))
        return False

    return asked(text, before), answer, check


def test_to_register():
    assert each(*one_registration(REGISTER, 0, 1)) >= 6
    assert each(*one_registration(REGISTER, 1, 1)) >= 6
    assert each(*one_registration(CANCEL, 1, 0)) >= 2


# --- notifications -------------------------------------------------------------------------------------


def change(served):
    served.list.changed("/obs", 1000)


def check_change(served, raised):
    assert not raised
    served.now = 1000
    out = run(served, 3000)[:1]
    equal([bytes(coap.decode(datagram).payload) for datagram in out], [b"0"])
    complete = not served.device.stats["dropped"]
    assert still_told(served)
    return complete


def test_a_change():
    assert each(registered, change, check_change) >= 1


def notified(confirmable):
    """A request of an observer that came again, and waits for its answer."""

    def prepare():
        served = registered()
        if not confirmable:
            served.change(b"0", 100)
            served.device.receive(octets("60 00 0001"), PEER, 110)
        served.list.changed("/obs", 1000)
        ((_, served.incoming, _),) = events(served.device)
        served.now = 1000
        served.device.put(b"", PEER)
        sent(served.device)
        return served

    return prepare


def check_notified(served, raised):
    assert not raised
    out = sent(served.device)
    if served.raised:
        equal(out, [])
        answer(served)
        equal((len(sent(served.device)), served.raised), (1, False))
        assert still_told(served)
        return False
    assert still_told(served)
    return len(out) == 1


def test_a_notification():
    assert each(notified(True), answer, check_notified) >= 4
    assert each(notified(False), answer, check_notified) >= 3


def on_air():
    """A notification is on the air, and what it says is old."""
    served = registered()
    served.change(b"1", 1000)
    served.list.changed("/obs", 1500)
    served.now = 1500
    return served


def poll(served):
    served.device.poll(3000)


def check_poll(served, raised):
    assert not raised
    served.now = 3000
    complete = bool(events(served.device))
    if complete:
        (observer,) = served.list._entries
        served.list.respond(observer, coap.Message(coap.CONTENT, b"2"), 3000)
        assert sent(served.device)
    served.now = 3000
    assert still_told(served)
    return complete


def test_a_retransmission_that_is_a_newer_one():
    assert each(on_air, poll, check_poll) >= 1


def hearing(text, prepare, gone):
    def act(served):
        served.device.receive(octets(text), PEER, 1600)

    def check(served, raised):
        assert not raised
        served.now = 1600
        complete = not served.device.stats["failed"]
        if not complete:
            act(served)
        events(served.device)
        for entry in served.list._entries:
            entry.asked_until = None
            entry.changed = True
        if gone:
            sound(served)
            equal(len(served.list), 0)
        else:
            assert still_told(served)
        return complete

    return prepare, act, check


def non_confirmable():
    served = registered()
    served.change(b"0", 100)
    served.hear("60 00 0001", 110)
    served.change(b"1", 1000)
    return served


def test_acknowledgements_and_resets():
    assert each(*hearing("60 00 0001", on_air, False)) >= 1
    assert each(*hearing("70 00 0001", on_air, True)) >= 1
    assert each(*hearing("70 00 0002", non_confirmable, True)) >= 1
