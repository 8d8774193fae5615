# SPDX-License-Identifier: MIT
"""A database that much waits in, and an example of each look at it: every method of the families is called with values
that stand in some row, by the names of its parameters."""

import hashlib
import inspect
from types import SimpleNamespace

from tools.store.families import Families
from tools.store.keys.sectables import Keys
from tools.store.keys.windows import Windows
from tools.store.server.areatables import EVERY_UE
from tools.store.server.grouptables import Member
from tools.store.server.listtables import ListAt
from tools.store.server.peertables import EACH, ONCE, PeerServer
from tools.store.server.updatetables import Plan
from tools.wire.bodies import Address
from tools.wire.identity import Peer
from tools.wire.segments import Assembly

ROWS = 3000
# Tables that somebody configures, or of a row for each state or node: they stay small.
FEW = {
    "area",
    "as_token",
    "broadcaster",
    "clock",
    "generation",
    "generation_mark",
    "lease",
    "list_at",
    "list_follower",
    "list_state",
    "list_told",
    "message_gateway",
    "migration",
    "moved",
    "node",
    "peer",
    "peer_token",
    "target",
    "ue_count",
    "update_bundle",
    "update_job",
}
_LITTLE = 5
# What a column holds in row i, where that is not its name and the number.
_COLUMNS = {
    "gateway_held.kind": "'REG'",
    "kind": "CASE i % 3 WHEN 0 THEN 'AS' ELSE 'UE' END",
    "message.kind": "'MSG'",
    "quarantine.kind": "CASE i % 3 WHEN 0 THEN 'message' WHEN 1 THEN 'segment set' ELSE 'registration' END",
    "quarantine.key": "CASE i % 3 WHEN 2 THEN 'ue:' || i ELSE i::TEXT END",
    "target_type": "CASE i % 3 WHEN 0 THEN 'AS' ELSE 'UE' END",
    "target": "CASE i % 3 WHEN 0 THEN 'id:' || i % 5 ELSE 'ue:' || i END",
    "origin_type": "'UE'",
    "origin": "'ue:' || i % 100",
    "originator": "'ue:' || i % 100",
    "seen.originator": "'UE ue:' || i % 100",
    "message.state": "CASE i % 9 WHEN 0 THEN 'held' WHEN 1 THEN 'stored' WHEN 2 THEN 'quarantined' ELSE 'queued' END",
    "lane": "i % 2",
    "part.message": "i",
    "gateway": "'ue:' || i / 10",
    "document": "'document:' || i",
    "val_group_member.member": "'ue:' || i",
    "update_device.job": "i % 5",
    "id": "'id:' || i",
    "plan": "'{}'",
    "generation.one": "1",
    "device.ue": "'ue:' || 2 * i",
    "security_context.digest": "decode(md5((i + 1)::TEXT), 'hex')",
    "security_next.old": "decode(md5((i + 1)::TEXT), 'hex')",
    "area_ue.area": "'id:' || i",
    "area_ue.ue": "CASE i WHEN 4 THEN '%s' ELSE 'ue:' || i END" % EVERY_UE,
    "update_job.kind": "'kind'",
    "update_job.bundle": "'id:' || i",
    "update_job.state": "CASE i WHEN 1 THEN 'done' ELSE 'running' END",
    "node.shard": "i",
}
_TYPES = {
    "text": "'{column}:' || i",
    "bigint": "i",
    "double precision": "1000.0 + i",
    "boolean": "i % 2 = 0",
    "bytea": "decode(md5(i::TEXT), 'hex')",
}
_JSON = {"profile", "head", "body", "facts", "entry", "wants", "topics", "content", "answer", "sent"}


def _value(table, column, type_):
    named = table + "." + column
    if named in _COLUMNS:
        return _COLUMNS[named]
    if type_ == "text" and column in _JSON:
        return '\'{"msgType": "MSG"}\''
    if column in _COLUMNS and (column != "id" or type_ == "text"):
        return _COLUMNS[column]
    return _TYPES[type_].format(column=column)


def fill(link):
    """`link`: a connection of psycopg to a database of this schema."""
    link.execute("SET session_replication_role=replica")  # no triggers
    tables = {}
    for table, column, type_ in link.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns JOIN information_schema.tables"
        " USING (table_schema, table_name) WHERE table_schema='public' AND table_type='BASE TABLE'"
        " AND table_name NOT IN ('migration', 'moved', 'ue_id_secret')"
    ):
        tables.setdefault(table, []).append((column, type_))
    for table, columns in tables.items():
        link.execute(
            "INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d) AS i ON CONFLICT DO NOTHING"
            % (
                table,
                ", ".join('"%s"' % column for column, _ in columns),
                ", ".join(_value(table, *column) for column in columns),
                _LITTLE if table in FEW else ROWS,
            )
        )
    for (sequence,) in link.execute("SELECT sequencename FROM pg_sequences").fetchall():
        link.execute("SELECT setval('%s', %d)" % (sequence, 10 * ROWS))
    link.execute("ANALYZE")
    return set(tables)


