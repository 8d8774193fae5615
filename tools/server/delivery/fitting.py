# SPDX-License-Identifier: MIT
"""Makes a message fit its recipient: the server as Message Sender of segments (TS 24.538 clauses 6.4.1.2.7, 6.5.3)."""

import secrets

from tools.server.settings import LARGEST_PAYLOAD
from tools.store.states import QUEUED
from tools.store.tables import DATA
from tools.wire import aggregates, bodies, segments
from tools.wire import payload as payloads
from tools.wire.bodies import Segment


class Fitting:
    def __init__(self, store, settings):
        self._store = store
        self._settings = settings
        self._fitted = store.kept()  # message id: the limits that its parts were cut for

    def forget(self, id_):
        self._fitted.pop(id_, None)

    def fit(self, row, max_segment):
        """Whether the row goes out now; False when it was split into others. Raises segments.CannotCut.

        Cuts that fit stay, with the originator's segId; else the whole is cut anew under a segId of our own.
        """
        limit = min(LARGEST_PAYLOAD, max_segment or LARGEST_PAYLOAD)
        if self._fitted.get(row.id) == limit:
            return True
        room = self._settings.room
        if "msgList" in row.head:
            if len(bodies.encode(row.head)) > room or len(bodies.encode(row.head["msgList"])) > limit:
                self._split_aggregate(row)
                return False
        else:
            parts = self._store.parts(row.id)
            if not self._cuts_fit(row, parts, limit, room):
                self._cut_anew(row, parts, limit, room)
        self._fitted[row.id] = limit
        return True

    def _cuts_fit(self, row, parts, limit, room):
        if len(parts) <= 1:
            value = parts[0] if parts else None
            return len(bodies.encode(bodies.msg(row.head, value))) <= room and (
                value is None or payloads.size(value) <= limit
            )
        set_id = row.set_id or bodies.same(row.origin_set) or secrets.token_hex(8)
        other = self._store.message_by_set(set_id)
        if other and other.id != row.id:
            # SEGREC and SEGCONFIR do not name the originator, so no two sets under way may have the same segId.
            set_id = secrets.token_hex(8)
        for number, part in enumerate(parts, 1):
            segment = Segment(set_id, number, len(parts), number == len(parts))
            if payloads.size(part) > limit or len(bodies.encode(bodies.msg(row.head, part, segment))) > room:
                return False
        if set_id != row.set_id:
            self._store.set_parts(row.id, set_id, parts)
        return True

    def _cut_anew(self, row, parts, limit, room):
        if not parts:
            raise segments.CannotCut("there is no payload to cut")
        set_id = secrets.token_hex(8)
        widest = Segment(set_id, segments.MAX_SEGMENTS, segments.MAX_SEGMENTS, True)
        head = len(bodies.encode(bodies.msg(row.head, "", widest)))
        if "isDelivStatReq" in row.head:  # only the first segment has it, and it must fit too
            head += len(b'"isDelivStatReq":true,')
        cuts = segments.cut(segments.join(parts), limit, room - head)
        self._store.set_parts(row.id, set_id, cuts)

    def _split_aggregate(self, row):
        """Too big for the recipient: single messages (clause 6.4.1.2.7), in the aggregate's place."""
        self._store.remove(row.id)
        for head, value in aggregates.singles(row.head, row.head["msgList"]):
            parts = [] if value is None else [value]
            self._store.add(
                DATA,
                "MSG",
                row.target,
                row.origin,
                head,
                parts,
                QUEUED,
                row.expires,
                position=row.position,
                store_forward=row.store_forward,
            )
