# SPDX-License-Identifier: MIT
"""What the tests of ApplicationClient share: a client on a moved clock, a gateway's part played by hand."""

from common import next_deadline
from msgin5g import ApplicationClient, Config, MemoryStorage

REGISTRATION_ID = bytes.fromhex("0a0b0c0d0e0f")
OWN = "ue:meter-7@example.org"


class Counter:
    """Random octets that count, so that Message IDs can be foreseen."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        if size == 2:
            return b"\x7f\xff"  # the middle: no jitter
        self.count += 1
        return self.count.to_bytes(size, "big")


def joined(octets):
    """What goes over the link of octets, or of the parts of a message, which may lie in the storage."""
    if not isinstance(octets, list):
        octets = [octets]
    return b"".join([part.read(0, len(part)) if hasattr(part, "read") else bytes(part) for part in octets])


class Scene:
    """A client and its clock. `sent()` gives what it put on the link since the last call, as bytes."""

    def __init__(self, scheme="l3+uart", storage=None, **keys):
        data = {
            "role": "application client",
            "ue_service_id": OWN,
            "peer": scheme + (":///dev/ttyS9" if scheme.endswith("uart") else "://192.0.2.1"),
            "security": {"mode": "none"},
            "application": {"app_id": 258, "credential": "deadbeef"},
        }
        data.update(keys)
        self.storage = MemoryStorage() if storage is None else storage
        self.random = Counter()
        self.client = ApplicationClient(Config(data), self.storage, random=self.random)
        self.now = 0

    @property
    def files(self):
        """What the storage holds beside the journal: payloads."""
        return [name for name in self.storage.names() if name[:4] != "log-"]

    def sent(self):
        out = []
        while True:
            item = self.client.outgoing()
            if item is None:
                return out
            octets, peer = item
            assert peer == self.client.peer
            out.append(joined(octets))

    def receive(self, octets):
        if isinstance(octets, str):
            octets = bytes.fromhex(octets.replace(" ", ""))
        self.client.receive(octets, self.client.peer, self.now)

    def pass_time(self, ms):
        """Moves the clock, with a poll at each deadline on the way."""
        end = self.now + ms
        while True:
            deadline = next_deadline(self.client)
            if deadline is None or deadline > end:
                break
            self.now = max(self.now, deadline)
            self.client.poll(self.now)
        self.now = end
        self.client.poll(end)

    def start(self):
        """Registered, with nothing on the link."""
        self.client.start(self.now)
        assert self.sent(), "no registration went out"
        self.receive(b"\x08" + REGISTRATION_ID)
        assert self.client.registered
        return self

    def send(self, *arguments, **named):
        return self.client.send(arguments[0], arguments[1], self.now, **named)


__all__ = ("OWN", "REGISTRATION_ID", "Scene", "joined")
