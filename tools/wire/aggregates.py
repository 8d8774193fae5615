# SPDX-License-Identifier: MIT
"""Aggregated messages and reports: TS 24.538 clauses 6.4.1.1.3, .5, .7, 6.4.1.2.7."""

import uuid

from tools.wire import bodies

_JOINED = uuid.UUID(
    "6f0a4f0e-2c4b-4d7e-9a54-8d9b3f6f1c52"
)  # namespace of the msgIds that the server makes of others

# Elements of one list. Each costs what a message costs, and the list is one request; one that fits the largest segment
# (2048 octets) has fewer than 40.
MOST = 256


def elements(body):
    """The list of an aggregated message or report (clauses 6.4.1.1.3, 6.4.1.1.5), or None."""
    listed = body.get("msgList")
    if listed is None:
        return None
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        raise bodies.Malformed("msgList", "not a list of objects")
    if len(listed) > MOST:
        raise bodies.Malformed("msgList", "more than %d messages" % MOST)
    if bodies.number(body, "totalMsgCount", 1, 65535) not in (None, len(listed)):
        raise bodies.Malformed("totalMsgCount", "is not the length of msgList, %d" % len(listed))
    return listed


def aggregate(body):
    """The list of an aggregated MSG as it will be written, each element whole in itself; None of another MSG.

    An element is what clause 6.4.1.1.3 names, without the priority.
    """
    listed = elements(body)
    if listed is None:
        return None
    return _each(_element, listed)


def reported(body):
    """(msgId, delivered, cause) of each element of an aggregated IMDN; None of another one."""
    listed = elements(body)
    return listed and _each(bodies.report, listed)


def _each(read, listed):
    """What each element is read as. Malformed says which one it is of."""
    made = []
    for place, item in enumerate(listed):
        try:
            made.append(read(item))
        except bodies.Malformed as error:
            raise bodies.Malformed("msgList[%d].%s" % (place, error.member), error.reason) from None
    return made


def _element(item):
    element = {"msgId": bodies.message_id(item)}
    app_id = bodies.applications(item)
    if app_id is not None:
        element["appId"] = app_id
    if item.get("isDelivStatReq") is not None:  # false is said: it does not inherit
        element["isDelivStatReq"] = bodies.flag(item, "isDelivStatReq")
    bodies.priority(item)
    value = bodies.whole_payload(item)
    return element if value is None else element | {"payload": value}


def reports(service, from_, to, outer, listed):
    """An aggregated IMDN (clauses 6.4.1.1.5, 7.3.4.2); `listed`: (msgId, delivered, cause) of each element."""
    elements_ = [bodies.imdn(service, from_, to, *each) for each in listed]
    inside = [
        {name: each[name] for name in ("msgId", "DelSta", "Cause") if name in each} for each in elements_
    ]
    made = bodies.imdn(service, from_, to, outer, True)
    del made["DelSta"]
    return made | {"totalMsgCount": len(inside), "msgList": inside}


def single_reports(body):
    """The IMDNs of an aggregated one."""
    outside_ = {name: body[name] for name in ("msgIden", "msgType", "oriAddr", "destAddr")}
    return [outside_ | element for element in body["msgList"]]


def joined(singles_):
    """An aggregated MSG of single ones of one originator to one recipient, (head, payload) pairs. Its msgId follows
    from theirs: the same messages always make the same."""
    heads = [head_ for head_, _ in singles_]
    names = [bodies.same(head_["msgId"]) for head_ in heads]
    made = {
        name: value
        for name, value in heads[0].items()
        if name not in ("appId", "msgId", "isDelivStatReq", "payload")
    }
    elements_ = [
        {name: head_[name] for name in ("msgId", "appId", "isDelivStatReq") if name in head_}
        | {"payload": value}
        for head_, value in singles_
    ]
    outer = str(uuid.uuid5(_JOINED, " ".join([heads[0]["oriAddr"]["addr"], *names])))
    return made | {"msgId": outer, "totalMsgCount": len(elements_), "msgList": elements_}


def again(head_, msg_id, listed):
    """The head of an aggregated message with another msgId and these elements, all that is outside as it was."""
    return head_ | {"msgId": msg_id, "totalMsgCount": len(listed), "msgList": listed}


def outside(head_):
    """The most octets of an aggregated message beside its list."""
    return len(bodies.encode(again(head_, head_["msgId"], []) | {"totalMsgCount": len(head_["msgList"])})) - 2


def cut(listed, most):
    """Lists of as many elements as fit, in their order: each list, once written, has at most `most` octets, but one of
    a single element, which will be no list (clause 6.4.1.2.7)."""
    cuts, octets = [], 0
    for element in listed:
        more = len(bodies.encode(element)) + 1  # a comma, or the two brackets less one
        if cuts and octets + more <= most:
            cuts[-1].append(element)
        else:
            cuts.append([element])
            octets = 1
        octets += more
    return cuts


def singles(head_, listed):
    """The single messages of an aggregated one, as (head, payload) pairs: what an element does not say of itself it
    has from outside (clause 6.4.1.1.7 a 1)."""
    for item in listed:
        made = {}
        for name in (
            "msgIden",
            "msgType",
            "oriAddr",
            "destAddr",
            "appId",
            "msgId",
            "isDelivStatReq",
            "oriDestAddr",
            "priority",
        ):
            value = item.get(name, head_.get(name))
            if value is not None and (name != "isDelivStatReq" or value):
                made[name] = value
        yield made, bodies.payload(item)
