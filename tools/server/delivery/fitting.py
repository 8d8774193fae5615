# SPDX-License-Identifier: MIT
"""Makes a message fit its recipient: the server as Message Sender of segments (TS 24.538 clauses 6.4.1.2.7, 6.5.3)."""

import secrets
import uuid

from tools.server.settings import LARGEST_PAYLOAD
from tools.store.states import QUEUED
from tools.store.tables import DATA
from tools.wire import aggregates, bodies, segments
from tools.wire import payload as payloads
from tools.wire.bodies import Segment
from tools.wire.outside import clean

WINDOW = 8  # segments of one message that may be out at once


def window(profile):
    """How many segments of one message a UE takes without having answered the one before, as its `cliProfile` says;
    None where it does not. Raises Malformed."""
    return bodies.number(profile, "segWindow", 1, WINDOW)


class Fitting:
    def __init__(self, store, settings):
        self._store = store
        self._settings = settings
        self._fitted = store.kept()  # message id: the limits that its parts were cut for

    @property
    def known(self):
        """Ids of the messages that something is known of."""
        return self._fitted.keys()

    def forget(self, id_):
        self._fitted.pop(id_, None)

    def is_fit(self, row, max_segment):
        """Whether its parts were cut for a recipient that takes as much as this one."""
        return self._fitted.get(row.id) == min(LARGEST_PAYLOAD, max_segment or LARGEST_PAYLOAD)

    def fit(self, row, max_segment):
        """Whether the row goes out now; False when it was split into others. Raises segments.CannotCut.

        Cuts that fit stay, with the originator's segId; else the whole is cut anew under a segId of our own.
        """
        limit = min(LARGEST_PAYLOAD, max_segment or LARGEST_PAYLOAD)
        if self.is_fit(row, max_segment):
            return True
        room = self._settings.room
        if "msgList" in row.head:
            most = min(limit, room - aggregates.outside(row.head))
            pieces = aggregates.cut(row.head["msgList"], most)
            if len(pieces) > 1 or len(bodies.encode(pieces[0])) > most:
                self.split(row, pieces)  # clause 6.4.1.2.7
                return False
        else:
            parts = self._store.parts(row.id)
            if not self._cuts_fit(row, parts, limit, room):
                self._cut_anew(row, parts, limit, room)
        self._fitted[row.id] = limit
        return True

    def fit_reports(self, row, max_segment):
        """Whether an aggregated report goes out now; False when it was made into single ones (clause 6.4.1.2.9)."""
        limit = min(LARGEST_PAYLOAD, max_segment or LARGEST_PAYLOAD)
        if (
            len(bodies.encode(row.head)) <= self._settings.room
            and len(bodies.encode(row.head["msgList"])) <= limit
        ):
            return True
        self.singly(row)
        return False

    def shortened(self, body):
        """A report or response, with as much of its cause as a datagram has room for: a peer has chosen that."""
        while body.get("Cause") and (over := len(bodies.encode(body)) - self._settings.room) > 0:
            fewer = max(1, over // 2)  # JSON may have written two for one
            body = body | {"Cause": clean(body["Cause"], len(body["Cause"].encode()) - fewer)}
        return body

    def singly(self, row):
        """Puts single messages or reports in the place of an aggregated one."""
        if row.kind == "MSG":
            self.split(row, [[each] for each in row.head["msgList"]])
            return
        self._store.remove(row.id)
        for body in aggregates.single_reports(row.head):
            self._store.add(
                row.lane,
                row.kind,
                row.target,
                row.origin,
                body,
                [],
                QUEUED,
                row.expires,
                position=row.position,
            )

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

    def split(self, row, pieces):
        """Puts messages of these elements each in the place of an aggregated one; their ids.

        The first one keeps its msgId, so that one who has the whole, and only its answer was lost, knows it again; the
        others get new ones, and an element that is alone has its own. The originator knows all by their elements from
        now on.
        """
        store, first = self._store, row.head["msgId"]
        high, whole = store.is_high(row.id), store.whole_of(row.id) or first
        step = (store.position_after(row) - row.position) / max(1, len(pieces))
        ids = []
        for number, listed in enumerate(pieces):
            if len(listed) == 1:
                ((head, value),) = aggregates.singles(row.head, listed)
            else:
                msg_id = first if number == 0 else str(uuid.uuid4())
                head, value = aggregates.again(row.head, msg_id, listed), None
            id_ = store.add(
                DATA,
                "MSG",
                row.target,
                row.origin,
                head,
                [] if value is None else [value],
                row.state,
                row.expires,
                position=row.position + number * step,
                store_forward=row.store_forward,
                high=high,
                whole=whole,
            )
            ids.append(id_)
        store.trigger_pieces(row.id, ids)
        store.remove(row.id)
        self.forget(row.id)
        return ids
