# SPDX-License-Identifier: MIT
"""What a Gateway UE apart from its server can say of a message that goes by: who it is from and for, and how it was
answered."""

from tools.wire import bodies
from tools.wire.bodies import Malformed

_WITH_ID = ("MSG", "IMDN")


def passed(body, peer, code, down=False):
    """The fields of the event `passed` for a body and the code of its answer; None where nothing is to be said.
    `down`: the server has sent it to a device."""
    try:
        kind = bodies.text(body, "msgType", "").upper()
        from_ = bodies.address(body, "oriAddr", bodies.TARGETS).id
        fields = {"kind": kind, "ue": from_, "peer": str(peer), "code": code, "down": down}
        if kind in _WITH_ID and "msgId" in body:
            to = bodies.address(body, "destAddr", bodies.TARGETS).id
            fields |= {"from": from_, "to": to, "msgId": bodies.message_id(body), "ue": to if down else from_}
        if kind == "IMDN":
            fields["status"] = "success" if bodies.report(body)[1] else "failure"
    except Malformed:
        return None
    return fields
