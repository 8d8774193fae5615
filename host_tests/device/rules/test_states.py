# SPDX-License-Identifier: MIT
"""Each state against each event: what has a state is brought there, the event comes the way that it comes, and what it
leads to is what docs/states.md and the clauses say. An event that means nothing leaves the state as it is.
"""

import coap
from common import SAME, equal, stands, walk
from msgin5g import Config
from msgin5g.application.registration import ApplicationRegistration
from msgin5g.rules import states
from msgin5g.wire.answer import Answer
from msgin5g.wire.bodies import Body
from msgin5g_scene import GRANTED, HOUR, SECOND, Scene


def test_an_event_wants_no_memory():
    """It is told where memory has ended, too."""
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:  # CPython has no heap to lock: there the test asks for the answers only
        heap_lock = heap_unlock = bool
    for table in (states.REGISTRATION, states.OUTGOING):
        events = table[2].split()
        for row, state in enumerate(table[0]):
            for column, event in enumerate(events):
                heap_lock()
                try:
                    reached = states.after(table, state, event)
                finally:
                    heap_unlock()
                place = chr(table[3][row * len(events) + column])
                equal((state, event, reached), (state, event, dict(zip("abcdefghijk", table[0])).get(place)))


# --- registration -------------------------------------------------------------------------------------------

BEFORE = ("discovering", "configuring")  # nothing of a registration is on the air in these
ANSWERS = {
    "granted": coap.Message(coap.CHANGED, GRANTED),
    "bulked": coap.Message(coap.CHANGED, b'{"expectedTime":5}'),
    "refused": coap.Message(coap.FORBIDDEN),
    "failed": coap.Message(coap.INTERNAL_SERVER_ERROR),
}


def answer(name, step="REG"):
    def answered(registration):
        now = registration.next_deadline(0) or 0
        registration.poll(now)
        registration.next(now)  # what is answered was sent, when its time had come
        registration.answered(step, ANSWERS[name], now)

    return answered


def unanswered(registration):
    registration.unanswered("REG", 0)


def registration(state):
    """The registration of a Client, in this state, with nothing on the air but where that is the state."""
    made = Scene(ue_id="s-1", gateway_service=True, registration={"urgent": False}).client.registration
    if state == "stopped":
        return made
    made.start(0)
    step = {"discovering": "discover", "configuring": "configure"}.get(state)
    if step is not None:
        made.prepared(step, 0)
    if state in ("waiting", "refused", "unreachable", "registered", "de-registering"):
        name = {"waiting": "bulked", "refused": "refused", "unreachable": "failed"}.get(state, "granted")
        made.answered("REG", ANSWERS[name], 0)
    if state == "leaving":
        made.next(0)
    if state in ("leaving", "de-registering"):
        made.stop(0)
    return made


def expire(registration):
    # looked at once a day, as the clock is: an hour and a bit
    registration.poll(HOUR + SECOND)


def told(kind, result="true"):
    body = Body.read(('{"msgType":"%s","result":%s}' % (kind, result)).encode())
    return lambda registration: registration.receive(kind, body, 0)


def test_registration_of_a_client():
    events = (
        lambda registration: registration.start(0),
        lambda registration: registration.stop(0),
        lambda registration: registration.on_unregistered(0),
        expire,
        told("REGRESP"),
        told("REGRESP", "false"),
        told("DEREGRESP"),
    )
    expected = (
        ("stopped", "registering", SAME, SAME, SAME, SAME, SAME, SAME),
        ("registering", SAME, "stopped", SAME, SAME, "registered", "refused", "unreachable"),
        ("waiting", SAME, "de-registering", SAME, SAME, "registered", "refused", "unreachable"),
        ("refused", SAME, "stopped", SAME, SAME, "registered", "refused", "unreachable"),
        ("unreachable", SAME, "stopped", SAME, SAME, "registered", "refused", "unreachable"),
        ("registered", SAME, "de-registering", "registering", "unreachable", SAME, "refused", "unreachable"),
        ("leaving", "registering", SAME, SAME, SAME, SAME, SAME, SAME),
        ("de-registering", "registering", SAME, SAME, SAME, SAME, SAME, SAME),
        ("discovering", SAME, "stopped", SAME, SAME, SAME, "refused", SAME),
        ("configuring", SAME, "stopped", SAME, SAME, SAME, "refused", SAME),
    )
    walk(states.REGISTRATION[0], expected, registration, events)


