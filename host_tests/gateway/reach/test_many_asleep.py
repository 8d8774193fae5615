# SPDX-License-Identifier: MIT
"""200 devices that sleep by schedules of their own, in virtual time, over kills of the server: nothing is sent outside
a window, all is delivered within one, nothing comes twice, order is kept."""

import random

from host_tests.gateway.scripted import SERVICE, new_id
from host_tests.gateway.server.test_decisions import HERE, A, Bench, msg
from tools.server.delivery.pushes import Outcome
from tools.server.server import Server
from tools.store.store import Store
from tools.wire.identity import Peer

DEVICES, HOURS = 200, 6


class Device:
    """It registers with a schedule, refreshes at the beginning of a window, and sends now and then. `open`: what it
    promised, reckoned by itself."""

    def __init__(self, number, rng, now):
        self.ue, self.peer = "ue:%d" % number, Peer("192.0.2.%d" % (number + 10), 40000)
        self.duration, self.interval = rng.choice([20, 30, 60]), rng.choice([300, 600, 900])
        self.begins = now + rng.randrange(self.interval)
        self.until = self.registered = None  # its own request opens a window
        self.heard = []
        self.sends = rng.randrange(HOURS * 3600)

    def window(self, now):
        """The number of the window of the schedule that is open, or None."""
        number, into = divmod(now - self.registered, self.interval)
        return number if into < self.duration else None

    def is_open(self, now):
        return now < self.until or self.window(now) is not None

    def profile(self):
        return {
            "comAvail": {
                "schTime": "1970-01-01T00:00:00Z",
                "durTime": self.duration,
                "periIndi": True,
                "periInterval": self.interval,
            }
        }


class Killed(Bench):
    """A Bench with its store in a file: a kill is another server on it, with nothing said to the first."""

    def __init__(self, path, **settings):
        self.path = path
        super().__init__(**settings)

    def restart(self):
        self.store.close()
        self.store = Store(self.path)
        self.server = Server(self.store, self.settings, self._emit, rng=random.Random(1))
        self.server.start(self.now)


def test_200_devices_are_reached_in_their_windows_and_not_outside(tmp_path):
    rng = random.Random(7)
    bench = Killed(str(tmp_path / "g.db"), lifetime=10**6, keep=10**6)
    bench.register(A, HERE)
    devices = {}
    for number in range(DEVICES):
        device = Device(number, rng, bench.now)
        devices[device.ue] = device
        bench.register(device.ue, device.peer, cliProfile=device.profile())
        device.registered, device.until = bench.now, bench.now + device.duration
    start, sent = bench.now, {ue: [] for ue in devices}
    kills = sorted(rng.randrange(HOURS * 3600) for _ in range(20))
    writes = sorted(rng.randrange((HOURS - 1) * 3600) for _ in range(4 * DEVICES))
    asks = sorted((device.sends, ue) for ue, device in devices.items())
    lost = []  # what the kill took the answer of
    pushes = 0
    while bench.now < start + HOURS * 3600:
        while writes and start + writes[0] <= bench.now:
            writes.pop(0)
            ue = rng.choice(list(devices))
            sent[ue].append(text := "%d" % len(sent[ue]))
            assert bench.code(HERE, msg(A, ue, text, sfFlag=rng.random() < 0.5)) == "2.04"
        while asks and start + asks[0][0] <= bench.now:
            device = devices[asks.pop(0)[1]]
            body = {"msgIden": SERVICE, "msgType": "SEGCONFIR", "segId": new_id(), "result": True}
            assert bench.code(device.peer, body) == "2.04"
            device.until = max(device.until, bench.now + device.duration)
        begun = True
        while begun:
            begun = bench.work()
            for push in begun:
                pushes += 1
                if push.target.id != A:
                    device = devices[push.target.id]
                    assert device.is_open(bench.now), (push.target.id, bench.now)
                    if push.kind == "MSG" and push.body["msgId"] not in [id_ for id_, _ in device.heard]:
                        device.heard.append((push.body["msgId"], push.body["payload"]))
                if kills and start + kills[0] <= bench.now:
                    lost.append(push)  # it was on its way: delivered, and nobody noted it
                    continue
                bench.server.outcome(push, Outcome("done", "2.04"), bench.now)
            if kills and start + kills[0] <= bench.now:
                kills.pop(0)
                bench.restart()
        next_ones = [bench.server.deadline(bench.now)]
        next_ones += [start + times[0] for times in (writes, kills) if times]
        next_ones += [start + asks[0][0]] if asks else []
        bench.now = max(bench.now + 0.01, min(each for each in next_ones if each is not None))
        bench.now = round(bench.now, 6)
    assert {ue: [text for _, text in device.heard] for ue, device in devices.items()} == sent
    assert sum(map(len, sent.values())) == 4 * DEVICES and not kills and len(lost) >= 1
    assert bench.store.summary() == []
    # Each message and each "stored" once, but for what a kill cut off.
    stored = len(bench.events("stored"))
    assert stored > DEVICES
    assert pushes <= 4 * DEVICES + stored + 2 * len(lost)
    assert bench.events("failed") == bench.events("quarantined") == []
