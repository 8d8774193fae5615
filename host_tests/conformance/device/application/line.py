# SPDX-License-Identifier: MIT
"""The firmware's Application Client at a line, in the time of a test and without what frames a message on it; at the
other end are octets that a test writes."""

from host_tests.conformance.device.core import UE, msgin5g

APPLICATION = {"app_id": 7, "credential": "c0ffee"}
GIVEN = "0a0b0c0d0e0f"  # a Registration ID: 48 bits
REGISTERING = "07" + "0007" + "0003c0ffee"


class Line:
    """`sent()` is what it puts on the line, in hexadecimal digits, `say` puts something there for it."""

    def __init__(self, **config):
        given = {"role": "application client", "ue_service_id": UE, "security": {"mode": "none"}}
        given |= {"peer": "l3+uart:///dev/line", "application": APPLICATION} | config
        self.client = msgin5g.ApplicationClient(msgin5g.Config(given), msgin5g.MemoryStorage())
        self.tick = 0
        self.client.start(0)

    @property
    def registration(self):
        return self.client.registration

    def sent(self):
        found = []
        while (item := self.client.outgoing()) is not None:
            parts, self._peer = item
            octets = [each.read(0, len(each)) if hasattr(each, "read") else bytes(each) for each in parts]
            found.append(b"".join(octets).hex())
        return found

    def next(self):
        """The one message that it sends now."""
        (octets,) = self.sent()
        return octets

    def say(self, digits):
        self.client.receive(bytes.fromhex(digits), self._peer, self.tick)

    def run(self, seconds):
        """Lets this time go by, in which nothing comes."""
        end = self.tick + round(seconds * 1000)
        while self.tick < end:
            due = self.client.next_deadline()
            self.tick = end if due is None else min(end, max(due, self.tick + 1))
            self.client.poll(self.tick)

    def take(self):
        return self.client.take(self.tick)

    def send(self, payload=b"Hi", to="192.0.2.1", **more):
        """(what the application has of it, the octets that go out)."""
        outgoing = self.client.send(to, payload, self.tick, **more)
        return outgoing, self.next()


def registered(**config):
    line = Line(**config)
    assert line.next() == REGISTERING
    line.say("08" + GIVEN)
    assert line.client.registered
    return line
