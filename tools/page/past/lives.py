# SPDX-License-Identifier: MIT
"""The lives of messages, as people see them: bounded in number, in steps and in octets, and shared by originator.

Where there are too many, the oldest one of whoever has the most goes: one that floods pushes out its own.
"""

import collections

from tools.wire import payload as payloads
from tools.wire.outside import clean

MESSAGES, STEPS = 5000, 40
DETAIL = 200  # octets of what a step says in words of others
PAYLOAD, PAYLOADS = 1 << 10, 4 << 20  # octets that are kept of one message, and of all

ACCEPTED, ARRIVING, STORED, DELIVERED, FAILED, DISCARDED, ASIDE, PASSED = (
    "accepted",
    "arriving",
    "stored",
    "delivered",
    "failed",
    "discarded",
    "quarantined",
    "passed on",
)


class Shares:
    """So many things at most, each somebody's. `add` and `go` cost the same however many there are."""

    def __init__(self, most):
        self._most = most
        self._of = {}  # owner: things, the oldest first
        self._owners = collections.defaultdict(dict)  # how many things: {owner: None}
        self._longest = 0
        self._count = 0

    def __len__(self):
        return self._count

    def of(self, owner):
        return self._of.get(owner, ())

    def add(self, owner, thing):
        """What had to go for it: (owner, thing), or None."""
        gone = None
        things = self._of.get(owner)
        if self._count >= self._most:
            # Where nobody has more, nobody has afterwards.
            if things is not None and len(things) == self._longest:
                gone = owner, things.popleft()
                things.append(thing)
                return gone
            gone = self.go()
        if things is None:
            things = self._of[owner] = collections.deque()
        self._move(owner, len(things), len(things) + 1)
        things.append(thing)
        self._count += 1
        return gone

    def go(self):
        """The oldest thing of whoever has the most goes: (owner, thing)."""
        owner = next(iter(self._owners[self._longest]))
        things = self._of[owner]
        self._move(owner, len(things), len(things) - 1)
        self._count -= 1
        thing = things.popleft()
        if not things:
            del self._of[owner]
        return owner, thing

    def _move(self, owner, before, now):
        if before:
            owners = self._owners[before]
            del owners[owner]
            if not owners:
                del self._owners[before]
        if now:
            self._owners[now][owner] = None
        if now > self._longest or self._longest == before and before not in self._owners:
            self._longest = now


