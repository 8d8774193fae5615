# SPDX-License-Identifier: MIT
"""Communication Availability: the device tells the server when it listens (TS 24.538 clause 6.3.1.1.1 ii, TS 23.554
clause 8.9.2), and may sleep in between. Loaded where the configuration has `availability`.

The server counts the windows from the point in time that the registration names, or, where the device has no clock,
from when it got the registration. After each request of the device it also takes it for awake, for the length of a
window.
"""

from coap import exchange
from coap.compat import const, earliest, ticks_diff

from ..rules.requests import Source
from ..timing import Countdown

_NO_CLOCK = "1970-01-01T00:00:00Z"  # stands for: from the receipt of this registration

_AWAITED = ("waiting", "configuring")  # what the other side ends, later than by its answer
_SECOND = const(1000)  # ms: a clock tells no less


class Availability(Source):
    """The windows of a Client."""

    def __init__(self, client):
        config = client.config.availability
        self._client = client
        self._interval = config["interval"] * 1000
        self._duration = config["duration"] * 1000
        self._said = 0  # tick when the schedule went out last
        self._by_clock = False  # whether it named a point in time
        self._bulked = False  # whether a gateway has kept it since, to hand it in later
        self._grant = None  # what the registration has been granted for; each one begins the windows anew
        self._longer = 0  # ms that a window is open beyond its length, where its begin is not known exactly
        self._next = None  # Countdown to the next window
        self._open = None  # Countdown to the end of the one that is open
        client.procedure("registration").announcing += (self,)

    @property
    def listens(self):
        """Whether something may come now, so that the device must not sleep: a window is open, or something that was
        asked for is on its way."""
        client = self._client
        if self._open is not None or client.on_air > 0 or client.registration.state in _AWAITED:
            return True
        return client.listener is not None  # gateways that were asked for may answer

    def profile(self):
        """Return the pairs of cliProfile that a registration says now."""
        client = self._client
        config = client.config.availability
        seconds = None if client.clock is None else client.clock()
        begins = _NO_CLOCK
        self._said = client.now
        self._bulked = False
        self._by_clock = seconds is not None
        if self._by_clock:
            from ..wire.date_time import date_time

            begins = date_time(seconds)
        members = (
            ("schTime", begins),
            ("durTime", config["duration"]),
            ("periIndi", True),
            ("periInterval", config["interval"]),
            ("dataSize", config["data_size"]),
            ("storeForward", None if config["store_forward"] else "true"),
        )
        return (("comAvail", members),)

    def on_peer_alive(self):
        client = self._client
        # What comes by itself opens no window: the server counts the requests of the device.
        if self._grant is not None and client.event is not None and client.event[0] == exchange.RESPONSE:
            self._listen(self._duration, client.now)

    def poll(self, now):
        registration = self._client.registration
        if registration.state == "waiting":
            self._bulked = True
        grant = registration.expires if registration.registered else None
        if grant is not self._grant:
            self._next = self._open = None
            if grant is not None:
                self._begin(now)
            self._grant = grant
        if self._next is not None:
            self._next.advance(now)
            late = -self._next.left(now)
            if late >= 0:
                late %= self._interval  # some windows may have been slept over
                self._listen(self._duration + self._longer - late, now)
                self._next = Countdown(self._interval - late, now)
        if self._open is not None:
            self._open.advance(now)
            if self._open.left(now) <= 0:
                self._open = None

    def next_deadline(self, now):
        deadline = None if self._next is None else self._next.deadline(now)
        return deadline if self._open is None else earliest(deadline, self._open.deadline(now))

    def _begin(self, now):
        """Begin the windows of a registration that was granted just now."""
        ago = ticks_diff(now, self._said)
        if self._by_clock:
            # The clock told a whole second: that moment is up to a second older, and so is each window of the server.
            self._longer = _SECOND
            ago += _SECOND
        else:
            # The server got it between then and now; where a gateway kept it, not long before it answered.
            if self._bulked:
                ago = min(ago, self._duration)
            self._longer = ago
        self._next = Countdown(self._interval - ago % self._interval, now)
        self._listen(self._duration, now)

    def _listen(self, ms, now):
        if ms > 0 and (self._open is None or self._open.left(now) < ms):
            self._open = Countdown(ms, now)


def start(client):
    """Return the Availability of a Client."""
    return Availability(client)
