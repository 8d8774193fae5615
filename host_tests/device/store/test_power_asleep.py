# SPDX-License-Identifier: MIT
# heap: 512k, the flash of the board and the server lie in it too
"""The power goes at a write of a device that joins its messages, is a member of groups, and sleeps between windows."""

import json

import coap
from common import Random
from groups_scene import ROOT, document, member
from life import AFTER, BEFORE, PEER, STRIDE, TORN, UE, Life, Sent, Server, cut_each

# CPython cuts at every single write, MicroPython at a sample.
_STEPS = 24
INTERVAL, DURATION = 20000, 4000  # ms
PUMPS, VALVES = "g:pumps@x", "g:valves@x"
OTHERS = ("ue:b@x", "ue:c@x", "ue:d@x")  # members too


class WindowServer(Server):
    """Sends only to a device that listens: in its windows, which it counts by the registration, and for the length of
    one behind each request. It has groups, and tells of their changes."""

    def __init__(self, *hooks):
        super().__init__(*hooks)
        self.groups = [PUMPS]
        self.joined = False  # whether the device receives what is sent to PUMPS
        self.in_windows = 0  # pushes in a window that no request had opened
        self._now = 0
        self._registered = None  # when
        self._until = 0
        self._token = None  # of the device's observation
        self._sequence = 1

    def changed(self, groups):
        """The device is a member of these groups from now on."""
        self.groups = groups
        if self._token is not None:
            self.pushes.append({"notify": True})

    def _opens(self, now):
        """When the device listens at `now` or next."""
        if self._registered is None:
            return None
        into = (now - self._registered) % INTERVAL
        return now if now < self._until or into < DURATION else now + INTERVAL - into

    def step(self, device, now):
        self._now = now
        if self._opens(now) == now:
            return super().step(device, now)
        again, self._again = self._again, now + 1  # what comes is heard, and nothing goes
        moved = super().step(device, now)
        self._again = again
        return moved

    def next_deadline(self):
        return None if not self.pushes else self._opens(max(self._now, self._again or 0))

    def _hear(self, octets, device, now):
        message = coap.decode(bytes(octets))
        if not 0 < message.code < 32:
            if message.mid == self._open and not message.code:
                self._answered(
                    self.pushes[0].get("notify", False), now
                )  # an acknowledgement without a response
            else:
                super()._hear(octets, device, now)
            return
        self._until = now + DURATION
        if message.path[: len(ROOT)] == ROOT:
            code, body, options = self._manage(message)
            reply = coap.Message(code, body, options, coap.ACK, message.mid, message.token)
            device.receive(bytes(coap.encode(reply)), PEER, now)
            return
        if json.loads(str(message.payload, "utf-8"))["msgType"] == "REG":
            self._registered = now
        super()._hear(octets, device, now)

    def _manage(self, message):
        """What group management answers: TS 24.544."""
        if message.code != coap.GET:
            self.joined = message.code == coap.PUT
            return coap.CHANGED, b"", []
        options = []
        if message.option(coap.OBSERVE) is not None:
            self._token = bytes(message.token)
            options.append((coap.OBSERVE, coap.uint_octets(self._sequence)))
        return coap.CONTENT, self._documents(), options

    def _documents(self):
        found = []
        for group in self.groups:
            number = "7" if group == PUMPS else "8"
            entry = member(UE, registered=group == VALVES or self.joined, document=number)
            found.append(document(group, number, [entry]))
        return json.dumps(found).encode()

    def _push(self, body, device, now):
        assert device.procedure("availability").listens, "sent to a device that sleeps"
        self.in_windows += now >= self._until
        if "notify" not in body:
            super()._push(body, device, now)
            return
        self._sequence += 1
        options = [(coap.OBSERVE, coap.uint_octets(self._sequence)), (coap.CONTENT_FORMAT, b"\x32")]
        notification = coap.Message(
            coap.CONTENT, self._documents(), options, coap.CON, self._mid, self._token
        )
        device.receive(bytes(coap.encode(notification)), PEER, now)

    def restarted(self, storage):
        self._token = None
        self._open = self._again = None
        self.pushes = [body for body in self.pushes if "notify" not in body]

    def _reporters(self, addr):
        if addr != PUMPS:
            return super()._reporters(addr)
        return [{"oriAddrType": "UE", "addr": each} for each in OTHERS]


class Asleep(Life):
    KEPT = ("groups",)
    STEP = 7000

    def _settings(self):
        settings = super()._settings()
        del settings["coap"]
        settings["aggregation"] = {"wait": 40, "messages": 3}
        settings["availability"] = {"interval": INTERVAL // 1000, "duration": DURATION // 1000}
        return settings

    def _new_server(self):
        return WindowServer(self._accept, self._report, lambda now: False)

    def _outbound(self, step):
        to, to_type = (PUMPS, "GROUP") if step % 6 == 2 else ("as:x", "AS")
        return Sent(to, "message %d" % step, to_type=to_type, report=step % 4 != 0)

    def _step(self, step):
        if step == 8:
            self.server.changed([PUMPS, VALVES])
        elif step == 15:
            self.server.changed([VALVES, PUMPS][1 - step % 2 :])
        groups = self.device.procedure("groups")
        self.device.call("groups", "watch", self.now)
        waits = [each for each in groups.subscriptions if each.title == "join " + PUMPS]
        if not waits and (PUMPS, False) in self._known():
            self.device.call("groups", "join", PUMPS, self.now)
        super()._step(step)

    def _known(self):
        return [(each.group_id, each.joined) for each in self.device.procedure("groups").known]

    def check(self):
        super().check()
        assert self.server.joined
        assert self._known() == [(group, True) for group in self.server.groups], self._known()
        came = {}
        for message_id, elements in self.server.aggregates:
            assert came.setdefault(message_id, elements) == elements, message_id


class AsleepOftenCleaned(Asleep):
    SEGMENT = 1500


def _writes(kind):
    life = kind(_STEPS)
    life.run()
    writes = life.storage.writes
    life.check()
    assert len(life.sent) == len(life.taken) == _STEPS // 2
    # what this life is about
    assert life.server.aggregates and life.server.in_windows
    return writes


def _cut_each(how, kind):
    cut_each(how, kind, _STEPS, _writes(kind))


def test_a_cut_before_each_write():
    _cut_each(BEFORE, Asleep)


def test_a_cut_within_each_write():
    _cut_each(TORN, Asleep)


def test_a_cut_after_each_write():
    _cut_each(AFTER, Asleep)


def test_each_cut_where_the_journal_is_cleaned_all_the_time():
    _cut_each(BEFORE, AsleepOftenCleaned)


def test_many_cuts_in_one_life():
    """The power goes again and again, also while the device recovers from the cut before."""
    restarts = 0
    for seed in range(0, 40, STRIDE):
        random = Random(seed)
        life = Asleep(_STEPS, seed)
        life.next_cut = lambda writes, random=random: (writes + random.below(25), random.below(3))
        life.storage.plan(*life.next_cut(0))
        life.run()
        life.storage.at = None
        life.settle()
        life.check()
        restarts += life.restarts
    assert restarts > 40 // STRIDE * 3, restarts
