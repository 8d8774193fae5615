# SPDX-License-Identifier: MIT
"""The tables of the store, and their rows as the server sees them."""

import json
from dataclasses import dataclass

from tools.wire.bodies import Address
from tools.wire.identity import Peer

VERSION = 1

# Lanes keep what must get through (recovery, confirmation, reports, responses) from waiting behind a full inbox.
CONTROL, DATA = 0, 1

SCHEMA = """
CREATE TABLE device (ue TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE registration (
  ue TEXT PRIMARY KEY, host TEXT, port INTEGER, live INTEGER, expires REAL, since REAL, max_segment INTEGER,
  profile TEXT) WITHOUT ROWID;
CREATE INDEX registration_peer ON registration (host, port) WHERE live;
CREATE TABLE seen (number INTEGER PRIMARY KEY, originator TEXT, msg_id TEXT, set_id TEXT, UNIQUE (originator, msg_id));
CREATE TABLE application_server (
  id TEXT PRIMARY KEY, registration TEXT UNIQUE, target_uri TEXT, profile TEXT) WITHOUT ROWID;
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER, lane INTEGER, kind TEXT, target_type TEXT, target TEXT,
  origin_type TEXT, origin TEXT, msg_id TEXT, head TEXT, origin_set TEXT, set_id TEXT, store_forward INTEGER,
  state TEXT, expires REAL, hold_until REAL, octets INTEGER);
CREATE INDEX message_target ON message (target_type, target, state, lane, position, id, octets);
CREATE INDEX message_queued ON message (state, target_type, target);
CREATE INDEX message_expires ON message (expires);
CREATE INDEX message_set ON message (set_id) WHERE set_id <> '';
CREATE INDEX message_octets ON message (octets);
CREATE TABLE part (
  message INTEGER REFERENCES message ON DELETE CASCADE, number INTEGER, payload TEXT, done INTEGER DEFAULT 0,
  PRIMARY KEY (message, number)) WITHOUT ROWID;
CREATE TABLE segment_set (
  id INTEGER PRIMARY KEY, originator TEXT, set_id TEXT, msg_id TEXT, body TEXT, total INTEGER, progress REAL,
  asked INTEGER, fresh REAL, octets INTEGER, UNIQUE (originator, set_id, msg_id));
CREATE TABLE segment (
  segment_set INTEGER REFERENCES segment_set ON DELETE CASCADE, number INTEGER, payload TEXT,
  PRIMARY KEY (segment_set, number)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Registration:
    """`peer` is None while the gateway that it was made through (`via`) is not registered itself. `node`: which one
    heard the UE, or that gateway, last; None where one program serves all."""

    ue: str
    peer: Peer | None
    expires: float
    since: float
    max_segment: int | None
    profile: dict
    via: str | None = None
    node: str | None = None

    @property
    def through(self):
        """The Address of its gateway, or None."""
        return None if self.via is None else Address("UE", self.via)

    @classmethod
    def of_row(cls, row, profile, node=None):
        ue, host, port, expires, since, max_segment, _, via = row
        peer = None if host is None else Peer(host, port)
        return cls(ue, peer, expires, since, max_segment, profile, via, node)


@dataclass(frozen=True)
class ApplicationServer:
    id: str
    registration: str
    target_uri: str | None


@dataclass(frozen=True)
class Row:
    """One message that waits, or whose segments wait for their confirmation."""

    id: int
    position: int
    lane: int
    kind: str
    target: Address
    origin: Address | None
    msg_id: str
    head: dict
    origin_set: str  # segId that it came in with
    set_id: str  # segId that it is sent with
    store_forward: bool
    state: str
    expires: float
    octets: int


@dataclass(frozen=True)
class SegmentSet:
    """A message that is on its way in."""

    id: int
    originator: str
    set_id: str
    msg_id: str
    body: dict
    progress: float  # when its last new segment came, or recovery was last asked for
    asked: int  # recoveries in a row without a new segment
    fresh: float  # when its last new segment came
    octets: int


COLUMNS = (
    "id, position, lane, kind, target_type, target, origin_type, origin, msg_id, head, origin_set, set_id, "
    "store_forward, state, expires, octets"
)


def record(text):
    """The JSON object that a column holds. ValueError or TypeError where it holds none."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def text_of(value):
    """The text that a column holds. TypeError where it holds none."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def read_row(values):
    if values is None:
        return None
    (id_, position, lane, kind, target_type, target, origin_type, origin, msg_id, head, *rest) = values
    origin = Address(origin_type, origin) if origin else None
    head = record(head)
    if "msgType" not in head and kind != "PUSH":
        raise ValueError("no body of clause 7.3")
    return Row(id_, position, lane, kind, Address(target_type, target), origin, msg_id, head, *rest)