class Life:
    """One message: `from` and `to` are service IDs, `steps` what happened to it, each a dict of what the page shows."""

    __slots__ = (
        "carried",
        "dropped",
        "key",
        "msg_id",
        "octets",
        "origin",
        "report",
        "size",
        "state",
        "steps",
        "time",
        "to",
    )

    def __init__(self, origin, msg_id, to, time):
        self.origin, self.msg_id, self.to, self.time = origin, msg_id, to, time
        self.key = origin, msg_id.lower()
        self.state, self.size, self.report = ACCEPTED, None, None
        self.carried, self.octets = None, 0  # the values of its parts, where they are kept; what they count
        self.steps = []
        self.dropped = 0  # steps that made room

    @property
    def payload(self):
        """The octets that it carries, None where they are not kept."""
        return None if self.carried is None else b"".join(map(payloads.to_plain, self.carried))

    def step(self, time, who, to, what, state, detail="", **more):
        """Adds a step; gives it. Of too many, one in the middle goes: how it began and what was last is left."""
        made = {
            "time": time,
            "who": who,
            "to": to,
            "what": what,
            "state": state,
            "detail": clean(detail, DETAIL) if detail else "",
            "count": 1,
        }
        made |= more
        self.steps.append(made)
        if len(self.steps) > STEPS:
            del self.steps[STEPS // 2]
            self.dropped += 1
        return made

    def last(self, who, to, what, peer=None):
        """The last step of this kind, toward this recipient; or None."""
        for step in reversed(self.steps):
            if (step["who"], step["to"], step["what"], step.get("peer")) == (who, to, what, peer):
                return step
        return None

    def item(self, direction=None):
        """As a list shows it."""
        item = {
            "from": self.origin,
            "to": self.to,
            "msgId": self.msg_id,
            "state": self.state,
            "report": self.report,
            "size": self.size,
            "time": self.time,
        }
        return item if direction is None else item | {"direction": direction}

    def whole(self):
        """With all its steps."""
        return self.item() | {"steps": [dict(step) for step in self.steps], "dropped": self.dropped}


class Lives:
    """All that are kept. `dropped`: lives that made room for newer ones, those of them that went for their octets, and
    steps of those that went.

    Most lives are looked at by nobody, and many never get beyond their first step. So one that begins is kept as what
    it was begun with, a tuple of plain values, which the garbage collector need not look at either; it becomes a Life
    with the first look, or the next step."""

    def __init__(self, messages=MESSAGES, octets=PAYLOADS):
        self._lives = {}  # (from, msgId in one case): Life, or what `begin` was given; in the order of their beginnings
        self._shares = Shares(messages)
        self._most, self._octets = octets, 0
        self.dropped = collections.Counter(messages=0, payloads=0, steps=0)

    def __len__(self):
        return len(self._lives)

    def get(self, origin, msg_id):
        """The Life of this message, or None."""
        return self.at((origin, msg_id.lower()))

    def at(self, key):
        """The Life with this key, or None."""
        life = self._lives.get(key)
        if type(life) is tuple:
            life = self._lives[key] = _made(key[0], *life)
        return life

    def open(self, origin, msg_id, to, time):
        """The Life of this message, a new one where there is none."""
        key = origin, msg_id.lower()
        life = self.at(key)
        if life is None:
            life = self._put(key, Life(origin, msg_id, to, time))
        return life

    def begin(self, key, msg_id, to, time, here, size, carried):
        """Of a message that was accepted from a device: the same with its first step, to `here`; False where there is
        one. `carried`: the value of its only part, of so many octets."""
        if key in self._lives:
            return False
        if size > PAYLOAD:
            self._put(key, (msg_id, to, time, here, size, None))
            return True
        self._put(key, (msg_id, to, time, here, size, carried))
        self._octets += size
        if self._octets > self._most:
            self._make_room()
        return True

    def of(self, ue, others, most):
        """[(Life, direction)] of the last messages from and to a device, the newest first; `others`: keys of those that
        came to it, too, without being addressed to it."""
        found = []
        for key, life in reversed(self._lives.items()):
            if (life[1] if type(life) is tuple else life.to) == ue or key in others:
                found.append((key, "in"))
            if key[0] == ue:
                found.append((key, "out"))
            if len(found) >= most:
                break
        return [(self.at(key), direction) for key, direction in found[:most]]

    def keep_payload(self, life, parts, octets):
        """Keeps what it carries, the values of its parts, where that is no longer than PAYLOAD. Where all that is kept
        is too much then, lives go as where there are too many."""
        if life.carried is not None or octets > PAYLOAD:
            return
        life.carried, life.octets = tuple(parts), octets
        self._octets += octets
        self._make_room()

    def _put(self, key, life):
        self._lives[key] = life
        gone = self._shares.add(key[0], key)
        if gone is not None:
            self._forget(gone[1])
        return life

    def _make_room(self):
        while self._octets > self._most:
            self._forget(self._shares.go()[1])
            self.dropped["payloads"] += 1

    def _forget(self, key):
        life = self._lives.pop(key)
        self.dropped["messages"] += 1
        if type(life) is tuple:
            if life[5] is not None:
                self._octets -= life[4]
        else:
            self._octets -= life.octets
            life.carried, life.octets = None, 0  # of who still holds it
            self.dropped["steps"] += life.dropped


def _made(origin, msg_id, to, time, here, size, carried):
    """Of what `begin` was given."""
    life = Life(origin, msg_id, to, time)
    life.size = size
    if carried is not None:
        life.carried, life.octets = (carried,), size
    life.step(time, "device", here, "MSG", ACCEPTED, until=time)
    return life
