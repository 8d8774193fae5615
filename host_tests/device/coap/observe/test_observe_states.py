# SPDX-License-Identifier: MIT
"""Each state of an observation against each event, as RFC 7641 sections 3.1 to 3.6 and 4.2 have them for a client."""

import coap
from coap.observe import OBSERVATION, observe
from coap_scene import PEER, answer, endpoint, events, octets, run, sent
from common import SAME, equal, walk

TOKEN = "00000001"  # the first of FixedRandom
GRANTED = "61 02 ff 30"  # Observe 2 and a payload


def get():
    return coap.Message(coap.GET, options=coap.path_options("/obs"))


class Watch:
    """An observation in a state. `mid` is the message ID of the last request."""

    def __init__(self, state):
        self.device = endpoint()
        self.it = observe(self.device, get(), PEER, 0, stale=False)
        self.mid = 1
        sent(self.device)
        if state not in ("registering", "withdrawing"):
            self.says("45", GRANTED)
        if state == "renewing":
            self.register()
        elif state in ("cancelling", "withdrawing"):
            self.cancel()
        elif state == "ended":
            self.it.forget()

    @property
    def stands(self):
        # who is told what: only what is not over is known to the endpoint, and is told while it is established
        equal(self.it in self.device.observations, self.it.stands != "ended")
        equal(self.it.established, self.it.stands in ("observed", "renewing", "cancelling"))
        return self.it.stands

    def register(self):
        if self.it.exchange is not None:
            self.device.cancel(self.it.exchange, 0)  # NSTART is 1
        self.it.register(get(), 0)
        self.mid += 1
        equal(len(sent(self.device)), 1)

    def cancel(self):
        if self.it.exchange is not None:
            self.device.cancel(self.it.exchange, 0)
        self.it.cancel(get(), 0)
        self.mid += 1
        equal(len(sent(self.device)), 1)

    def says(self, code, rest=""):
        """A response in the acknowledgement of the last request, open or not."""
        answer(self.device, "64 %s %04x" % (code, self.mid) + TOKEN + rest, 0)
        events(self.device)

    def nothing(self):
        run(self.device, 100000)
        events(self.device)

    def notify(self, code, rest):
        answer(self.device, "44 %s 7001" % code + TOKEN + rest, 1000)
        return [kind for kind, _, _ in events(self.device)]


def granted(watch):
    watch.says("45", GRANTED)


def without_observe(watch):
    watch.says("45", "ff 30")


def refused(watch):
    watch.says("84")


def reset(watch):
    answer(watch.device, "70 00 %04x" % watch.mid, 0)
    events(watch.device)


def gone(watch):
    """The peer notifies that the resource is gone: 4.04, of no request that is open."""
    watch.device.cancel(watch.it.exchange, 0)
    watch.notify("84", "")


def test_every_state_and_event():
    walk(
        OBSERVATION[0],
        (
            # register, cancel; granted, without Observe, 4.04, Reset, silence in answer; 4.04 as a notification; forget
            (
                "registering",
                SAME,
                "withdrawing",
                "observed",
                "ended",
                "ended",
                "ended",
                "ended",
                SAME,
                "ended",
            ),
            ("observed", "renewing", "cancelling", SAME, SAME, SAME, SAME, SAME, "ended", "ended"),
            ("renewing", SAME, "cancelling", "observed", "ended", "ended")
            + ("observed", "observed", "ended", "ended"),
            ("cancelling", "renewing", SAME, "ended", "ended", "ended", "ended", "ended", "ended", "ended"),
            ("withdrawing", "registering", SAME, "ended", "ended", "ended", "ended", "ended", SAME, "ended"),
            ("ended", SAME, SAME, SAME, SAME, SAME, SAME, SAME, SAME, SAME),
        ),
        Watch,
        (
            lambda watch: watch.register(),
            lambda watch: watch.cancel(),
            granted,
            without_observe,
            refused,
            reset,
            lambda watch: watch.nothing(),
            gone,
            lambda watch: watch.it.forget(),
        ),
    )


def test_what_is_told_in_which_state():
    # while the peer notifies, as far as we know; what answers the open request is its response
    for state, kinds in (
        ("observed", [coap.NOTIFICATION]),
        ("renewing", [coap.RESPONSE]),
        ("cancelling", [coap.NOTIFICATION]),
        ("withdrawing", [coap.RESPONSE]),
        ("registering", [coap.RESPONSE]),
        ("ended", []),
    ):
        watch = Watch(state)
        equal((state, watch.notify("45", "61 03 ff 31")), (state, kinds))


def test_what_ended_is_reset():
    watch = Watch("ended")
    watch.register()
    equal(watch.stands, "ended")
    watch.device.cancel(watch.it.exchange, 0)
    equal(answer(watch.device, "44 45 7001" + TOKEN + "61 03 ff 31", 0), [octets("70 00 7001")])
