# SPDX-License-Identifier: MIT
"""Aggregated messages and reports: TS 24.538 clauses 6.4.1.1.3 and 6.4.1.1.5, which give the number and the list of the
individual ones no names (docs/wire-profile.md has them). Loaded with the first that goes out."""

from . import bodies

BETWEEN = 34  # octets that a list adds to a body, its elements apart: "totalMsgCount":9999,"msgList":[],


def join(body, elements):
    """Return a body with the JSON objects `elements` (octets) as its list."""
    body = bytearray(body)
    body[-1] = 0x2C  # a comma in place of its last bracket
    body += ('"totalMsgCount":%d,"msgList":[' % len(elements)).encode()
    for position, element in enumerate(elements):
        if position:
            body += b","
        body += element
    body += b"]}"
    return body


def message(outgoing, value):
    """Return what clause 6.4.1.1.3 has for one message; `value` is its payload member."""
    return bodies.write(
        ("msgId", outgoing.message_id),
        ("appId", list(outgoing.app_id) if isinstance(outgoing.app_id, tuple) else outgoing.app_id),
        ("isDelivStatReq", True if outgoing.report else None),
        ("priority", None if outgoing.priority == "NORMAL" else outgoing.priority),
        ("payload", value),
    )


def report(message_id, status, cause):
    """Return what clause 6.4.1.1.5 has for one report."""
    return bodies.write(("msgId", message_id), ("DelSta", status), ("Cause", cause))