def test_what_comes_before_a_registration():
    """Completion of clause 6.2.1: a device that must be configured is not registered before; a gateway that is lost is
    looked for again (TS 23.554 clause 8.2.8)."""
    words = ("discover", "configure", "ready", "refused", "failed")
    events = [lambda registration, word=word: registration.prepared(word, 0, word) for word in words]
    expected = (
        ("stopped", SAME, SAME, SAME, SAME, SAME),
        ("registering", "discovering", "configuring", SAME, "refused", "unreachable"),
        ("waiting", "discovering", SAME, SAME, "refused", "unreachable"),
        ("refused", "discovering", "configuring", "registering", SAME, "unreachable"),
        ("unreachable", "discovering", "configuring", "registering", "refused", SAME),
        ("registered", SAME, SAME, SAME, "refused", SAME),
        ("leaving", SAME, SAME, SAME, SAME, SAME),
        ("de-registering", SAME, SAME, SAME, SAME, SAME),
        ("discovering", SAME, "configuring", "registering", "refused", "unreachable"),
        ("configuring", "discovering", SAME, "registering", "refused", "unreachable"),
    )
    walk(states.REGISTRATION[0], expected, registration, events)


def test_answers_to_a_registration_of_a_client():
    events = (answer("granted"), answer("bulked"), answer("refused"), answer("failed"), unanswered)
    expected = (
        ("stopped", SAME, SAME, SAME, SAME, SAME),
        ("registering", "registered", "waiting", "refused", "unreachable", "unreachable"),
        ("waiting", "registered", "waiting", "refused", "unreachable", "unreachable"),
        ("refused", "registered", "waiting", "refused", "unreachable", "unreachable"),
        ("unreachable", "registered", "waiting", "refused", "unreachable", "unreachable"),
        ("registered", "registered", "registered", "refused", "registered", "registered"),
        # what is granted is given back; bulked, it may be granted yet
        ("leaving", "de-registering", "de-registering", "stopped", "stopped", "stopped"),
        ("de-registering", SAME, SAME, SAME, SAME, SAME),
    )
    reached = [name for name in states.REGISTRATION[0] if name not in BEFORE]
    walk(reached, expected, registration, events)


def test_the_end_of_a_de_registration():
    for end in (
        answer("granted", "DEREG"),
        answer("failed", "DEREG"),
        lambda made: made.unanswered("DEREG", 0),
    ):
        made = registration("de-registering")
        equal((made.registered, made.stopping, made.state), (True, True, "registered"))
        end(made)
        equal((stands(made), made.registered, made.stopping), ("stopped", False, True))
        # started again while DEREG is on the air: what it ends is not what was begun
        made = registration("de-registering")
        equal(made.next(0)[0], "DEREG")
        made.start(0)
        end(made)
        equal((stands(made), made.registered, made.next(0)[0]), ("registering", False, "GWREG"))


class Free:
    """A wire that anything may go over."""

    def free(self, tag):
        return True


def application(state):
    config = Config(
        {
            "role": "application client",
            "ue_service_id": "ue:a@x",
            "peer": "coap://192.0.2.1",
            "security": {"mode": "none"},
            "application": {"app_id": 1, "credential": "00"},
        }
    )
    made = ApplicationRegistration(config, lambda size: b"\x7f" * size, Free())
    if state == "stopped":
        return made
    made.start(0)
    if state in ("refused", "unreachable", "registered", "de-registering"):
        REPLIES[{"refused": 1, "unreachable": 2}.get(state, 0)](made)
    if state == "leaving":
        made.next(0)
    if state in ("leaving", "de-registering"):
        made.stop(0)
    return made


def replied(*arguments):
    return lambda registration: registration.answered("REG", Answer(*arguments), 0)


REPLIES = (replied(True, None, None, b"id"), replied(False, 2), replied(False, 6))


def test_registration_of_an_application():
    events = (
        lambda registration: registration.start(0),
        lambda registration: registration.stop(0),
        lambda registration: registration.on_unregistered(0, "why"),
    ) + REPLIES
    expected = (
        ("stopped", "registering", SAME, SAME, SAME, SAME, SAME),
        ("registering", SAME, "stopped", SAME, "registered", "refused", "unreachable"),
        ("refused", SAME, "stopped", SAME, "registered", "refused", "unreachable"),
        ("unreachable", SAME, "stopped", SAME, "registered", "refused", "unreachable"),
        ("registered", SAME, "de-registering", "registering", "registered", "refused", SAME),
        ("leaving", "registering", SAME, SAME, "de-registering", "stopped", "stopped"),
        ("de-registering", "registering", SAME, SAME, SAME, SAME, SAME),
    )
    # there is no bulk on MSGin5G-5, and nothing before the registration
    reached = [name for name in states.REGISTRATION[0] if name != "waiting" and name not in BEFORE]
    walk(reached, expected, application, events)
