# SPDX-License-Identifier: MIT
"""What has changed, as server-sent events: deltas only, for a few readers at once, none of which holds anything up.

A reader that is too far behind, or asks for what is not remembered any more, is told to load all anew (`reload`).
"""

import collections
import itertools
import json

from tools.page.events import sentence
from tools.page.past.history import devices_of

STREAMS = 16
BEHIND = 256 << 10  # octets that wait for one reader
MANY = 500  # devices or messages of one delta: more of them are loaded anew
HEARTBEAT = b": still here\n\n"


def frame(event, data, number=None):
    """One event of a stream."""
    head = "" if number is None else "id: %d\n" % number
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return ("%sevent: %s\ndata: %s\n\n" % (head, event, text)).encode("utf-8", "replace")


class Full(Exception):
    """There are as many readers as there may be."""


class Stream:
    """Of one reader. `wake()` is called when there is something to take, or it has ended."""

    def __init__(self, wake):
        self._wake = wake
        self._frames = collections.deque()
        self._octets = 0
        self.ended = False

    def put(self, frames, at):
        """Keeps these for the reader, or ends with `reload`; `at`: the number of the last change that is in them."""
        if self.ended:
            return
        self._frames.extend(frames)
        self._octets += sum(map(len, frames))
        if self._octets > BEHIND:
            self._frames.clear()
            self._frames.append(frame("reload", {"cause": "too far behind"}, at))
            self.ended = True
        self._wake()

    def end(self):
        """Nothing more comes."""
        self.ended = True
        self._wake()

    def take(self):
        """All octets that wait."""
        octets = b"".join(self._frames)
        self._frames.clear()
        self._octets = 0
        return octets


class Live:
    """`view`: a View. `soon()` is called where `pump` is to be called soon."""

    def __init__(self, view, soon=lambda: None):
        self._view, self._history = view, view.history
        self.soon = soon
        self._streams = []
        self._sent = 0  # the number of the last change that all streams have
        self._counts = {}
        self._due = False

    def __len__(self):
        return len(self._streams)

    def _changed(self):
        if not self._due:
            self._due = True
            self.soon()

    def begin(self, after, wake):
        """A Stream with what came after this change, None: with nothing. Raises Full."""
        if len(self._streams) >= STREAMS:
            raise Full
        self.pump()
        stream = Stream(wake)
        if after is not None and after != self._history.at:
            frames = self._frames(after, {})
            if frames is None:
                frames = [frame("reload", {"cause": "too long ago"}, self._history.at)]
            stream.put(frames, self._history.at)
        if not self._streams:
            self._history.changed.append(self._changed)
        self._streams.append(stream)
        self._counts = {}  # what this reader knows of them may be newer than what the others were told: all, once
        return stream

    def leave(self, stream):
        if stream in self._streams:
            self._streams.remove(stream)
            if not self._streams:
                self._history.changed.remove(self._changed)

    def end(self):
        for stream in self._streams:
            stream.end()

    def pump(self):
        """Gives all what has changed."""
        self._due = False
        if self._sent == self._history.at:
            return
        if self._streams:
            frames = self._frames(self._sent, self._counts)
            if frames is None:
                frames = [frame("reload", {"cause": "too much at once"}, self._history.at)]
            for stream in self._streams:
                stream.put(frames, self._history.at)
            self._counts = self._view.counts()
        self._sent = self._history.at

    def _frames(self, after, counts):
        """What came after this change, `counts` being known; None where not all of it is remembered, or too much."""
        ring, at = self._history.ring, self._history.at
        if not (ring[0][0] - 1 if ring else at) <= after <= at:
            return None
        changes = list(itertools.takewhile(lambda change: change[0] > after, reversed(ring)))[::-1]
        named = (devices_of(record) if ues is None else ues for _, ues, _, record in changes)
        devices = dict.fromkeys(itertools.chain.from_iterable(named))
        keys = dict.fromkeys(key for _, _, key, _ in changes if key is not None)
        if max(len(devices), len(keys)) > MANY:
            return None
        lives = [life for key in keys if (life := self._history.lives.at(key)) is not None]
        frames = [frame("device", item) for item in self._items(devices)]
        frames += [frame("message", life.item()) for life in lives]
        told = [(number, record) for number, _, _, record in changes if record is not None]
        if any(record["event"].startswith("quarantine") for _, record in told):
            frames.append(frame("quarantine", self._view.quarantine()))
        frames += [frame("update", job) for job in self._view.updates.changed(record for _, record in told)]
        frames += [frame("event", for_people(record), number) for number, record in told]
        now = self._view.counts()
        frames.append(frame("count", {k: v for k, v in now.items() if counts.get(k) != v}, at))
        return frames

    def _items(self, devices):
        found = (self._view.devices.known(ue) for ue in devices)
        return [item for item in found if item is not None]


def for_people(record):
    """An event as the page has it: a sentence."""
    return {"time": record["time"], "event": record["event"], "text": sentence(record)}
