# SPDX-License-Identifier: MIT
"""The data types of TS 29.538 clause 5 (digest: ASMessageDelivery, UEMessageDelivery, DeliveryStatusReport, ...).

From the JSON of MSGin5G-1 to that of Application Servers; the same notion has other names on each side. How an
Application Server receives is not in TS 29.538: a POST of UEMessageDelivery or DeliveryStatusReport to its targetUri.
It tells the two apart by `delivSt`, which only the report has.
"""

from tools.wire import segments
from tools.wire.bodies import Address
from tools.wire.outside import clean, date_time

UNREACHABLE = "the application server has given no targetUri"


def address(value):
    return {"addrType": value.type, "addr": value.id}


def many_of(row):
    """The group or topic that a MSG was sent to which this is a copy of, or None."""
    many = row.head.get("oriDestAddr")
    return many and Address(many["destAddrType"], many["addr"])


def ue_message(row, parts):
    """UEMessageDelivery of a MSG to an Application Server: its copy of one to a group or topic names that."""
    body = {
        "oriAddr": address(row.origin),
        "destAddr": address(row.target if row.target.type == "UE" else many_of(row) or row.target),
        "msgId": row.head["msgId"],
        "stoAndFwInd": bool(row.store_forward),
    }
    if "appId" in row.head:
        body["appId"] = row.head["appId"]
    if "isDelivStatReq" in row.head:
        body["delivStReqInd"] = True
    if row.store_forward:
        body["stoAndFwParams"] = {"exprTime": date_time(row.expires)}
    if parts:
        body["payload"] = segments.join(parts)
    return body


def gateway_message(row, parts):
    """L3gMessageDelivery or N3gMessageDelivery of a MSG to a UE behind a message gateway: what an Application Server
    gets, but for store and forward, which ends here."""
    body = ue_message(row, parts)
    return {name: value for name, value in body.items() if name not in ("stoAndFwInd", "stoAndFwParams")}


def broadcast_message(row, parts):
    """BgMessageDelivery of a MSG to a broadcast area."""
    priority = row.head["priority"]
    return gateway_message(row, parts) | {"priority": "MIDDLE" if priority == "NORMAL" else priority}


def peer_message(row, parts):
    """UEMessageDelivery or ASMessageDelivery of a MSG to the server of another domain. TS 29.538 has no member for what
    a copy of many was sent to: `oriDestAddr` is that of MSGin5G-1."""
    body = ue_message(row, parts)
    many = many_of(row)
    if many and row.target.type in ("UE", "AS"):
        body |= {"destAddr": address(row.target), "oriDestAddr": address(many)}
    return body


def status_report(imdn):
    """DeliveryStatusReport of an IMDN."""
    body = {
        "oriAddr": {"addrType": imdn["oriAddr"]["oriAddrType"], "addr": imdn["oriAddr"]["addr"]},
        "destAddr": {"addrType": imdn["destAddr"]["destAddrType"], "addr": imdn["destAddr"]["addr"]},
        "msgId": imdn["msgId"],
        "delivSt": "REPT_DELY_SUCCESS" if imdn["DelSta"] == "success" else "REPT_DELY_FAILED",
    }
    if "Cause" in imdn:
        body["failureCause"] = clean(imdn["Cause"])
    return body


def ack(origin, message_id, status=None, cause=""):
    """MessageDeliveryAck."""
    body = {"oriAddr": address(origin), "msgId": message_id}
    if status:
        body["status"] = status
    if cause:
        body["failureCause"] = clean(cause)
    return body


def problem(status, title, detail="", member=""):
    """ProblemDetails of TS 29.571, as TS 29.500 clause 5.2.7 asks for."""
    body = {"title": title, "status": status}
    if detail:
        body["detail"] = detail
    if member:
        body["invalidParams"] = [{"param": member, "reason": detail}]
    return body