_UE = "ue:7"
_DIGEST = hashlib.md5(b"7").digest()  # as of row 7
_NOW = 2000.0
_BODY = {"msgType": "MSG", "msgId": "msg_id:7", "msgList": [{"msgId": "a"}]}
_KEYS = Keys(b"kid", b"sender", b"s" * 16, b"", None)
_BUNDLE = SimpleNamespace(id="id:2", kind="kind", name="name", version="1", number=1, trial=None, octets=3)
_FOUND = SimpleNamespace(id=7, at=1000.0, target=Address("UE", _UE), lane=1, position=7)
# By the name of a parameter; of one method where it has another meaning there.
EXAMPLES = {
    "address": "address:3",
    "after": 0,
    "ahead": 1,
    "apart": 5.0,
    "app_id": "app_id:7",
    "area": "id:3",
    "asked": True,
    "aside": SimpleNamespace(**vars(_FOUND), key=7, kind="message"),
    "assembly": Assembly(_NOW, 3),
    "at": _NOW,
    "back": "{}",
    "before": 1500.0,
    "body": _BODY,
    "hold.body": "{}",
    "owe.body": "{}",
    "bundle": _BUNDLE,
    "update_of.bundle": "id:2",
    "category": "normal",
    "cause": "cause",
    "code": "2.05",
    "contents": b"abc",
    "creator": "creator:7",
    "credential": b"credential",
    "digest": _DIGEST,
    "document": "document:7",
    "domain": "domain:3",
    "due": _NOW,
    "duration": 10.0,
    "end": 10,
    "expires": _NOW,
    "facts": {},
    "failed": 1,
    "fresh": False,
    "gateway": _UE,
    "head": _BODY,
    "heard": [(_UE, _NOW)],
    "high": True,
    "hold_until": _NOW,
    "host": "host:7",
    "id_": 7,
    "id_context": None,
    "identifier": "identifier:7",
    "ids": [7, 8],
    "note_sent.ids": ["ue:7"],
    "interval": 100.0,
    "key": "7",
    "put_aside.key": 7,
    "keys": _KEYS,
    "kid": _DIGEST,
    "kind": "UE",
    "put_aside.kind": "message",
    "is_aside.kind": "message",
    "add.kind": "MSG",
    "lane": 1,
    "latest": 1500.0,
    "least": 1.0,
    "length": 1,
    "link": "link",
    "list_at": ListAt("domain:3", "id:3", None, _NOW),
    "listed": [{"msgId": "a"}],
    "local": "local",
    "manifest": b"manifest",
    "max_ids": 1,
    "max_registered": 1,
    "max_segment": None,
    "max_ues": 1,
    "member": Member("ue:7"),
    "members": [Member("ue:7")],
    "mode": EACH,
    "most": 10,
    "most_each": 1,
    "msg_id": "msg_id:7",
    "name": "name",
    "names": ["a", "b"],
    "now": _NOW,
    "number": 7,
    "add_segment.number": 9,
    "add_group.id_": "id:new",
    "numbers": 10,
    "offset": 0,
    "old": _DIGEST,
    "origin": Address("UE", _UE),
    "originator": _UE,
    "originators": ("UE ue:7", "UE ue:8"),
    "origins": [Address("UE", _UE), None],
    "parts": ["cGFydA==", "cGFydA=="],
    "path": "path",
    "payload": "cGFydA==",
    "peer": Peer("host:7", 7),
    "set_peer.peer": PeerServer("domain:3", "http://127.0.0.1", None, "own", "all"),
    "trigger_pieces.id_": 1,
    "pieces": [7777, 8888],
    "place": "place",
    "plan": SimpleNamespace(first=1),
    "ports": "{}",
    "profile": {},
    "ranges": [(1, 2)],
    "reason": "reason",
    "registration": "registration:7",
    "register_as.registration": "another",
    "registration_id": _DIGEST,
    "renew": _NOW,
    "row": _FOUND,
    "seconds": 60,
    "server": "id:3",
    "service_id": "service",
    "set_id": "set_id:7",
    "open_set.set_id": "another",
    "signature": b"signature",
    "since": 1500.0,
    "skip": 0,
    "slots": 10,
    "stage": 1,
    "start": _NOW,
    "state": "state:7",
    "ids.state": "held",
    "target": Address("UE", _UE),
    "target_uri": "http://127.0.0.1",
    "targets": ["ue:7"],
    "text": "{}",
    "there": True,
    "to": "assigned_to:7",
    "token": "token:7",
    "topic": "topic:7",
    "topics": ["topic:7"],
    "tries": 1,
    "type_": "UE",
    "ue": _UE,
    "ue_id": "ue_id:7",
    "ues": ["ue:7", "ue:8"],
    "unreadable": True,
    "until": _NOW,
    "unused_since": 5000.0,
    "up": True,
    "uri": "http://127.0.0.1",
    "via": _UE,
    "wanted": SimpleNamespace(
        ue_id="ue_id:7",
        ue=_UE,
        server="s",
        seg_size=1,
        vendor="v",
        type="t",
        document="document:7",
        assigned_to=_UE,
    ),
    "when": _NOW,
    "where": "TRUE",
    "whereto": "postgresql://",
    "who": Address("UE", _UE),
    "whole": "whole:7",
    "whom": ["ue:7"],
    "why": "why",
    "without": [1, 2],
    "words": "7",
    "job": 3,
    "id_ of text": "id:7",
}
# The families whose `id_` is a text.
_TEXT_IDS = {
    "families",
    "grouptables",
    "tokentables",
    "gatewaytables",
    "bundletables",
    "listtables",
    "quotatables",
    "peertables",
}


