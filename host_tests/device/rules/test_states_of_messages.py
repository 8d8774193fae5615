# SPDX-License-Identifier: MIT
"""As test_states.py, for a message on its way out: TS 24.538 clauses 6.4.1.1.2, .6 to .9, and 6.5.1."""

import coap
from common import SAME, equal, walk
from msgin5g.rules import states
from msgin5g_scene import HOUR, SECOND, Scene, agree, imdn, msgresp, segconfir, segrec

STORED = '"DelSta":"stored for deferred delivery"'
OPEN = ("queued", "sending", "sent", "confirming")
AWAITING = ("accepted", "stored")


class Sending:
    """A message in a state, its scene, and what it counts."""

    def __init__(self, state, report):
        self.scene = Scene(lambda asked: self.said if asked.kind == "MSG" else agree(asked))
        self.said = coap.CHANGED
        if state != "queued":  # else it is not registered yet
            self.scene.start()
        if state in ("sending", "shelved", "expired"):
            self.said = None
        elif state in ("sent", "failed"):
            self.said = coap.SERVICE_UNAVAILABLE if state == "sent" else coap.BAD_REQUEST
        self.outgoing = self.scene.send(
            payload="x" * (3000 if state == "confirming" else 2),
            report=report and state not in ("closed", "shelved"),
            expires=HOUR / 1000,
        )
        if state in ("stored", "shelved"):
            self.scene.post(msgresp(self.id, STORED))
        elif state == "delivered":
            self.scene.post(imdn(self.id))
        elif state == "expired":
            self.hour()

    @property
    def id(self):
        return self.outgoing.message_id

    @property
    def stands(self):
        """The state; what an application and a restart know of it goes with that."""
        outgoing = self.outgoing
        outbox = self.scene.client.outbox
        stands = outgoing.stands
        equal(outgoing in outbox.queue, stands in OPEN)
        equal(outgoing in outbox.waiting, stands in AWAITING)
        equal(outgoing.final, stands not in OPEN and stands not in AWAITING)
        equal(outgoing.exchange is not None, stands == "sending")
        words = {"sending": "sent", "confirming": "sent", "closed": "accepted", "shelved": "stored"}
        equal(outgoing.state, words.get(stands, stands))
        return stands

    def hour(self):
        self.said = None
        self.scene.client.poll((self.scene.tick + HOUR + SECOND) % (1 << 29))
        self.scene._pump()

    def says(self, said):
        """What the server says to what is on the air, or to what goes out next."""
        self.said = said
        self.scene.run(8 * SECOND)

    def silence(self):
        """Until what is on the air has met nothing but silence."""
        self.said = None
        seconds = 0
        while self.outgoing.stands == "sending" and seconds < 100:
            self.scene.run(SECOND)
            seconds += 1

    def set_id(self):
        parameters = self.scene.of("MSG")[-1].body.get("segParams") if self.scene.of("MSG") else None
        return parameters["segId"] if parameters else "none"

    def asked_for(self):
        self.said = None
        self.scene.post(segrec(self.set_id(), "1"))


def post(body):
    return lambda sending: sending.scene.post(body(sending.id))


def confirm(result):
    return lambda sending: sending.scene.post(segconfir(sending.set_id(), result))


def later(code):
    return lambda sending: sending.says(code)


EVENTS = (
    later(coap.CHANGED),
    later(coap.SERVICE_UNAVAILABLE),
    later(coap.BAD_REQUEST),
    lambda sending: sending.silence(),
    lambda sending: sending.asked_for(),
    confirm("true"),
    confirm("false"),
    post(lambda id: msgresp(id, STORED)),
    post(lambda id: msgresp(id)),
    post(lambda id: imdn(id)),
    post(lambda id: imdn(id, "failure")),
    lambda sending: sending.hour(),
)
NOTHING = (SAME,) * 5
END = (SAME,) * len(EVENTS)


def expected(accepted, stored):
    """2.04, 5.03, 4.00, silence, SEGREC; SEGCONFIR; MSGRESP stored and failure; IMDN success and failure; an hour."""
    told = (SAME, SAME, stored, "failed", "delivered", "failed", "expired")
    return (
        ("queued",) + NOTHING + told,
        ("sending", accepted, "sent", "failed", "sent", SAME) + told,
        ("sent", accepted, SAME, "failed", SAME, SAME) + told,
        ("confirming", SAME, SAME, SAME, SAME, "sending", accepted, "failed") + told[2:],
    )


def test_a_message_with_a_report():
    walk(
        states.OUTGOING[0],
        expected("accepted", "stored")
        + (
            ("accepted",) + NOTHING + (SAME, SAME, "stored", "failed", "delivered", "failed", SAME),
            ("stored",) + NOTHING + (SAME, SAME, SAME, "failed", "delivered", "failed", SAME),
            ("closed",) + END,
            ("shelved",) + END,
            ("delivered",) + END,
            ("failed",) + END,
            ("expired",) + END,
        ),
        lambda state: Sending(state, True),
        EVENTS,
    )


def test_a_message_without_a_report():
    walk(OPEN, expected("closed", "shelved"), lambda state: Sending(state, False), EVENTS)


def test_a_confirmation_that_never_comes():
    """Clause 6.5.1.2: after the hold, the message counts as accepted."""
    for report, end in ((True, "accepted"), (False, "closed")):
        sending = Sending("confirming", report)
        sending.scene.run(119 * SECOND)
        equal(sending.stands, "confirming")
        sending.scene.run(2 * SECOND)
        equal(sending.stands, end)


def test_a_report_that_never_comes():
    for state, end in (("accepted", "closed"), ("stored", "shelved")):
        sending = Sending(state, True)
        for _ in range(25):
            sending.scene.run(HOUR)
        equal((sending.stands, sending.outgoing.cause), (end, "no report came"))


def test_what_is_asked_for_goes_out_again():
    sending = Sending("confirming", False)
    sending.said = coap.CHANGED
    sent = len(sending.scene.of("MSG"))
    sending.scene.post(segrec(sending.set_id(), "1-2"))
    equal((len(sending.scene.of("MSG")) - sent, sending.stands), (2, "confirming"))
    # a number that there is not asks for nothing
    sending.scene.post(segrec(sending.set_id(), "99"))
    equal((len(sending.scene.of("MSG")) - sent, sending.stands), (2, "confirming"))


def test_a_segmented_message_has_one_end():
    sending = Sending("confirming", False)
    set_id = sending.set_id()
    sending.scene.post(segconfir(set_id))
    equal(sending.stands, "closed")
    sending.scene.post(segconfir(set_id, "false"))
    equal(sending.stands, "closed")


def test_what_is_counted():
    """Each message once as accepted, where the other side told that it has it, and once for its end."""
    for state, counted in (
        ("queued", ()),
        ("sending", ()),
        ("confirming", ()),
        ("accepted", ("accepted",)),
        ("stored", ("accepted",)),  # 2.04 came first
        ("closed", ("accepted",)),
        ("delivered", ("accepted", "delivered")),
        ("failed", ("failed",)),
        ("expired", ("expired",)),
    ):
        stats = Sending(state, True).scene.client.stats
        raised = [name for name in ("accepted", "delivered", "failed", "expired") if stats[name]]
        equal((state, raised), (state, list(counted)))
        equal([stats[name] for name in raised], [1] * len(raised))
