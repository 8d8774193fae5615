# SPDX-License-Identifier: MIT
"""The data types of TS 29.538 clause 5 (digest: ASMessageDelivery, UEMessageDelivery, DeliveryStatusReport, ...).

Between the JSON of Application Servers and that of MSGin5G-1; the same notion has other names on each side. How an
Application Server receives is not in TS 29.538: a POST of UEMessageDelivery or DeliveryStatusReport to its targetUri.
It tells the two apart by `delivSt`, which only the report has.
"""

from tools.wire import bodies, segments
from tools.wire.bodies import Malformed
from tools.wire.outside import clean, date_time

UNREACHABLE = "the application server has given no targetUri"
PRIORITIES = ("HIGH", "MIDDLE", "LOW")


def address(value):
    return {"addrType": value.type, "addr": value.id}


def ue_message(row, parts):
    """UEMessageDelivery of a MSG to an Application Server."""
    body = {
        "oriAddr": address(row.origin),
        "destAddr": address(row.target),
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


def read_report(body):
    """(from, to, msgId, delivered, cause) of a DeliveryStatusReport."""
    status = bodies.text(body, "delivSt")
    if status not in ("REPT_DELY_SUCCESS", "REPT_DELY_FAILED"):
        raise Malformed("delivSt", "not REPT_DELY_SUCCESS or REPT_DELY_FAILED")
    return (
        bodies.address(body, "oriAddr", ("AS",), "addrType"),
        bodies.address(body, "destAddr", ("UE",), "addrType"),
        bodies.message_id(body),
        status == "REPT_DELY_SUCCESS",
        bodies.text(body, "failureCause", "", longest=1024),
    )


def read_message(body, service):
    """(from, to, head, payload, store and forward, expiry or None) of an ASMessageDelivery; the head is that of a
    MSG (clause 7.3.4.1), which has no use for priority and latency toward a client."""
    origin = bodies.address(body, "oriAddr", ("AS",), "addrType")
    target = bodies.address(body, "destAddr", bodies.TARGETS, "addrType")
    if "stoAndFwInd" not in body:
        raise Malformed("stoAndFwInd", "missing")
    if bodies.flag(body, "segInd"):
        raise Malformed("segInd", "send the message whole: the server cuts it for the recipient")
    if body.get("priority") is not None:
        bodies.text(body, "priority")  # an open enumeration: any string
    bodies.number(body, "latency", 0, 2**53)
    members = {"appId": body.get("appId"), "msgId": body.get("msgId")}
    members["isDelivStatReq"] = bodies.flag(body, "delivStReqInd")
    head = bodies.head(service, origin, target, members)
    store_forward = bodies.flag(body, "stoAndFwInd")
    expires = bodies.record(body, "stoAndFwParams").get("exprTime") if store_forward else None
    if expires is not None:
        expires = bodies.moment(expires, "stoAndFwParams.exprTime")
    return origin, target, head, bodies.whole_payload(body), store_forward, expires


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