def calls():
    """(name, arguments, named ones) of each method of the families, with and without what it need not be given."""
    functions = {name: function for of in (Families, Windows) for name, function in inspect.getmembers(of)}
    for name, function in functions.items():
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        family = function.__module__.rpartition(".")[2]
        needed, all_, named = [], [], {}
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            if parameter.kind == parameter.VAR_POSITIONAL:
                continue
            if parameter.kind == parameter.VAR_KEYWORD:
                named = NAMED[name]
                continue
            value = _example(family, name, parameter.name)
            all_.append(value)
            if parameter.default is parameter.empty:
                needed.append(value)
        if not named:
            yield name, needed, {}
        if len(all_) > len(needed) or named:
            yield name, all_, named
    yield from MORE


def _example(family, name, parameter):
    for key in ("%s.%s" % (name, parameter), "%s.%s" % (family, parameter)):
        if key in EXAMPLES:
            return EXAMPLES[key]
    if parameter == "id_" and family in _TEXT_IDS:
        return "id:3"
    return EXAMPLES[parameter]  # a KeyError: give an example of the new parameter


NAMED = {
    "add": {
        "position": 3,
        "origin_set": "a",
        "set_id": "b",
        "store_forward": True,
        "high": True,
        "whole": "c",
    },
    "change_update_device": {"ready": None},
}
# What other values come to.
_NEW = SimpleNamespace(**{**vars(_BUNDLE), "id": "new"})
_LAST = hashlib.md5(b"%d" % (ROWS + 1)).digest()  # a key without a window
MORE = (
    ("put_aside", ("registration", _UE, _NOW, _NOW, "reason", "place", True), {}),
    ("put_aside", ("segment set", 8, _NOW, _NOW, "reason", "place", False), {}),
    ("take_back", (SimpleNamespace(**vars(_FOUND), key=7, kind="segment set"), _NOW), {}),
    ("forget_older", (1e9, 1_000_000), {}),
    ("area", ("id:4",), {}),
    ("registered_in", ("id:4", _NOW), {}),
    ("add_bundle", (_NEW, b"", b"", b"abc", _NOW), {}),
    ("add_update", (_NEW, ["ue:7"], Plan(), _NOW), {}),
    ("application_ue_number", ("ue:new",), {}),
    ("_make_room_for_bundle", (), {}),
    ("listed", (None, 0, 10), {}),
    ("list_changes_so_far", (), {}),
    ("list_was_told", ("domain:3", "topic:3", False), {}),
    ("list_topic", ("domain:3", "topic:3", False), {}),
    ("list_changes", ("domain:3", 0.0), {}),
    ("asked", ("domain:3", Address("UE", _UE), ["topic:3"], None), {}),
    ("strike", (_DIGEST, 1), {}),
    ("strike", (_DIGEST, 100), {}),
    ("strike", (_LAST, 1), {"fresh": True}),
    ("asks_due", ("domain:3", ONCE, _NOW), {}),
    ("asks_over", ("domain:3", ONCE, _NOW), {}),
)
