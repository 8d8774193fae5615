# SPDX-License-Identifier: MIT
"""A message on its way out, as the application sees it."""

from coap.compat import const, json_octets, whole

from ..rules import states
from ..wire.identifiers import MANY, escaped

_MAX_CAUSE = const(80)  # characters of the cause of each: all are in the checkpoint of every log segment
_TYPING = const(False)
_WHOLE = const((None, None, None, False))  # what `header` need not make anew
AWAITING = ("accepted", "stored")  # states of states.OUTGOING in which a report is waited for


class Outgoing:
    """A message that `send` took.

    `stands` is its state, of states.OUTGOING.
    `reports` counts what the recipients of a message to many say, None where no such reports are expected.
    """

    # Here what most messages never change, or only while they are sent: 64 of them may wait for reports.
    plain = True  # whether the next four are these
    app_id: "str | int | tuple | list | None" = None
    report = False
    priority = "NORMAL"
    store_forward = False
    volatile = False
    cause = None
    segmentation = None  # (limit, room, set ID) where it is too large for one datagram
    progress = None  # which segments were acknowledged, as far as the message store knows
    expires = None  # Countdown to the end of `expires`, later to that of the wait for a report
    expire_time = None  # the same as a date, for sfParam
    segments = None  # once the first segment went out
    segment = None  # number on the air
    prefetched = None  # [number, body, Exchange or None] of the one that comes next
    spool = None  # the Spool that copies its payload, as long as it is not in the storage
    exchange = None  # what is on the air while it is "sending", for who cancels that
    reports = None
    reporters = None  # who was counted, see outgoing/many.py
    on_report = None  # of the layer above, which calls it with (reporter, success, cause)
    order = 0  # of `send`, over restarts
    ref = None  # what the message store keeps of it
    share = None  # what it has to do with others, see outgoing/together.py
    turn = 0  # when it was last on the air, for a fair order among destinations

    def __init__(
        self,
        message_id: str,
        to: str,
        to_type: str,
        source: object,
        app_id: str | int | tuple | list | None,
        report: bool,
        priority: str,
        store_forward: bool,
        volatile: bool,
    ) -> None:
        self.message_id = message_id
        self.to = to
        self.to_type = to_type
        self.stands = "queued"
        # An attribute of the object takes memory and time, so what is as in most messages stays that of the class.
        if report or store_forward or priority != "NORMAL" or app_id is not None:
            self.plain = False
            if app_id is not None:
                self.app_id = app_id
            if report:
                self.report = report
            if priority != "NORMAL":
                self.priority = priority
            if store_forward:
                self.store_forward = store_forward
        if volatile:
            self.volatile = volatile
        self.source = source
        self.size = source.size  # type: ignore[attr-defined]
        if report and to_type in MANY:
            self.reports = {"success": 0, "failure": 0}

    if _TYPING:
        # The word for where it stands: "queued", "sent" (on the air), "accepted" (the server has it), "stored" (it
        # waits there for the recipient), "delivered", "failed" (`cause` says why) or "expired"; and whether that will
        # not change any more.
        state: str
        final: bool

    def __getattr__(self, name):
        if name == "final":
            return states.OUTGOING[0].index(self.stands) >= states.FINAL
        if name == "state":
            return states.word(states.OUTGOING, self.stands)
        raise AttributeError(name)

    def header(self):
        """Return the header of record S, a JSON list in the order of recovery.OUTGOING, which has the names. Most of
        it is the same for most messages, and is not made anew for them."""
        source = self.source  # None once it is accepted
        awaiting = self.stands in AWAITING
        if self.plain and self.expires is None:
            wishes = b'null,false,"NORMAL",false,null,null'
        else:
            left = None if awaiting or self.expires is None else self.expires.last
            wishes = self.app_id, self.report, self.priority, self.store_forward, left, self.expire_time
            wishes = json_octets(wishes)[1:-1]
        further = source and source.file, self.segmentation, self.progress, awaiting
        failed = self.reports and self.reports["failure"]
        if failed or further != _WHOLE:
            further = json_octets(further + tuple(counts(self)) if failed else further)[1:]
        else:
            further = b"null,null,null,false]"
        return b"".join(
            (
                b'[%d,"' % self.order,
                self.message_id.encode(),
                b'","',
                escaped(self.to),
                b'","',
                self.to_type.encode(),
                b'",',
                wishes,
                b",true," if source is not None and source.text else b",false,",
                b"%d," % self.size,
                further,
            )
        )

    def __repr__(self):
        return "<Outgoing %s to %s: %s%s>" % (
            self.message_id,
            self.to,
            self.state,
            ", " + self.cause if self.cause else "",
        )


whole(Outgoing, asked="state final")


def counts(outgoing):
    """Return the fields of a record for the reports of many recipients."""
    cause = outgoing.cause and outgoing.cause[:_MAX_CAUSE]
    return [outgoing.reports["success"], outgoing.reports["failure"], cause]
